"""Numbers that describe no element of a group are refused by every method that takes elements."""

import numpy as np
import pytest

from geomdl.groups import C, D, GridTranslations, PlanarGroup, group, point_group, subgroup, wallpaper
from geomdl.representations import FieldType, irrep, regular

METHODS = ("product", "inverse", "index", "is_close", "angle", "plane_angle", "matrix", "is_grid_symmetry")
OUTSIDE = [
    ("C8", [0, 45], r"try \[0, 1\], which is 45°"),
    ("C8", [1, 1], "no reflections"),
    ("C4", [0, -1], r"try \[0, 3\]"),
    ("C4", [0, 4], r"from 0 to 3"),
    ("C4", [0, 1.5], "whole number of steps of 90°"),
    ("D4", [2, 0], "0 or 1"),
    ("D4", [0, np.nan], "invalid element of D4"),
    ("C4", [0, np.inf], "invalid element of C4"),
    ("C4", 3, r"\[\.\.\., 2\]"),
    ("C4", "rotation", "invalid element of C4"),
    ("C4", [[0, 1], [0, 7]], r"element of C4 \[0, 7\]"),
]
CONTINUOUS = [
    ("SO2", [0, 90.0], r"which is 90°"),
    ("SO2", [90, 180], "invalid element of SO2"),
    ("SO2", [0, -0.3], r"5\.98\d*\], which is -0\.3 \+ 2π"),
    ("O2", [0.5, 0.3], "0 or 1"),
]


def _call(g: PlanarGroup, method: str, element):
    second = (g.identity,) if method in ("product", "is_close") else ()
    return getattr(g, method)(element, *second)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "element", "message"), OUTSIDE)
def test_finite_groups(name, element, message, method):
    with pytest.raises(ValueError, match=message):
        _call(group(name), method, element)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "index"])
@pytest.mark.parametrize(("name", "element", "message"), CONTINUOUS)
def test_continuous_groups(name, element, message, method):
    with pytest.raises(ValueError, match=message):
        _call(group(name), method, element)


@pytest.mark.parametrize(("name", "element", "message"), OUTSIDE)
def test_representations(name, element, message):
    for rho in (regular(group(name)), irrep(group(name), 0)):
        with pytest.raises(ValueError, match=message):
            rho(element)
    with pytest.raises(ValueError, match=message):
        FieldType(name, "1 trivial + 1 regular").matrix(element)


@pytest.mark.parametrize(
    ("g", "element"),
    [
        (GridTranslations(4, 6), [1, 0.5]),
        (GridTranslations(4, 6), [1, np.nan]),
        (GridTranslations(4, 6, step=2), [1, 0]),
        (GridTranslations(4, 6), [1, 2, 3]),
        (point_group("C4 x D1"), [0, 4, 0, 0]),
        (wallpaper("p4", 4), [0, 0, 0, 5]),
        (wallpaper("p4", 4), [0.5, 0, 0, 1]),
    ],
)
def test_translations_and_products(g, element):
    for method in ("product", "inverse", "index", "is_close"):
        second = (g.identity,) if method in ("product", "is_close") else ()
        with pytest.raises(ValueError, match="invalid element of"):
            getattr(g, method)(element, *second)


def test_subgroups_ask_for_elements_of_their_own_group():
    small = subgroup("D4", "C2")
    with pytest.raises(ValueError, match="element of C2"):
        small.embed([0, 2])
    for method in (small.contains, small.split, small.coset, small.restrict):
        with pytest.raises(ValueError, match="element of D4"):
            method([0, 5])


def test_shifts_in_either_direction_are_elements():
    shifts = GridTranslations(4, 6)
    np.testing.assert_array_equal(shifts.product([-1, 2], [0, 5]), [3, 1])
    assert shifts.index([-1, 0]) == 18


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.float32, bool])
def test_elements_may_have_any_dtype(dtype):
    for g in (C(5), D(3)):
        a = np.array([0, 1], dtype)
        np.testing.assert_array_equal(g.inverse(a), g.inverse(np.array([0, 1])))
        np.testing.assert_array_equal(g.matrix(a), g.matrix(np.array([0, 1])))


@pytest.mark.parametrize(
    "build",
    [
        lambda: C(2.5),
        lambda: C(True),
        lambda: D(4, mirror=float("nan")),
        lambda: subgroup("D4", "D1", float("nan")),
        lambda: GridTranslations(4, 2.5),
        lambda: GridTranslations(4, 4, step=0.5),
    ],
)
def test_sizes_of_groups_are_whole_numbers(build):
    with pytest.raises(ValueError, match="allowed"):
        build()


def test_orders_and_sizes_may_be_numbers_of_numpy():
    assert C(np.int64(4)) == C(4)
    assert GridTranslations(np.int64(4), 4) == GridTranslations(4, 4)
