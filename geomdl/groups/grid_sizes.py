"""Which sizes of a grid a group maps to itself, and what is near to those that it does not."""

from typing import Any

from geomdl.errors import invalid
from geomdl.groups.base_space import PLANE, BaseSpace
from geomdl.groups.group import Group
from geomdl.groups.planar import PlanarGroup
from geomdl.groups.point_groups import moving_factor
from geomdl.groups.spatial import SpatialGroup
from geomdl.groups.spatial_subgroup import named_subgroups

_OF_IMAGES = (PlanarGroup(2, True), PlanarGroup(2), PlanarGroup(1, True), PlanarGroup(1))


def keeps_size(space: BaseSpace, group: Any, size: tuple[int, ...]) -> bool:
    """Whether sides are equal along the axes that a group exchanges, so that it maps the grid to itself.

    Of a group with elements off the grid, such as SO3, it is asked for those elements that permute the points.

    Args:
      space: what the grid is of.
      group: acts there.
      size: points along each axis.

    >>> from geomdl.groups import VOLUME, O, SpatialGroup
    >>> [keeps_size(VOLUME, group, (6, 7, 8)) for group in (O, SpatialGroup("D2h"))]
    [False, True]
    """
    return all(len({size[a] for a in axes}) == 1 for axes in space.exchanged_axes(group))


def nearest_kept_size(space: BaseSpace, group: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    """The size nearest to one that a group maps to itself: sides become the median of those that they must equal.

    Args:
      space: what the grid is of.
      group: acts there.
      size: points along each axis.

    >>> from geomdl.groups import VOLUME, O, SpatialGroup
    >>> nearest_kept_size(VOLUME, O, (6, 7, 8)), nearest_kept_size(VOLUME, SpatialGroup("C4h"), (5, 8, 7))
    ((7, 7, 7), (5, 7, 7))
    """
    near = list(size)
    for axes in space.exchanged_axes(group):
        sides = sorted(size[a] for a in axes)
        for a in axes:
            near[a] = sides[(len(sides) - 1) // 2]
    return tuple(near)


def largest_keeping(space: BaseSpace, group: Any, size: tuple[int, ...]) -> Group:
    """The largest subgroup with a name that permutes the points of a grid of some size; of products that of what moves.

    Args:
      space: what the grid is of.
      group: acts there.
      size: points along each axis.

    >>> from geomdl.groups import D4, PLANE, VOLUME, SpatialGroup
    >>> Oh = SpatialGroup("Oh")
    >>> [largest_keeping(VOLUME, Oh, size) for size in ((6, 7, 8), (5, 8, 8), (8, 8, 6))]
    [D2h, D4h, D4hx]
    >>> largest_keeping(PLANE, D4, (6, 8))
    D2
    """
    group = moving_factor(group)
    if not isinstance(group, SpatialGroup):
        subgroups = [h for h in _OF_IMAGES if space.is_moved_by(h) and group.contains_group(h)]
    else:
        subgroups = [h for h in named_subgroups(group) if space.permutes_grid(h)]
    return max((h for h in subgroups if keeps_size(space, h, size)), key=lambda h: h.order)


def require_kept(space: BaseSpace, group: Any, size: tuple[int, ...]) -> None:
    """Raises a ValueError for a grid that some element which exchanges axes does not map to itself.

    It says which sides must be equal, which size is near, and which subgroup would do.

    Args:
      space: what the grid is of.
      group: acts there.
      size: points along each axis.

    >>> from geomdl.groups import VOLUME, O, SpatialGroup
    >>> require_kept(VOLUME, SpatialGroup("C4z"), (6, 4, 4))
    >>> require_kept(VOLUME, O, (6, 7, 8))
    Traceback (most recent call last):
    ...
    ValueError: invalid volume size for group O '6x7x8'; allowed: cubes (depth = height = width), as O exchanges these
    axes; or, for this size, D2z, its largest subgroup that keeps it; try 7x7x7
    """
    size = tuple(size)
    if keeps_size(space, group, size):
        return
    exchanged = space.exchanged_axes(group)
    sides = " and ".join(" = ".join(space.axes[a] for a in axes) for axes in exchanged)
    if space == PLANE:
        wanted = f"square images ({sides})"
    else:
        wanted = f"cubes ({sides})" if exchanged == (tuple(range(space.dimension)),) else sides
    allowed = (
        f"{wanted}, as {group} exchanges these axes; or, for this size, {largest_keeping(space, group, size)},"
        " its largest subgroup that keeps it"
    )
    shown, near = ("x".join(map(str, n)) for n in (size, nearest_kept_size(space, group, size)))
    raise invalid(f"{space.fields.removesuffix('s')} size for group {group}", shown, allowed, near)
