"""Representation laws, irreducibility, and field types."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.groups import C4, D4, O2, SO2, C, D, PlanarGroup
from geomdl.representations import FieldType, Representation, direct_sum, irrep, irreps, regular, trivial

FINITE = [C(1), C(2), C(3), C4, C(5), C(8), D(1), D(2), D(3), D4, D(5), D(8)]


def _cases() -> list[tuple[PlanarGroup, Representation]]:
    cases = [(g, rho) for g in FINITE for rho in [*irreps(g), regular(g)]]
    cases += [(g, rho) for g in (SO2, O2) for rho in irreps(g, 3)]
    cases += [(D4, direct_sum([regular(D4), irrep(D4, 1, 1), trivial(D4)]))]
    return cases


@pytest.mark.parametrize(("group", "rho"), _cases(), ids=lambda v: str(v))
@given(seed=st.integers(0, 2**16))
def test_homomorphism_and_orthogonality(group: PlanarGroup, rho: Representation, seed: int):
    a, b = group.sample(np.random.default_rng(seed), 2)
    np.testing.assert_allclose(rho(group.product(a, b)), rho(a) @ rho(b), atol=1e-10)
    np.testing.assert_allclose(rho(a) @ rho(a).T, np.eye(rho.size), atol=1e-10)
    np.testing.assert_allclose(rho(group.identity), np.eye(rho.size), atol=1e-12)


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_irreps_are_irreducible_inequivalent_and_complete(group: PlanarGroup):
    elements = group.elements()
    characters = np.array([rho.character(elements) for rho in irreps(group)])
    gram = characters @ characters.T / group.order  # <χ_i, χ_j> = δ_ij · dim End(ψ_i), which is 1 or 2 over the reals
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-10)
    assert set(np.diag(gram).round(9)) <= {1.0, 2.0}
    sizes = np.array([rho.size for rho in irreps(group)])
    assert np.sum(sizes**2 / np.diag(gram)) == pytest.approx(group.order)


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_regular_is_the_permutation_of_group_elements(group: PlanarGroup):
    rho = regular(group)
    table = group.multiplication_table()  # g h
    expected = np.zeros((int(group.order),) * 3)
    for g in range(int(group.order)):
        expected[g, table[g], np.arange(int(group.order))] = 1
    np.testing.assert_array_equal(rho(group.elements()), expected)
    np.testing.assert_array_equal(rho.permutation(), table)


def test_field_type_knows_its_channels():
    t = FieldType("D4", "3 trivial + 2 irrep(1,1) + 1 regular")
    assert (t.size, t.num_fields) == (3 + 4 + 8, 6)
    assert [b.channels for b in t.blocks] == [slice(0, 3), slice(3, 7), slice(7, 15)]
    assert FieldType(t.group, t.fields) == t
    assert hash(FieldType(t.group, t.fields)) == hash(t)
    assert not t.is_permutation
    assert FieldType("D4", "3 trivial + 1 regular").is_permutation
    g = D4.elements()
    np.testing.assert_allclose(t.matrix(g)[:, 7:, 7:], regular(D4)(g))


@pytest.mark.parametrize(
    ("group", "fields", "message"),
    [
        ("C4", "8 regulr", "did you mean 'regular'"),
        ("C4", "8 irrep(3)", r"irrep\(0\), irrep\(1\), irrep\(2\)"),
        ("D4", "1 irrep(0,1)", "invalid irrep of D4 '0,1'"),
        ("C4", "-2 regular", "invalid multiplicity"),
        ("C4", "8 regular +", "terms '<multiplicity> <representation>'"),
        ("SO2", "1 regular", "needs a finite group"),
        ("E8", "1 trivial", "unknown group 'E8'"),
    ],
)
def test_bad_field_types_are_refused(group: str, fields: str, message: str):
    with pytest.raises(ValueError, match=message):
        FieldType(group, fields)


def test_mixed_groups_are_refused():
    with pytest.raises(ValueError, match="of C4, but the field type is of D4"):
        FieldType("D4", [(1, trivial(C4))])
    with pytest.raises(ValueError, match="one group"):
        direct_sum([trivial(C4), trivial(D4)])
