"""Base spaces: how groups move their grids, and what field types of each say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import act, roll, turn
from geomdl.groups import C4, C8, D1, D2, D4, LINE, PLANE, POINT, VOLUME, D, GridTranslations, PerAxis, per_axis
from geomdl.representations import FieldType


@pytest.mark.parametrize("group", [C4, D4, D2, D(2, mirror=45), D(1, mirror=90)], ids=str)
def test_the_plane_is_moved_as_by_turns_and_flips(group):
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 3)).astype(np.float32)
    for g in group.elements():
        turns = int(np.rint(group.plane_angle(g) / (np.pi / 2))) % 4
        np.testing.assert_array_equal(PLANE.grid_symmetry(group, g)(x), turn(jnp.asarray(x), int(g[0]), turns))


@pytest.mark.parametrize(("space", "group"), [(PLANE, D4), (PLANE, D(2, mirror=45)), (LINE, D1)], ids=str)
def test_moving_twice_is_moving_by_the_product(space, group):
    x = np.arange(4**space.dimension).reshape(1, *[4] * space.dimension, 1)
    for a in group.elements():
        for b in group.elements():
            twice = space.grid_symmetry(group, a)(space.grid_symmetry(group, b)(x))
            np.testing.assert_array_equal(twice, space.grid_symmetry(group, group.product(a, b))(x))


def test_which_groups_permute_grids_and_exchange_axes():
    assert [PLANE.permutes_grid(g) for g in (C4, D4, C8, D(1, mirror=30))] == [True, True, False, False]
    assert [PLANE.exchanges_axes(g) for g in (C4, D2, D(2, mirror=45))] == [True, False, True]
    assert LINE.permutes_grid(D1)
    assert not LINE.exchanges_axes(D1)
    assert not PLANE.grid_symmetry(C4, np.array([0, 1])).keeps((4, 6))
    assert LINE.grid_symmetry(D1, np.array([1, 0])).keeps((7,))


def test_a_signal_moves_as_an_image_of_one_column():
    regular = FieldType("D1", "2 regular", space="line")
    signal = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 4)), jnp.float32)
    for g in D1.elements():
        image = act(g, signal[:, :, None], FieldType("D1", "2 regular"))
        np.testing.assert_array_equal(act(g, signal, regular), image[:, :, 0])
    moved = jax.vmap(lambda g: act(g, signal, regular))(jnp.asarray(D1.elements()))
    np.testing.assert_array_equal(moved[1], act(D1.elements()[1], signal, regular))
    with pytest.raises(ValueError, match=r"shape of the field .*signals \[batch, length, channels\]"):
        act(D1.elements()[0], signal[:, :, None], regular)


def test_field_types_say_their_space_and_keep_it():
    signals = FieldType("D1", "2 regular + 1 trivial", space="line")
    assert str(signals) == 'FieldType(D1, "2 regular + 1 trivial", space="line")'
    assert eval(str(signals), {"FieldType": FieldType, "D1": "D1"}) == signals
    assert signals != FieldType("D1", "2 regular + 1 trivial")
    assert len({signals, FieldType("D1", "2 regular + 1 trivial"), FieldType("D1", signals.fields, LINE)}) == 2
    small, _ = signals.restrict("C1").disentangle()
    for other in (signals + signals, small, signals.with_fields("1 trivial")):
        assert other.space == LINE
    assert FieldType("C4 x D1", "1 regular").space == POINT
    assert FieldType("C1", "1 trivial", space=VOLUME).space.layout == "[batch, depth, height, width, channels]"


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("C4 does not act on the line; allowed there: C1, D1", lambda: FieldType("C4", "1 trivial", space="line")),
        ("D1 does not act on the volume", lambda: FieldType("D1", "1 trivial", space="volume")),
        ("O x C2 does not act on the plane", lambda: FieldType("O x C2", "1 trivial", space="plane")),
        ("unknown base space 'lin'; .*did you mean 'line'", lambda: FieldType("C1", "1 trivial", space="lin")),
        (
            "on one base space can be added",
            lambda: FieldType("C1", "1 trivial", "line") + FieldType("C1", "1 trivial"),
        ),
        ("does not map the grid to itself", lambda: PLANE.grid_symmetry(C8, np.array([0, 1]))),
        ("one, or one for each axis: 2", lambda: GridTranslations(4, 6, step=(1, 2, 3))),
        (r"common divisor of the sizes \(4, 5, 6\)", lambda: GridTranslations(4, 5, 6, step=2)),
    ],
)
def test_mistakes_are_named(what, make):
    with pytest.raises(ValueError, match=what):
        make()


@pytest.mark.parametrize(
    "shifts", [GridTranslations(5), GridTranslations(2, 3, 4), GridTranslations(4, 6, step=(2, 3))]
)
def test_shifts_of_any_dimension_are_a_group(shifts):
    elements = shifts.elements()
    assert len(elements) == shifts.order
    np.testing.assert_array_equal(shifts.index(elements), np.arange(shifts.order))
    reached = {tuple(elements[0])}
    for _ in range(shifts.order):  # words in the generators
        reached |= {tuple(shifts.product(np.array(r), g)) for r in reached for g in shifts.generators()}
    assert reached == {tuple(g) for g in elements}
    table = shifts.multiplication_table()
    assert all(sorted(row) == list(range(shifts.order)) for row in table.tolist())
    x = jnp.arange(np.prod(shifts.sizes)).reshape(1, *shifts.sizes)
    a, b = elements[-1], elements[len(elements) // 2]
    np.testing.assert_array_equal(roll(roll(x, b), a), roll(x, shifts.product(a, b)))


def test_numbers_per_axis_add_and_multiply_axis_by_axis():
    assert (1 + per_axis([1, 2]) * 2 - per_axis([1, 1]), 3 - per_axis([1, 2])) == (PerAxis((2, 4)), PerAxis((2, 1)))
    assert per_axis([2, 2]) == 2
