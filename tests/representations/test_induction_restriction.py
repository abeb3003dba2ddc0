"""Induced, quotient and restricted representations, and how they belong together."""

import itertools

import numpy as np
import pytest

from geomdl.groups import C4, C8, D4, D8, O2, SO2, C, D, PlanarGroup, Subgroup, subgroups
from geomdl.representations import (
    FieldType,
    Representation,
    change_basis,
    direct_sum,
    disentangle,
    induced,
    intertwiners,
    irrep,
    irreps,
    quotient,
    regular,
    representation,
    restrict,
    trivial,
)

GROUPS = [*(C(n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 16)), *(D(n) for n in range(1, 9))]
CONTINUOUS = [
    Subgroup(SO2, C(1)),
    Subgroup(SO2, C(5)),
    Subgroup(O2, C4),
    Subgroup(O2, SO2),
    Subgroup(O2, D(1), axis=2.5),
    Subgroup(O2, D(3), axis=1.0),
]
EMBEDDINGS = [h for g in (C8, C(6), D(3), D4, D(6)) for h in subgroups(g)] + CONTINUOUS


def _irreps(group: PlanarGroup) -> list[Representation]:
    return irreps(group, None if group.is_finite else 3)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_quotients_permute_cosets(group: PlanarGroup):
    g = group.elements()
    for h in subgroups(group):
        rho = quotient(group, h)
        assert rho.size == h.index
        assert rho.is_permutation
        np.testing.assert_array_equal(rho.permutation(), h.act_on_cosets(g)[0])
        # The character counts the cosets that g leaves where they are.
        t = h.representatives()[:, None]
        fixed = h.contains(group.product(group.inverse(t), group.product(g, t))).sum(0)
        np.testing.assert_allclose(rho.character(g), fixed, atol=1e-9)


@pytest.mark.parametrize("group", [*GROUPS, SO2, O2], ids=str)
def test_extreme_quotients(group: PlanarGroup):
    assert quotient(group, group) == trivial(group)
    if group.is_finite:
        assert quotient(group, "C1") == regular(group)


@pytest.mark.parametrize("h", [h for h in EMBEDDINGS if np.isfinite(h.index)], ids=str)
def test_induced_from_trivial_is_quotient_and_from_regular_regular(h: Subgroup):
    assert induced(h.group, h, trivial(h.subgroup)) == quotient(h.group, h)
    if h.group.is_finite:
        found = induced(h.group, h, regular(h.subgroup))
        assert found.multiplicities == regular(h.group).multiplicities
        assert found.is_permutation


@pytest.mark.parametrize("h", [h for h in EMBEDDINGS if np.isfinite(h.index)], ids=str)
def test_induced_character(h: Subgroup):
    """χ_Ind(g) = Σ over cosets t with t⁻¹gt in H of χ(t⁻¹gt)."""
    group = h.group
    g = group.elements() if group.is_finite else group.sample(np.random.default_rng(0), 9)
    for rho in _irreps(h.subgroup):
        expected = np.zeros(len(g))
        for t in h.representatives():
            turned = group.product(group.product(group.inverse(t), g), t)
            inside = h.contains(turned)
            expected[inside] += rho.character(h.restrict(turned[inside]))
        found = induced(group, h, rho)
        assert found.size == h.index * rho.size
        np.testing.assert_allclose(found.character(g), expected, atol=1e-9)


@pytest.mark.parametrize("h", [h for h in EMBEDDINGS if np.isfinite(h.index)], ids=str)
def test_frobenius_reciprocity(h: Subgroup):
    """dim Hom_G(Ind ρ, σ) = dim Hom_H(ρ, Res σ)."""
    for rho, sigma in itertools.product(_irreps(h.subgroup), _irreps(h.group)):
        left = intertwiners(induced(h.group, h, rho), sigma)
        right = intertwiners(rho, restrict(sigma, h))
        assert len(left) == len(right)


def test_induction_in_stages():
    small = Subgroup(D4, C4)
    large = Subgroup(D8, D4)
    rho = irrep(C4, 1)
    stages = induced(D8, large, induced(D4, small, rho))
    assert stages.multiplicities == induced(D8, "C4", rho).multiplicities


@pytest.mark.parametrize("h", EMBEDDINGS, ids=str)
def test_restriction_is_the_same_matrices(h: Subgroup):
    a = h.subgroup.sample(np.random.default_rng(0), 9)
    kinds = [
        *_irreps(h.group),
        representation(h.group, "band_limited(1)"),
        representation(h.group, "(trivial + irrep(1))"),
    ]
    kinds += [regular(h.group)] if h.group.is_finite else []
    for rho in kinds:
        found = restrict(rho, h)
        assert found.group == h.subgroup
        np.testing.assert_allclose(found(a), rho(h.embed(a)), atol=1e-10)
        assert representation(h.subgroup, found.name) == found


def test_restriction_to_another_axis_differs():
    rho = irrep(D8, 1, 1)
    reflection = np.array([1, 0])
    for axis in range(8):
        found = restrict(rho, "D1", axis=axis)
        np.testing.assert_allclose(found(reflection), rho(np.array([1, axis])), atol=1e-12)
    assert restrict(rho, "D1", axis=1) != restrict(rho, "D1", axis=2)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_regular_restricts_to_regular_fields(group: PlanarGroup):
    """Res_H of the regular representation is [G : H] regular ones, exactly, in another order of the channels."""
    for h in subgroups(group):
        rho = restrict(regular(group), h)
        parts, order = disentangle(rho)
        assert parts == [regular(h.subgroup)] * int(h.index)
        _check_order(rho, parts, order)


@pytest.mark.parametrize("group", [C8, C(6), D(3), D4, D(6)], ids=str)
def test_quotients_disentangle_into_quotients(group: PlanarGroup):
    """Mackey: the orbits of K on G/H are K/(K ∩ gHg⁻¹), permutation fields again."""
    for h, k in itertools.product(subgroups(group), repeat=2):
        rho = restrict(quotient(group, h), k)
        parts, order = disentangle(rho)
        _check_order(rho, parts, order)
        for part in parts:
            assert part.is_permutation
            assert len(intertwiners(trivial(part.group), part)) == 1  # one orbit
            assert representation(part.group, part.name) == part


@pytest.mark.parametrize(
    ("rho", "expected"),
    [
        (restrict(irrep(D4, 1, 1), "D1"), ["trivial", "irrep(1,0)"]),
        (restrict(irrep(D8, 1, 1), "C8"), ["irrep(1)"]),
        (restrict(irrep(O2, 1, 2), "D1"), ["trivial", "irrep(1,0)"]),
        (restrict(irrep(C8, 1), "C1"), ["trivial", "trivial"]),
        (direct_sum([irrep(SO2, 1), trivial(SO2), irrep(SO2, 2)]), ["irrep(1)", "trivial", "irrep(2)"]),
        (direct_sum([regular(D4), trivial(D4), quotient(D4, "D2")]), ["regular", "trivial", "quotient(D2)"]),
    ],
    ids=str,
)
def test_disentangling(rho: Representation, expected: list[str]):
    parts, order = disentangle(rho)
    assert [str(p) for p in parts] == expected
    _check_order(rho, parts, order)


def test_disentangling_keeps_what_is_mixed():
    rho = representation(C4, "induced(C2,irrep(1))")
    parts, order = disentangle(direct_sum([rho, rho]))
    assert [p.size for p in parts] == [2, 2]
    _check_order(direct_sum([rho, rho]), parts, order)


def test_shuffled_channels_are_found_again():
    rng = np.random.default_rng(0)
    for kind in ("regular", "quotient(D1,axis=3)", "quotient(D2,axis=1)", "quotient(C4)"):
        rho = direct_sum([representation(D8, kind)] * 2)
        matrix = np.eye(rho.size)[rng.permutation(rho.size)]
        shuffled = change_basis(rho, matrix)
        parts, order = disentangle(shuffled)
        assert len(parts) == 2
        assert {p.size for p in parts} == {rho.size // 2}
        _check_order(shuffled, parts, order)


def _check_order(rho: Representation, parts: list[Representation], order: np.ndarray) -> None:
    g = rho.group.elements() if rho.group.is_finite else rho.group.sample(np.random.default_rng(0), 5)
    assert sorted(order.tolist()) == list(range(rho.size))
    np.testing.assert_allclose(rho(g)[:, order][:, :, order], direct_sum(parts)(g), atol=1e-10)


def test_field_types_restrict_and_disentangle():
    t = FieldType("D8", "3 trivial + 2 regular + 2 irrep(1,1) + 1 quotient(D1,axis=3)")
    for h in (Subgroup(D8, C8), Subgroup(D8, D4, axis=1), Subgroup(D8, D(1), axis=5), Subgroup(D8, C(1))):
        small = t.restrict(h)
        a = h.subgroup.elements()
        assert small.size == t.size
        np.testing.assert_allclose(small.matrix(a), t.matrix(h.embed(a)), atol=1e-10)
        assert FieldType(small.group, small.fields) == small
        sorted_type, order = small.disentangle()
        np.testing.assert_allclose(small.matrix(a)[:, order][:, :, order], sorted_type.matrix(a), atol=1e-10)
        assert FieldType(small.group, sorted_type.fields) == sorted_type
    assert t.restrict("C8").restrict("C4").disentangle()[0].fields == ("3 trivial + 8 regular + 2 irrep(1) + 2 regular")
    assert t.restrict("D8") == t


def test_field_types_add():
    a, b = FieldType("D4", "3 trivial + 2 regular"), FieldType("D4", "1 irrep(1,1)")
    assert a + b == FieldType("D4", "3 trivial + 2 regular + 1 irrep(1,1)")
    assert (a + b).size == a.size + b.size
    with pytest.raises(ValueError, match="one group"):
        a + FieldType("C4", "1 trivial")
    with pytest.raises(TypeError):
        a + 1  # type: ignore[operator]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: quotient("C8", "C3"), "a subgroup of C8: C1, C2, C4, C8"),
        (lambda: quotient("D8", "D1", axis=8), "0 ≤ axis < 8"),
        (lambda: quotient("SO2", "C4"), "infinitely many cosets; use a band-limited"),
        (lambda: induced("D4", "C4", trivial(C8)), "a representation of C8, but the subgroup is C4"),
        (lambda: restrict(regular(C8), "D1"), "a subgroup of C8"),
        (lambda: restrict(regular(C8), "C16"), "a subgroup of C8"),
        (lambda: FieldType("C8", "1 regular").restrict("C3"), "a subgroup of C8"),
    ],
)
def test_what_is_no_subgroup_is_refused(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()
