"""Decomposition, intertwiners and tensor products, against characters and against each other."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomdl.groups import C4, C8, D4, D8, O2, SO2, C, D, PlanarGroup
from geomdl.representations import (
    Representation,
    band_limited,
    change_basis,
    clebsch_gordan,
    decompose,
    direct_sum,
    endomorphisms,
    intertwiners,
    irrep,
    irreps,
    quotient,
    regular,
    representation,
    tensor_product,
    trivial,
)
from geomdl.representations.decomposition import commutator, null_space

GROUPS = [*(C(n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 16)), *(D(n) for n in range(1, 9)), SO2, O2]


def _elements(group: PlanarGroup) -> np.ndarray:
    """Elements over which the mean is the mean over the group (for frequencies below 64)."""
    if group.is_finite:
        return group.elements()
    angles = np.arange(64) * 2 * np.pi / 64
    return np.array([[f, a] for f in range(2 if group.reflections else 1) for a in angles])


def _character_product(a: Representation, b: Representation) -> float:
    g = _elements(a.group)
    return float(np.mean(a.character(g) * b.character(g)))


def _irreps(group: PlanarGroup) -> list[Representation]:
    return irreps(group, None if group.is_finite else 3)


def _random_sum(group: PlanarGroup, rng: np.random.Generator) -> Representation:
    choices = _irreps(group)
    return direct_sum([choices[i] for i in rng.integers(0, len(choices), rng.integers(1, 7))])


def _random_orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


@pytest.mark.parametrize("group", GROUPS, ids=str)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**16))
def test_decomposition_round_trip_in_a_random_basis(group: PlanarGroup, seed: int):
    rng = np.random.default_rng(seed)
    given_sum = _random_sum(group, rng)
    rho = change_basis(given_sum, _random_orthogonal(rng, given_sum.size))
    g = group.sample(rng, 5)
    for found in (decompose(group, rho), decompose(group, rho(group.generators()))):
        assert found.multiplicities == given_sum.multiplicities
        assert [label[::-1] for label in found.labels] == sorted(label[::-1] for label in given_sum.labels)
        np.testing.assert_allclose(found(g), rho(g), atol=1e-9)
    np.testing.assert_allclose(intertwiners(rho, found) @ rho(g[0]), found(g[0]) @ intertwiners(rho, found), atol=1e-9)


def test_decomposition_keeps_what_is_decomposed_already():
    rho = direct_sum([trivial(C8), *[irrep(C8, 1)] * 3, irrep(C8, 3)])
    found = decompose(C8, rho)
    assert found == rho  # the same labels, Q the identity: copies are the projections of coordinate axes


def test_the_plane_itself_and_functions_of_it():
    assert decompose(O2, O2.matrix).labels == ((1, 1),)
    assert decompose(SO2, SO2.matrix) == irrep(SO2, 1)

    def hessian(g: np.ndarray) -> np.ndarray:
        m = D8.matrix(g)
        return np.einsum("...ik,...jl->...ijkl", m, m).reshape(*m.shape[:-2], 4, 4)

    assert decompose(D8, hessian).labels == ((0, 0), (1, 0), (1, 2))


def test_the_highest_frequency_that_is_found():
    assert decompose(O2, irrep(O2, 1, 100)).labels == ((1, 100),)
    with pytest.raises(ValueError, match="frequency up to 100"):
        decompose(O2, irrep(O2, 1, 101))


_turn = np.array([[0.0, -1.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("group", "matrices", "message"),
    [
        (C4, np.array([[[1.0, 1.0], [0.0, 1.0]]]), "not orthogonal"),
        (C4, np.array([np.diag([2.0, 0.5]) @ _turn @ np.diag([0.5, 2.0])]), "not orthogonal"),  # a representation, skew
        (C4, np.eye(2), r"\[1 generators, n, n\]"),
        (D4, np.array([_turn]), r"\[2 generators, n, n\]"),
        (C4, np.zeros((1, 2, 3)), r"\[1 generators, n, n\]"),
        (C(3), np.array([_turn]), "no rotation 3-fold"),
        (D4, np.array([_turn, _turn]), "break the relations"),
        (D4, np.array([_turn, np.eye(2)]), "break the relations"),
        (
            C4,
            lambda g: SO2.matrix(g * 2 * np.pi / 4) * np.where(g[..., 1] == 3, -1, 1)[..., None, None],
            "homomorphism",
        ),
        (SO2, lambda g: SO2.matrix(g * np.where(g[..., 1] > 2, 1, 2)[..., None]), "homomorphism"),
        (C4, np.array([[[np.nan]]]), "not orthogonal"),
    ],
)
def test_what_is_no_orthogonal_representation_is_refused(group: PlanarGroup, matrices, message: str):
    with pytest.raises(ValueError, match=message):
        decompose(group, matrices)


@pytest.mark.parametrize("matrix", [np.diag([1.0, 2.0]), np.eye(3)])
def test_change_of_basis_must_be_orthogonal(matrix: np.ndarray):
    with pytest.raises(ValueError, match="change of basis of"):
        change_basis(irrep(D4, 1, 1), matrix)
    with pytest.raises(ValueError, match="change of basis of"):
        Representation(D4, "skew", ((1, 1),), tuple(map(tuple, matrix.tolist())))


@given(seed=st.integers(0, 2**16))
def test_change_of_basis(seed: int):
    rng = np.random.default_rng(seed)
    rho, p = regular(D4), _random_orthogonal(rng, 8)
    g = D4.elements()
    np.testing.assert_allclose(change_basis(rho, p)(g), p @ rho(g) @ p.T, atol=1e-12)
    np.testing.assert_allclose(change_basis(change_basis(rho, p), p.T)(g), rho(g), atol=1e-12)


@pytest.mark.parametrize("group", GROUPS, ids=str)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**16))
def test_intertwiners_are_all_equivariant_maps(group: PlanarGroup, seed: int):
    rng = np.random.default_rng(seed)
    a, b = _random_sum(group, rng), _random_sum(group, rng)
    a, b = change_basis(a, _random_orthogonal(rng, a.size)), change_basis(b, _random_orthogonal(rng, b.size))
    maps = intertwiners(a, b)
    assert maps.shape == (round(_character_product(a, b)), b.size, a.size)
    generators = group.generators()
    flat = maps.reshape(len(maps), b.size * a.size)
    np.testing.assert_allclose(commutator(b(generators), a(generators)) @ flat.T, 0, atol=1e-10)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(maps)), atol=1e-10)
    assert null_space(commutator(b(generators), a(generators))).shape[1] == len(maps)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_endomorphisms(group: PlanarGroup):
    kinds = [*_irreps(group), band_limited(group, min(2, int(min(group.rotation_order, 9)) // 2))]
    kinds += [regular(group), quotient(group, "C1")] if group.is_finite else []
    for rho in kinds:
        assert len(endomorphisms(rho)) == rho.endomorphism_dimension == round(_character_product(rho, rho))
    if group.is_finite:  # the endomorphisms of the regular representation are the group algebra
        assert len(endomorphisms(regular(group))) == group.order


def test_schur():
    for group in (C8, D8, SO2, O2):
        for a, b in itertools.permutations(_irreps(group), 2):
            assert intertwiners(a, b).shape == (0, b.size, a.size)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_clebsch_gordan_of_all_pairs_of_irreps(group: PlanarGroup):
    g = group.sample(np.random.default_rng(0), 7)
    for a, b in itertools.product(_irreps(group), repeat=2):
        _check_clebsch_gordan(a, b, g)
        product = tensor_product(a, b)
        for psi in _irreps(group):  # multiplicities from characters
            (label,) = psi.labels
            expected = _character_product(product, psi) / psi.endomorphism_dimension
            assert product.multiplicities.get(label, 0) == round(expected)


@pytest.mark.parametrize(
    ("group", "a", "b"),
    [
        (C8, "regular", "quotient(C2)"),
        (D4, "regular", "(irrep(1,1) + quotient(D1,axis=1))"),
        (O2, "band_limited(2)", "band_limited(1,D1,axis=0.5)"),
        (D(3), "induced(C3,irrep(1))", "tensor(irrep(1,1),irrep(1,1))"),
    ],
)
def test_clebsch_gordan_of_reducible_representations(group: PlanarGroup, a: str, b: str):
    g = group.sample(np.random.default_rng(0), 7)
    _check_clebsch_gordan(representation(group, a), representation(group, b), g)


def _check_clebsch_gordan(a: Representation, b: Representation, g: np.ndarray) -> None:
    product, c = tensor_product(a, b), clebsch_gordan(a, b)
    assert c.shape == (a.size, b.size, a.size * b.size)
    c = c.reshape(a.size * b.size, -1)
    kronecker = np.array([np.kron(x, y) for x, y in zip(a(g), b(g), strict=True)])
    np.testing.assert_allclose(c.T @ c, np.eye(len(c)), atol=1e-10)
    np.testing.assert_allclose(product(g), kronecker, atol=1e-10)
    sum_of_irreps = direct_sum([irrep(a.group, *label) for label in product.labels])
    np.testing.assert_allclose(c.T @ kronecker @ c, sum_of_irreps(g), atol=1e-10)


def test_mixed_groups_are_refused():
    for combine in (tensor_product, clebsch_gordan, intertwiners):
        with pytest.raises(ValueError, match="one group"):
            combine(trivial(C4), trivial(D4))
