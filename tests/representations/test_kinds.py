"""Every kind of representation is an orthogonal homomorphism, prints as typed, and is a cheap value."""

import functools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.groups import C4, C8, D4, D8, O2, SO2, C, D, PlanarGroup
from geomdl.representations import (
    FieldType,
    Representation,
    band_limited,
    change_basis,
    direct_sum,
    irrep,
    quotient,
    regular,
    representation,
    tensor_product,
    trivial,
)

FINITE = {
    "quotient(C1)": [*(C(n) for n in (1, 2, 3, 5, 8, 16)), *(D(n) for n in (1, 2, 3, 8))],
    "quotient(C2)": [C(2), C(6), C(8), C(16), D(2), D4, D(6)],
    "quotient(D1)": [D(1), D(2), D(3), D4, D(5), D(7), D8],
    "quotient(D1,axis=1)": [D(2), D(5), D8],
    "quotient(D2,axis=2)": [D(6), D8],
    "induced(C2,irrep(1))": [C(2), C4, C(6), C(16), D(2), D(6)],
    "induced(C4,regular)": [C4, C8, D4],
    "induced(D1,irrep(1,0),axis=1)": [D(2), D(5), D8],
    "induced(D2,(trivial + 2 irrep(1,1)),axis=1)": [D(4), D(6)],
    "band_limited(1)": [C(2), C(3), C(16), D(2), D(5), SO2, O2],
    "band_limited(4)": [C8, D8, SO2, O2],
    "band_limited(4,C2)": [C8, D8, SO2, O2],
    "band_limited(3,D1,axis=1)": [D(6), D8, O2],
    "band_limited(3,D2,axis=0.25)": [O2],
    "quotient(SO2)": [SO2, O2],
    "quotient(O2)": [O2],
    "induced(SO2,irrep(3))": [O2],
    "tensor(irrep(1),irrep(1))": [C(2), C(3), C4, C8, SO2],
    "tensor(irrep(1,1),(irrep(1,0) + irrep(1,1)))": [D(2), D(3), D4, D8, O2],
    "tensor(regular,regular)": [C(5), D(3)],
    "restrict(D8,regular)": [C(1), C4, D4, D8],
    "restrict(D8,regular,axis=1)": [D4],
    "restrict(O2,band_limited(3),axis=0.5)": [D(1), D(4)],
    "restrict(O2,irrep(1,5))": [C(1), C(5), C8, D(3), SO2],
    "restrict(C16,quotient(C2))": [C(1), C8],
    "(3 trivial + irrep(1))": [C4, SO2],
}
CASES = [(group, name) for name, groups in FINITE.items() for group in groups]


@functools.cache
def _build(group: PlanarGroup, name: str) -> Representation:
    return representation(group, name)


@pytest.mark.parametrize(("group", "name"), CASES, ids=str)
@given(seed=st.integers(0, 2**16))
def test_every_kind_is_an_orthogonal_homomorphism(group: PlanarGroup, name: str, seed: int):
    rho = _build(group, name)
    a, b = group.sample(np.random.default_rng(seed), 2)
    np.testing.assert_allclose(rho(group.product(a, b)), rho(a) @ rho(b), atol=1e-10)
    np.testing.assert_allclose(rho(a) @ rho(a).T, np.eye(rho.size), atol=1e-10)
    np.testing.assert_allclose(rho(group.identity), np.eye(rho.size), atol=1e-12)


@pytest.mark.parametrize(("group", "name"), CASES, ids=str)
def test_a_name_reads_back(group: PlanarGroup, name: str):
    rho = _build(group, name)
    assert representation(group, rho.name) == rho
    simpler = {"restrict(D8,regular)": D8, "restrict(O2,irrep(1,5))": None}
    if name not in simpler:
        assert rho.name == name
    t = FieldType(group, f"2 {name} + 3 trivial")
    assert FieldType(group, t.fields) == t
    assert eval(repr(t), {"FieldType": FieldType, str(group): group}) == t


def test_blanks_and_defaults_in_names():
    assert representation(D8, " quotient( D1 , axis=3 )") == quotient(D8, "D1", axis=3)
    assert representation(D8, "quotient(D1,axis=0)").name == "quotient(D1)"
    assert representation(C8, "band_limited(2,C1)").name == "band_limited(2)"
    assert representation(C4, "(trivial)") == trivial(C4)
    assert FieldType(C4, "(trivial+irrep(1))+2(trivial + 2 irrep(1))").fields == (
        "1 (trivial + irrep(1)) + 2 (trivial + 2 irrep(1))"
    )
    nested = "restrict(D8,restrict(D16,tensor(regular,(irrep(1,1) + trivial)),axis=1))"
    assert representation(C8, nested).size == 32 * 3


@pytest.mark.parametrize(
    ("group", "name", "message"),
    [
        (C8, "quotient(C3)", "a subgroup of C8: C1, C2, C4, C8"),
        (C8, "quotient(D1)", "a subgroup of C8"),
        (C8, "quotient", "unknown representation of C8 'quotient'.*did you mean 'quotient"),
        (C8, "quotient(C2,C4)", "unknown representation"),
        (D8, "quotient(D1,axis=8)", "0 ≤ axis < 8"),
        (D8, "quotient(D1,axis=one)", "invalid axis 'one'"),
        (C8, "regular(2)", "unknown representation"),
        (C8, "irrep(x)", "unknown representation"),
        (C8, "band_limited(5)", "≤ 4, the highest of C8"),
        (SO2, "band_limited(-1)", "an integer ≥ 0"),
        (SO2, "quotient(C2)", "infinitely many cosets"),
        (C8, "induced(C2,irrep(2))", "invalid irrep of C2"),
        (C8, "restrict(C12,regular)", "a subgroup of C12"),
        (C8, "(trivial + regulr)", "did you mean 'regular'"),
        (C8, "(0 trivial)", "invalid multiplicity"),
        (C8, "tensor(regular)", "unknown representation"),
        (C8, "quotient(C2", "unknown representation"),
        (C8, "decomposed", "unknown representation"),
    ],
)
def test_bad_names_are_refused_with_what_is_allowed(group: PlanarGroup, name: str, message: str):
    with pytest.raises(ValueError, match=message):
        representation(group, name)


def test_representations_are_values_whatever_their_names():
    assert irrep(C4, 0) == trivial(C4)
    assert irrep(C4, 0) != trivial(C8)
    assert len({regular(D4), quotient(D4, "C1"), representation(D4, "regular")}) == 1
    assert quotient(D4, "D1") != quotient(D4, "D1", axis=1)
    rho = tensor_product(regular(D4), regular(D4))
    copied = pickle.loads(pickle.dumps(rho))
    assert copied == rho
    assert hash(copied) == hash(rho)
    assert copied.name == rho.name
    assert rho != regular(D4)
    assert rho != "regular"


def test_the_hash_of_a_large_change_of_basis_is_computed_once(monkeypatch):
    class Counted(tuple):
        hashed = 0

        def __hash__(self):
            Counted.hashed += 1
            return super().__hash__()

    rho = regular(D8)
    counted = Representation(rho.group, rho.name, rho.labels, Counted(rho.basis))
    assert {hash(counted) for _ in range(3)} == {hash(rho)}
    assert Counted.hashed == 1


@pytest.mark.parametrize(
    ("rho", "permutes", "permutes_up_to_sign"),
    [
        (regular(D4), True, True),
        (quotient(D8, "D2", axis=1), True, True),
        (quotient(O2, "SO2"), True, True),
        (trivial(SO2), True, True),
        (irrep(D4, 1, 1), False, True),
        (irrep(D4, 1, 0), False, True),
        (irrep(D8, 1, 1), False, False),
        (irrep(SO2, 1), False, False),
        (representation(C4, "induced(C2,irrep(1))"), False, True),
        (band_limited(C4, 2), False, True),
        (band_limited(C8, 4), False, False),
        (direct_sum([trivial(C4), regular(C4)]), True, True),
        (change_basis(trivial(O2), -np.eye(1)), True, True),
    ],
    ids=str,
)
def test_which_representations_permute(rho: Representation, permutes: bool, permutes_up_to_sign: bool):
    assert (rho.is_permutation, rho.is_signed_permutation) == (permutes, permutes_up_to_sign)


def test_facts_about_irreps():
    assert [irrep(g, k).endomorphism_dimension for g in (C4, C8, SO2, D8, O2) for k in (0, 1)] == [
        1,
        2,
        1,
        2,
        1,
        2,
        1,
        1,
        1,
        1,
    ]
    assert irrep(C4, 2).endomorphism_dimension == 1
    assert irrep(D4, 1, 1).is_irreducible
    assert not regular(C(2)).is_irreducible
    assert regular(D4).multiplicities == {(0, 0): 1, (1, 0): 1, (1, 1): 2, (0, 2): 1, (1, 2): 1}
    assert tensor_product(irrep(SO2, 1), irrep(SO2, 1)).multiplicities == {(0, 0): 2, (0, 2): 1}
