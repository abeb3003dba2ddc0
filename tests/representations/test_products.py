"""Representations of direct products: laws, irreps against characters, decomposition, names."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.groups import C4, D4, O2, SO2, C, D, DirectProduct, GridTranslations, PlanarGroup, point_group
from geomdl.representations import (
    FieldType,
    Representation,
    decompose,
    direct_sum,
    disentangle,
    intertwiners,
    irrep,
    irreps,
    outer_product,
    quotient,
    regular,
    representation,
    restrict,
    restrict_to_factor,
    tensor_product,
    trivial,
)

PRODUCTS = [(a, b) for a, b in itertools.product([C(1), C(2), C(3), C4, D(1), D(3), D4], repeat=2)]


@pytest.mark.parametrize(("a", "b"), PRODUCTS, ids=str)
def test_irreps_of_a_product_are_all_there_by_their_characters(a: PlanarGroup, b: PlanarGroup):
    group = DirectProduct(a, b)
    found, g = irreps(group), group.elements()
    characters = np.stack([psi.character(g) for psi in found])
    products = characters @ characters.T / group.order  # real orthogonality: 0, and dim End on the diagonal
    np.testing.assert_allclose(products, np.diag([psi.endomorphism_dimension for psi in found]), atol=1e-9)
    assert sum(psi.size**2 / psi.endomorphism_dimension for psi in found) == pytest.approx(group.order)


@pytest.mark.parametrize(("a", "b"), [(C4, C4), (C4, D(3)), (D4, D(1)), (C(3), C(2))], ids=str)
def test_regular_representations_permute_as_the_product_multiplies(a: PlanarGroup, b: PlanarGroup):
    group = DirectProduct(a, b)
    rho = regular(group)
    np.testing.assert_array_equal(rho.permutation(), group.multiplication_table())
    for psi in irreps(group):
        assert rho.multiplicities[psi.labels[0]] == psi.size / psi.endomorphism_dimension


@given(seed=st.integers(0, 2**16))
@pytest.mark.parametrize(
    "rho",
    [
        outer_product(quotient(D4, "D1", axis=1), irrep(SO2, 2)),
        outer_product(irrep(SO2, 1), irrep(SO2, 3)),
        irrep(DirectProduct(SO2, SO2), 0, 2, 0, 1, -1),
        irrep(DirectProduct(C4, C(3)), 0, 1, 0, 1, 1),
        direct_sum([irrep(DirectProduct(O2, C4), 1, 2, 0, 1, 0), trivial(DirectProduct(O2, C4))]),
    ],
    ids=str,
)
def test_representations_of_products_are_homomorphisms(rho: Representation, seed: int):
    a, b = rho.group.sample(np.random.default_rng(seed), 2)
    np.testing.assert_allclose(rho(rho.group.product(a, b)), rho(a) @ rho(b), atol=1e-10)
    np.testing.assert_allclose(rho(a) @ rho(a).T, np.eye(rho.size), atol=1e-10)


@pytest.mark.parametrize(("a", "b"), [(C4, C4), (C(3), C(5)), (SO2, SO2), (C4, D4), (O2, C4)], ids=str)
def test_outer_products_are_kronecker_products_and_split_only_when_both_are_complex(a: PlanarGroup, b: PlanarGroup):
    x, y = irrep(a, 1), irrep(b, 1)
    rho = outer_product(x, y)
    g = rho.group.sample(np.random.default_rng(0), 7)
    first, second = rho.group.split(g)
    kron = np.stack([np.kron(p, q) for p, q in zip(x(first), y(second), strict=True)])
    np.testing.assert_allclose(rho(g), kron, atol=1e-12)
    both = x.endomorphism_dimension == y.endomorphism_dimension == 2
    assert rho.is_irreducible == (not both)
    assert len(rho.labels) == (2 if both else 1)
    if rho.group.is_finite:  # dim End by characters: 4 when two inequivalent halves of complex type
        mean = np.mean(rho.character(rho.group.elements()) ** 2)
        assert mean == pytest.approx(rho.endomorphism_dimension) == pytest.approx(4 if both else 2)


@pytest.mark.parametrize("name", ["C4 x C4", "D4 x C3", "D1 x D1", "SO2 x C4", "O2 x SO2"])
def test_decomposition_finds_a_hidden_representation(name: str):
    group = point_group(name)
    found = irreps(group, None if group.is_finite else 2)
    parts = [found[i] for i in (0, 1, len(found) - 1, 1)]
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(sum(p.size for p in parts),) * 2))
    hidden = q @ direct_sum(parts)(group.generators()) @ q.T
    rho = decompose(group, hidden)
    assert rho.multiplicities == direct_sum(parts).multiplicities
    np.testing.assert_allclose(rho(group.generators()), hidden, atol=1e-9)


def test_intertwiners_are_as_many_as_the_characters_say():
    group = DirectProduct(C4, D(3))
    rho = outer_product(regular(C4), irrep(D(3), 1, 1))
    g = group.elements()
    for sigma in (regular(group), rho, *irreps(group)):
        maps = intertwiners(rho, sigma)
        assert len(maps) == pytest.approx(np.mean(rho.character(g) * sigma.character(g)))
        np.testing.assert_allclose(maps @ rho(g)[:, None], sigma(g)[:, None] @ maps, atol=1e-10)


def test_restriction_to_a_factor_keeps_the_matrices():
    rho = outer_product(quotient(D4, "D1", axis=1), irrep(SO2, 2))
    g = rho.group.sample(np.random.default_rng(1), 5)
    a, b = rho.group.split(g)
    for factor, elements, other in ((1, a, b), (2, b, a)):
        still = [a, b]
        still[2 - factor] = other * 0
        np.testing.assert_allclose(
            restrict_to_factor(rho, factor)(elements), rho(np.concatenate(still, -1)), atol=1e-10
        )
    with pytest.raises(ValueError, match="only representations of a direct product"):
        restrict_to_factor(regular(C4), 1)


@pytest.mark.parametrize(
    "name",
    [
        "trivial", "regular", "outer(irrep(1),irrep(1,1))", "outer(regular,trivial)",
        "tensor(regular,outer(irrep(1),trivial))", "(2 trivial + outer(irrep(1),irrep(1,0)))",
    ],
)  # fmt: skip
def test_names_read_back(name: str):
    rho = representation(point_group("C4 x D4"), name)
    assert representation(rho.group, repr(rho)) == rho


def test_names_of_irreps_and_halves_read_back():
    for name in ("C4 x C4", "C3 x D4"):
        for psi in irreps(point_group(name)):
            assert representation(psi.group, psi.name) == psi
    assert representation(point_group("C4 x C4"), "outer(irrep(1), irrep(1), -1)").labels == ((0, 1, 0, 1, -1),)


def test_tensor_products_of_products():
    group = DirectProduct(C4, C4)
    a, b = irrep(group, 0, 1, 0, 1, 1), irrep(group, 0, 1, 0, 0, 0)
    g = group.elements()
    rho = tensor_product(a, b)
    np.testing.assert_allclose(rho.character(g), a.character(g) * b.character(g), atol=1e-10)


def test_what_direct_products_cannot_do_is_refused_with_what_works():
    group = DirectProduct(C4, D(1))
    with pytest.raises(ValueError, match="needs a group of the plane"):
        restrict(regular(group), "C2")
    with pytest.raises(ValueError, match="needs a group of the plane"):
        disentangle(regular(group))
    with pytest.raises(ValueError, match="needs a group of the plane"):
        FieldType(group, "1 regular").restrict("C2")
    with pytest.raises(ValueError, match=r"unknown representation of C4 x D1 'quotient\(C2\)'.*outer"):
        FieldType(group, "1 quotient(C2)")
    with pytest.raises(ValueError, match="invalid irrep of C4 x D1"):
        irrep(group, 0, 1, 1, 0, 1)  # D1 has no complex type, so nothing splits
    with pytest.raises(ValueError, match="a product of two groups of the plane"):
        FieldType(DirectProduct(GridTranslations(3, 3), C4), "1 trivial")
    with pytest.raises(ValueError, match="unknown group 'Q4'"):
        FieldType("C4 x Q4", "1 trivial")
