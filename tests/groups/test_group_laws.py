"""The group laws, for every kind of group."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.groups import (
    C1,
    C4,
    D1,
    D4,
    O2,
    SO2,
    C,
    D,
    DirectProduct,
    GridTranslations,
    Group,
    PlanarGroup,
    SemidirectProduct,
    group,
    wallpaper,
)

FINITE = [
    C1,
    C(3),
    C4,
    C(7),
    D1,
    D(3),
    D4,
    D(6),
    GridTranslations(4, 6),
    GridTranslations(6, 4, step=2),
    DirectProduct(C(3), D(2)),
    DirectProduct(GridTranslations(2, 3), C4),
    wallpaper("p4", 3),
    wallpaper("p4m", 4),
    SemidirectProduct(GridTranslations(3, 5), D(2)),
]
GROUPS = [*FINITE, SO2, O2]


def _triple(group: Group, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, c = group.sample(np.random.default_rng(seed), 3)
    return a, b, c


@pytest.mark.parametrize("group", GROUPS, ids=str)
@given(seed=st.integers(0, 2**16))
def test_group_laws(group: Group, seed: int):
    a, b, c = _triple(group, seed)
    e = group.identity
    assert group.is_close(group.product(group.product(a, b), c), group.product(a, group.product(b, c)))
    assert group.is_close(group.product(a, e), a)
    assert group.is_close(group.product(e, a), a)
    assert group.is_close(group.product(a, group.inverse(a)), e)
    assert group.is_close(group.product(group.inverse(a), a), e)


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_elements_are_numbered_and_the_table_is_a_latin_square(group: Group):
    elements = group.elements()
    assert len(elements) == group.order
    np.testing.assert_array_equal(group.index(elements), np.arange(group.order))
    assert group.is_close(elements[0], group.identity)
    table = group.multiplication_table()
    everyone = np.arange(int(group.order))
    np.testing.assert_array_equal(np.sort(table, 0), np.broadcast_to(everyone[:, None], table.shape))
    np.testing.assert_array_equal(np.sort(table, 1), np.broadcast_to(everyone, table.shape))


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_generators_generate(group: Group):
    reached = {int(group.index(group.identity))}
    frontier = [group.identity]
    while frontier:
        grown = [group.product(g, a) for a in frontier for g in group.generators()]
        frontier = [a for a in grown if int(group.index(a)) not in reached]
        reached |= {int(group.index(a)) for a in frontier}
    assert len(reached) == group.order


@pytest.mark.parametrize("group", [C1, C(3), C4, C(7), D1, D(3), D4, D(6), SO2, O2], ids=str)
@given(seed=st.integers(0, 2**16))
def test_matrices_are_an_orthogonal_representation(group: PlanarGroup, seed: int):
    a, b, _ = _triple(group, seed)
    np.testing.assert_allclose(group.matrix(group.product(a, b)), group.matrix(a) @ group.matrix(b), atol=1e-12)
    np.testing.assert_allclose(group.matrix(a) @ group.matrix(a).T, np.eye(2), atol=1e-12)
    assert np.linalg.det(group.matrix(a)) == pytest.approx(-1 if a[0] else 1)


def test_quarter_turns_are_exact_and_the_only_grid_rotations():
    assert set(np.unique(D4.matrix(D4.elements()))) == {-1.0, 0.0, 1.0}
    assert D(8).is_grid_symmetry(D(8).elements()).sum() == 8
    assert C(6).is_grid_symmetry(C(6).elements()).sum() == 2
    assert SO2.is_grid_symmetry(np.array([0, math.pi / 2]))


def test_subgroups():
    chain = [C1, C(2), C4, C(8), SO2, O2]
    assert all(big.contains_group(small) for i, small in enumerate(chain) for big in chain[i:])
    assert not D(6).contains_group(C4)
    assert not SO2.contains_group(D1)


def test_groups_are_values():
    assert C(4) == C4
    assert len({C(4), C4, group("C4")}) == 1
    assert repr(wallpaper("p4m", 5)) == "Z5xZ5 ⋊ D4"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: C(0), "invalid rotation order 0"),
        (lambda: C(2.5), "invalid rotation order 2.5"),  # type: ignore[arg-type]
        (lambda: group("C-4"), "did you mean 'C4'"),
        (lambda: group("dihedral"), "allowed: C<N>, D<N>"),
        (lambda: SO2.elements(), "needs a finite group"),
        (lambda: GridTranslations(4, 6, step=3), "common divisor"),
        (lambda: GridTranslations(0, 6), "height"),
        (lambda: wallpaper("p5", 4), "unknown wallpaper group 'p5'"),
        (lambda: SemidirectProduct(GridTranslations(4, 6), C4), "square grid"),
        (lambda: SemidirectProduct(GridTranslations(4, 4), C(3)), "allowed: C1, C2, C4, D1, D2, D4"),
    ],
)
def test_bad_groups_are_refused_with_what_is_allowed(make, message: str):
    with pytest.raises(ValueError, match=message.replace("<", ".").replace("(", r"\(")):
        make()
