"""Groups by name."""

import re
from typing import Any

from geomdl.errors import nearest, shortened
from geomdl.groups.planar import O2, SO2, C, D, PlanarGroup
from geomdl.groups.point_names import DIAGONAL_NAMES, OTHER_AXES, SPATIAL_FAMILIES, canonical_name
from geomdl.groups.spatial import SpatialGroup

GROUP_FAMILIES = {
    "C<N>": "rotations by multiples of 360°/N: C1 (trivial), C2, C4, C8, …",
    "D<N>": "the rotations of C<N> and N reflections: D1 (flips), D4, D8, …; D1(mirror=45): about the line at 45°",
    "SO2": "all rotations of the plane",
    "O2": "all rotations and reflections of the plane",
    **SPATIAL_FAMILIES,
}
"""The names that `group` understands, each with what it stands for."""

LARGEST_ORDER = 1024
"""The most rotations of a group that is named: everything that is done for each element ends in reasonable time."""


def group(name: str | PlanarGroup | SpatialGroup) -> Any:
    """The group of a name: of the plane, ``"C4"``, ``"D8"``, ``"SO2"`` or ``"O(2)"``, or of space, ``"Oh"``, ``"SO3"``.

    See `PlanarGroup` and `SpatialGroup` for the names. A group is returned as it is.

    Args:
      name: of the group, or a group.

    Raises:
      ValueError: for an unknown name, with the nearest valid one.

    >>> group("D8"), group("SO(2)"), group("D1(mirror=45)")
    (D8, SO2, D1(mirror=45))
    >>> group("O"), group("O(3)"), group("C4v"), group("SO2z"), group("T x Ci")
    (O, O3, C4v, Cinfz, Th)
    >>> group("C-4")
    Traceback (most recent call last):
    ...
    ValueError: unknown group 'C-4'; allowed: C<N>, D<N> (N = 1, 2, 3, …), SO2, O2; of space: T, Td, Th, O, Oh, I, Ih,
    Ci, SO3, O3, C<N>z, D<N>z, C<N>v, C<N>h, D<N>h, D<N>d, S<2N>z; the same about x, y or a diagonal of the cube: C<N>x,
    C<N>vx, C3[111], C2[1-10]; H x K of groups that commute; did you mean 'C4'?
    """
    if isinstance(name, PlanarGroup | SpatialGroup):
        return name
    if canonical_name(name) is not None:
        return SpatialGroup(str(name))
    text = re.sub(r"[\s_()]", "", str(name))
    match = re.fullmatch(r"([CcDd])([1-9][0-9]*)(?:mirror=(\d+(?:\.\d+)?))?", text)
    if match and (len(match[2]) > 9 or int(match[2]) > LARGEST_ORDER):
        raise ValueError(
            f"invalid group {shortened(str(name))!r}; allowed: C<N>, D<N> with N up to {LARGEST_ORDER}; for all "
            "rotations: SO2, O2"
        )
    if match and match[1] in "Cc" and not match[3]:
        return C(int(match[2]))
    if match and match[1] in "Dd":
        return D(int(match[2]), float(match[3] or 0))
    continuous = {"SO2": SO2, "O2": O2}
    if text.upper() in continuous:
        return continuous[text.upper()]
    planar = ["C1", "C2", "C4", "C8", "C16", "D1", "D2", "D4", "D8", "D16", "SO2", "O2"]
    spatial = [family for family in SPATIAL_FAMILIES if "<" not in family]
    suggestion = nearest(name, [*planar, *spatial, *(DIAGONAL_NAMES if "[" in str(name) else ())])
    hint = f"; did you mean {suggestion!r}?" if suggestion else ""
    raise ValueError(
        f"unknown group {shortened(str(name))!r}; allowed: C<N>, D<N> (N = 1, 2, 3, …), SO2, O2; of"
        f" space: {', '.join(SPATIAL_FAMILIES)}; {OTHER_AXES}{hint}"
    )
