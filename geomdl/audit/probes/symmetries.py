"""The symmetries that an audit gives verdicts on, and the elements that it tries for them."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from geomdl.audit.probes.space import FLIPS, SpaceElement, elements_in_space, named_parts, other_rotations
from geomdl.audit.probes.transformations import PointElement, is_on_grid
from geomdl.audit.results.verdict import Measurement
from geomdl.groups import VOLUME, PlanarGroup, SpatialGroup, require_kept

SHIFTS = {
    "shifts": "circular shifts by whole pixels",
    "cropped shifts": "shifts in which new content enters",
    "fractional shifts": "circular shifts by parts of a pixel",
}
OTHERS = {
    "scale": "enlarged and shrunk by a tenth",
    "shear": "sheared by a tenth",
    "contrast": "contrast higher and lower by a fifth",
    "brightness": "all pixels brighter or darker by a fifth of their deviation",
}
OTHER_ANGLES = "other angles"
_MORE = {"D1": (1, 0.0), "left-right": (1, 180.0)}

AuditedGroup = PlanarGroup | SpatialGroup
"""The group of an audit: of the plane for images, of space for volumes."""


@dataclasses.dataclass(frozen=True)
class NamedSymmetry:
    """A symmetry with a name, and the measurements that speak about it.

    Attributes:
      name: as in verdicts and requirements.
      description: the transformations in words.
      includes: whether a measurement is of one of its transformations.
      asked: whether it belongs to what was asked for, or is for information.
    """

    name: str
    description: str
    includes: Callable[[Measurement], bool]
    asked: bool = True


def symmetries(group: AuditedGroup) -> tuple[NamedSymmetry, ...]:
    """The symmetries worth naming of a point group, then shifts, then some for information.

    >>> from geomdl.groups import C8, D4
    >>> [s.name for s in symmetries(D4)][:6]
    ['C2', 'C4', 'D1', 'left-right', 'D4', 'shifts']
    >>> [s.name for s in symmetries(C8) if s.asked]
    ['C2', 'C4', 'C8', 'shifts', 'cropped shifts', 'fractional shifts']
    """
    if isinstance(group, SpatialGroup):
        return _in_space(group)
    found = [NamedSymmetry(str(g), _described(g), _within(g)) for g in _rotations(group)]
    if group.reflections:
        found.append(NamedSymmetry("D1", "up–down flip", _is(_MORE["D1"])))
        if group.rotation_order == math.inf or group.rotation_order % 2 == 0:
            found.append(NamedSymmetry("left-right", "left–right flip", _is(_MORE["left-right"])))
        found += [NamedSymmetry(str(g), _described(g), _within(g)) for g in _dihedral(group)]
    found += [NamedSymmetry(name, text, _family(name)) for name, text in SHIFTS.items()]
    present = {s.name for s in found}
    for name, element in _MORE.items():
        if name not in present:
            text = "up–down flip" if name == "D1" else "left–right flip"
            found.append(NamedSymmetry(name, text, _is(element), asked=False))
    if group.is_finite:
        found.append(NamedSymmetry(OTHER_ANGLES, "turns by multiples of 15°", _family(OTHER_ANGLES), asked=False))
    found += [NamedSymmetry(name, text, _family(name), asked=False) for name, text in OTHERS.items()]
    return tuple(found)


def _in_space(group: SpatialGroup) -> tuple[NamedSymmetry, ...]:
    found = [NamedSymmetry(str(h), _described_in_space(h), _within_space(h)) for h in named_parts(group)]
    for name, element in FLIPS.items():
        asked = bool(group.contains_matrix(element.array))
        found.append(NamedSymmetry(name, f"mirror image along the {name.split()[0]}", _is(element.matrix), asked))
    found += [NamedSymmetry(name, text.replace("pixel", "voxel"), _family(name)) for name, text in SHIFTS.items()]
    if group.is_finite or group.is_axial:
        found.append(NamedSymmetry(OTHER_ANGLES, "random rotations", _family(OTHER_ANGLES), asked=False))
    found += [NamedSymmetry(n, text.replace("pixel", "voxel"), _family(n), asked=False) for n, text in OTHERS.items()]
    return tuple(found)


def _described_in_space(group: SpatialGroup) -> str:
    kind = "rotations and reflections" if group.has_inversions else "rotations"
    if group.is_finite:
        return f"all {int(group.order)} {kind}"
    where = "about the axis, multiples of 15°" if group.is_axial else "of the cube, and random ones"
    return f"{kind} {where}"


def _within_space(group: SpatialGroup) -> Callable[[Measurement], bool]:
    def inside(m: Measurement) -> bool:
        return m.family == "points" and bool(group.contains_matrix(SpaceElement(m.value).array))

    return inside


def symmetry_names(group: AuditedGroup) -> tuple[str, ...]:
    """The names of `symmetries`, in the same order.

    Args:
      group: the group that is audited.

    >>> from geomdl.groups import C4
    >>> "C4" in symmetry_names(C4)
    True
    """
    return tuple(s.name for s in symmetries(group))


def group_elements(group: AuditedGroup) -> list[PointElement]:
    """The elements that are tried, without the identity.

    All of a finite group; of a continuous one the multiples of 15°, and the reflections whose product with F they are.
    """
    if isinstance(group, SpatialGroup):
        return list(elements_in_space(group))
    n = int(group.rotation_order) if group.is_finite else 24
    elements: list[PointElement] = [(f, 360 * r / n) for f in range(2 if group.reflections else 1) for r in range(n)]
    return elements[1:]


def grid_elements(group: AuditedGroup, size: Sequence[int]) -> list[PointElement]:
    """The elements that map the grid to itself: those of the group, and the flips in any case.

    Raises:
      ValueError: for quarter turns of images that are not square, or of volumes whose exchanged axes differ.
    """
    chosen = [element for element in group_elements(group) if is_on_grid(element)]
    if isinstance(group, SpatialGroup):
        require_kept(VOLUME, group, tuple(size))
        return chosen + [element for element in FLIPS.values() if element not in chosen]
    if size[0] != size[1] and any(element[1] % 180 for element in chosen if not isinstance(element, SpaceElement)):
        raise ValueError(
            f"{group} turns by 90°, which needs square images; crop them, or audit with group 'C2' or 'D2'"
        )
    return chosen + [element for element in _MORE.values() if element not in chosen]


def other_angles(group: AuditedGroup) -> list[PointElement]:
    """The multiples of 15° off the grid that the group does not have; of volumes random rotations."""
    if isinstance(group, SpatialGroup):
        return list(other_rotations(group)) if group.is_finite or group.is_axial else []
    own = [element for element in group_elements(group) if not isinstance(element, SpaceElement)]
    chosen = {(f, round(degrees, 6)) for f, degrees in own}
    angles = [(0, 15.0 * k) for k in range(24) if k % 6]
    return [element for element in angles if element not in chosen]


def _rotations(group: PlanarGroup) -> list[PlanarGroup]:
    if not group.is_finite:
        return [PlanarGroup(2), PlanarGroup(4), PlanarGroup(math.inf)]
    n = int(group.rotation_order)
    return [PlanarGroup(m) for m in range(2, n + 1) if n % m == 0]


def _dihedral(group: PlanarGroup) -> list[PlanarGroup]:
    """D4 where the group has it, and the group itself; D1 has a verdict of its own."""
    if not group.is_finite:
        return [PlanarGroup(4, True), PlanarGroup(math.inf, True)]
    n = int(group.rotation_order)
    return [PlanarGroup(m, True) for m in sorted({4, n}) if n % m == 0 and m > 1]


def _described(group: PlanarGroup) -> str:
    if not group.is_finite:
        turns = "all turns (multiples of 15° tried)"
    else:
        n = int(group.rotation_order)
        turns = {2: "half turns", 4: "quarter turns"}.get(n, f"turns by multiples of {360 / n:.4g}°")
    return turns + (" and reflections" if group.reflections else "")


def _is(value: Sequence[float]) -> Callable[[Measurement], bool]:
    return lambda m: m.family == "points" and m.value == tuple(map(float, value))


def _family(name: str) -> Callable[[Measurement], bool]:
    return lambda m: m.family == name


def _within(group: PlanarGroup) -> Callable[[Measurement], bool]:
    def inside(m: Measurement) -> bool:
        if m.family != "points" or (m.value[0] and not group.reflections):
            return False
        if not group.is_finite:
            return True
        steps = m.value[1] * group.rotation_order / 360
        return abs(steps - round(steps)) < 1e-6

    return inside
