"""Representations of the groups of space: irreps, regular, quotient, induced, tensor products, restriction, names."""

import e3nn_jax
import numpy as np
import pytest

from geomdl.groups import O3, SO3, VOLUME, C, D, O, Oh, SpatialGroup, SpatialSubgroup, T, named_subgroups, subgroup
from geomdl.representations import (
    FieldType,
    band_limited,
    change_basis,
    clebsch_gordan,
    decompose,
    direct_sum,
    disentangle,
    endomorphisms,
    induced,
    irrep,
    irreps,
    quotient,
    regular,
    representation,
    restrict,
    tensor_product,
    trivial,
)

FINITE = [
    *map(SpatialGroup, ("T", "Td", "Th", "O", "Oh", "I", "Ih", "Ci", "C3z", "C4z", "D3z", "D4z", "C4v", "C6h", "D2h")),
    *map(SpatialGroup, ("C4x", "D3y", "S4z", "D2d", "C3v x Ci")),
]
AXIAL = [*map(SpatialGroup, ("Cinfz", "Dinfz", "Cinfv", "Cinfh", "Dinfh", "Cinfvx"))]
GROUPS = [*FINITE, *AXIAL, SO3, O3]


def some(g: SpatialGroup, count: int = 12) -> np.ndarray:
    return g.sample(np.random.default_rng(0), count)


@pytest.mark.parametrize("g", GROUPS, ids=str)
def test_irreps_are_homomorphisms_and_there_are_all_of_them(g):
    found = irreps(g, None if g.is_finite else 3)
    a, b = some(g), some(g)[::-1]
    for psi in found:
        np.testing.assert_allclose(psi(a) @ psi(b), psi(g.product(a, b)), atol=1e-10)
        assert len(endomorphisms(psi)) == psi.endomorphism_dimension
    assert found[0] == trivial(g)
    if g.is_axial:  # none is missing: what functions of a frequency decompose into is all there
        g_mean = g.averaging_elements(8)
        characters = np.stack([psi.character(g_mean) for psi in found])
        np.testing.assert_allclose(
            characters @ characters.T / len(g_mean), np.diag([p.endomorphism_dimension for p in found]), atol=1e-9
        )
    if g.is_finite:
        assert sum(psi.size**2 // psi.endomorphism_dimension for psi in found) == g.order
        characters = np.stack([psi.character(g.elements()) for psi in found])
        types = [psi.endomorphism_dimension for psi in found]
        np.testing.assert_allclose(characters @ characters.T / g.order, np.diag(types), atol=1e-10)


def test_irreps_are_numbered_as_they_occur_in_harmonics():
    """Of O: A1, T1 (vectors), E and T2 in degree 2, A2 in degree 3; of Oh even before odd."""
    assert [psi.size for psi in irreps(O)] == [1, 3, 2, 3, 1]
    assert [restrict(irrep(SO3, degree), "O").labels for degree in (0, 1, 2)] == [
        ((0, 0),),
        ((0, 1),),
        ((0, 2), (0, 3)),
    ]
    assert restrict(irrep(O3, 1, 1), "Oh").labels == ((0, 3),)
    np.testing.assert_allclose(irrep(O, 1)(O.elements()), O.matrix(O.elements()), atol=1e-12)
    np.testing.assert_allclose(irrep(O3, 1, 1)(some(O3)), O3.matrix(some(O3)), atol=1e-12)
    assert restrict(irrep(O3, 0, 1), "C4z").labels == ((0, 0), (0, 1))


@pytest.mark.parametrize("g", FINITE, ids=str)
def test_the_regular_representation_permutes_elements(g):
    rho, elements = regular(g), some(g, 4)
    assert rho.is_permutation
    for h in elements:
        moved = g.index(g.product(h, g.elements()))
        np.testing.assert_array_equal(rho(h)[moved, np.arange(int(g.order))], 1)
    assert rho.multiplicities == {psi.labels[0]: psi.size // psi.endomorphism_dimension for psi in irreps(g)}


@pytest.mark.parametrize(("large", "small"), [("O", "T"), ("Oh", "C4v"), ("Oh", "Ci"), ("I", "T"), ("O", "D4z")])
def test_quotient_and_induced_fields(large, small):
    g, rho = SpatialGroup(large), quotient(large, small)
    assert rho.is_permutation
    assert rho.size == g.order / SpatialGroup(small).order
    a, b = some(g), some(g)[::-1]
    np.testing.assert_allclose(rho(a) @ rho(b), rho(g.product(a, b)), atol=1e-10)
    psi = irreps(SpatialGroup(small))[-1]
    lifted = induced(large, small, psi)
    assert lifted.size == rho.size * psi.size
    for phi in irreps(g):  # Frobenius: ⟨Ind ψ, φ⟩ = ⟨ψ, Res φ⟩, up to the types
        left = lifted.multiplicities.get(phi.labels[0], 0) * phi.endomorphism_dimension
        assert left == restrict(phi, small).multiplicities.get(psi.labels[0], 0) * psi.endomorphism_dimension


def test_cosets():
    embedding = subgroup("Oh", "D4z")
    assert isinstance(embedding, SpatialSubgroup)
    elements = Oh.elements()
    t, h = embedding.split(elements)
    assert Oh.is_close(Oh.product(t, embedding.embed(h)), elements).all()
    assert (embedding.coset(elements) == embedding.coset(t)).all()
    np.testing.assert_array_equal(np.bincount(embedding.coset(elements)), np.full(6, 8))
    inside = elements[embedding.contains(elements)]
    assert len(inside) == 8
    assert Oh.is_close(embedding.embed(embedding.restrict(inside)), inside).all()
    with pytest.raises(ValueError, match="is not in the subgroup D4z ≤ Oh"):
        embedding.restrict(elements)
    turned = subgroup(O3, "SO3")
    assert turned.index == 2
    g = some(O3)
    t, h = turned.split(g)
    assert O3.is_close(O3.product(t, turned.embed(h)), g).all()
    assert quotient(O3, "SO3").labels == ((0, 0), (1, 0))
    assert named_subgroups(O)[-1] == O


def test_restriction_down_to_the_plane():
    """The group D4 of the plane is C4v in Oh, and turns D4z in O; the numbers of a vector restricted to C4 stay."""
    vector = irrep(O3, 1, 1)
    assert restrict(vector, D(4)).labels == ((0, 0), (1, 1))
    assert restrict(irrep(SO3, 1), D(4)).labels == ((1, 0), (1, 1))
    in_plane = restrict(irrep(SO3, 1), C(4))
    g = np.array([[0, 1], [0, 3]])
    np.testing.assert_allclose(in_plane(g)[:, :2, :2], C(4).matrix(g), atol=1e-12)
    assert len(restrict(regular(Oh), "O").labels) == 2 * len(regular(O).labels)
    parts, order = disentangle(restrict(regular(Oh), "O"))
    assert parts == [regular(O), regular(O)]
    np.testing.assert_array_equal(np.sort(order), np.arange(48))


COUNTS = {"Cinfz": (1, 1, 2), "Dinfz": (2, 1, 1), "Cinfv": (2, 1, 1), "Cinfh": (2, 2, 2), "Dinfh": (4, 2, 1)}


@pytest.mark.parametrize("name", COUNTS)
def test_irreps_of_groups_about_an_axis(name):
    """So many of frequency 0 and of each other, of real or complex type; they restrict to those of finite groups."""
    of_zero, of_one, kind = COUNTS[name]
    g, small = SpatialGroup(name), SpatialGroup(name.replace("inf", "5"))
    found = irreps(g, 2)
    assert [p.labels[0][1] for p in found] == [0] * of_zero + [1] * of_one + [2] * of_one
    assert {p.endomorphism_dimension for p in found if p.size == 2} == {kind}
    held = [restrict(p, small).labels for p in found]
    assert sorted(sum(held, ())) == sorted(p.labels[0] for p in irreps(small))  # each once
    planar = {"Cinfz": "SO2", "Cinfh": "SO2"}.get(name, "O2")
    for p in found:
        h = subgroup(g, planar).subgroup.sample(np.random.default_rng(0), 4)
        np.testing.assert_allclose(restrict(p, planar)(h), p(subgroup(g, planar).embed(h)), atol=1e-9)


def test_a_vector_in_groups_about_an_axis():
    """The part along the axis and that across it; mirrors of a cone leave the first, a cylinder's change its sign."""
    vector = irrep(O3, 1, 1)
    assert restrict(vector, "C∞v").labels == ((0, 0), (0, 1))
    assert restrict(vector, "Dinfh").labels[0] != (0, 0)
    turned = restrict(vector, "SO2x")
    g = SpatialGroup("SO2x")
    h = some(g)
    np.testing.assert_allclose(turned(h), g.matrix(h), atol=1e-12)
    assert restrict(restrict(vector, "Cinfvx"), "C4vx").multiplicities == restrict(vector, "C4vx").multiplicities
    in_plane = restrict(turned, "SO2")
    angle = np.array([0.0, 0.3])
    np.testing.assert_allclose(
        in_plane(angle)[1:, 1:], [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]], atol=1e-9
    )


def test_irreps_of_a_product_are_those_of_its_factors_twice():
    """Even and odd ones of H x Ci, by characters: χ(h, ±1) = (±1)^p χ(h)."""
    first, whole = SpatialGroup("C3v"), SpatialGroup("C3v x Ci")
    expected = [
        np.stack([c, s * c], -1).ravel()
        for p in irreps(first)
        for s in (1, -1)
        for c in [p.character(first.elements())]
    ]
    found = [p.character(whole.elements()) for p in irreps(whole)]
    assert sorted(np.round(c, 6).tolist() for c in found) == sorted(np.round(c, 6).tolist() for c in expected)
    assert [restrict(p, "C3v").size for p in irreps(whole)] == [p.size for p in irreps(whole)]


def test_cosets_of_continuous_groups():
    embedding = subgroup("Dinfh", "Cinfv")
    assert embedding.index == 2
    g = some(embedding.group)
    t, h = embedding.split(g)
    assert embedding.group.is_close(embedding.group.product(t, embedding.embed(h)), g).all()
    assert subgroup("O3", "Dinfh").index == np.inf
    assert quotient("Dinfh", "Cinfv").size == 2


@pytest.mark.parametrize("g", [O, T, SpatialGroup("Ih"), SpatialGroup("Cinfv"), SO3, O3], ids=str)
def test_tensor_products_and_clebsch_gordan(g):
    found = irreps(g, None if g.is_finite else 2)[1:4]
    elements = some(g, 4)
    for a in found:
        for b in found:
            product = tensor_product(a, b)
            np.testing.assert_allclose(product(elements), np.stack([np.kron(x, y) for x, y in zip(a(elements), b(elements), strict=True)]), atol=1e-9)  # fmt: skip  # noqa: E501
            c = clebsch_gordan(a, b).reshape(a.size * b.size, -1)
            np.testing.assert_allclose(c.T @ c, np.eye(len(c)), atol=1e-10)
    if g == O3:
        assert tensor_product(irrep(O3, 1, 1), irrep(O3, 1, 2)).labels == ((0, 1), (0, 2), (0, 3))


@pytest.mark.parametrize("g", [O, T, SpatialGroup("I"), SpatialGroup("C3z"), SpatialGroup("Cinfh"), SO3, O3], ids=str)
def test_decomposition_in_a_random_basis(g):
    parts = irreps(g, None if g.is_finite else 2)
    rho = direct_sum([parts[-1], parts[0], parts[1], parts[-1]])
    mixed = change_basis(rho, np.linalg.qr(np.random.default_rng(0).normal(size=(rho.size, rho.size)))[0])
    found = decompose(g, mixed(g.generators()))
    assert found.multiplicities == rho.multiplicities
    np.testing.assert_allclose(found(some(g)), mixed(some(g)), atol=1e-7)
    wrong = np.linalg.qr(np.random.default_rng(1).normal(size=(len(g.generators()), 3, 3)))[0]
    with pytest.raises(ValueError, match=f"the matrices are not a representation of {g}"):
        decompose(g, wrong)


NAMES = ["trivial", "regular", "irrep(1)", "tensor(irrep(1),irrep(1))", "(trivial + 2 irrep(1))", "restrict(O3,2e)"]


@pytest.mark.parametrize("name", [*NAMES, "quotient(T)", "induced(C4z,irrep(1))"])
def test_names_read_back(name):
    rho = representation(O, name)
    assert rho.name.replace(" ", "") == name.replace(" ", "")
    assert representation(O, str(rho)) == rho


def test_irreps_of_e3nn():
    typed = FieldType("O3", "8x0e + 4x1o + 2x2e")
    assert str(typed) == 'FieldType(O3, "8x0e + 4x1o + 2x2e")'
    assert typed == FieldType("O3", e3nn_jax.Irreps("8x0e + 4x1o + 2x2e"))
    assert typed.size == e3nn_jax.Irreps(typed.fields).dim
    assert typed.space == VOLUME
    assert FieldType("O(3)", "0e + 1o") == FieldType("O3", "1x0e + 1x1o") == FieldType("O3", "trivial + irrep(1,1)")
    assert FieldType("O3", typed.fields) == typed


@pytest.mark.long
def test_an_array_of_e3nn_is_a_field():
    """The channels have the same order."""
    typed = FieldType("O3", "8x0e + 4x1o + 2x2e")
    g = some(O3, 1)[0]
    x = np.random.default_rng(0).normal(size=typed.size)
    turned = e3nn_jax.IrrepsArray(typed.fields, x.astype(np.float32)).transform_by_matrix(
        O3.matrix(g).astype(np.float32)
    )
    np.testing.assert_allclose(typed.matrix(g) @ x, turned.array, atol=1e-4)


@pytest.mark.parametrize("name", ["T", "Th", "O", "Oh", "I", "C4z", "C4v", "SO3", "O3"])
def test_types_print_as_they_are_typed(name):
    t = FieldType(name, "2 trivial" if name in ("SO3", "O3") else "2 trivial + 3 regular")
    assert eval(repr(t).replace(f"({name}", f"('{name}'"), {"FieldType": FieldType}) == t


def test_errors():
    with pytest.raises(ValueError, match=r"infinitely many cosets.*8x0e"):
        quotient("O3", "Oh")
    with pytest.raises(ValueError, match=r"axis of T in O 1; allowed: 0"):
        subgroup("O", "T", 1)
    with pytest.raises(ValueError, match="invalid subgroup 'C4z'; allowed: a subgroup of C8"):
        subgroup("C8", "C4z")
    with pytest.raises(ValueError, match="group of the plane"):
        band_limited(O, 1)
