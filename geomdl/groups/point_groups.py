"""The groups that act on the channels of fields: groups of the plane and of space, and direct products of two."""

import numpy as np

from geomdl.groups.group import Element, Group
from geomdl.groups.planar import PlanarGroup
from geomdl.groups.point_names import canonical_name, factors_of
from geomdl.groups.products import DirectProduct
from geomdl.groups.registry import group as group_of
from geomdl.groups.spatial import SpatialGroup

PLANAR_NAMES = "C<N>, D<N>, SO2, O2"
"""The groups of the plane, for messages."""

PointGroup = PlanarGroup | SpatialGroup | DirectProduct
"""A group that representations and field types are of; of a direct product the first factor moves a base space."""


def point_group(name: str | PointGroup) -> PointGroup:
    """The group of a name: of the plane or of space as in `group`, or a direct product such as ``"C4 x D1"``.

    Raises:
      ValueError: for an unknown name, or a product of more or other groups than two of the plane or of space.

    >>> point_group("C4 x D1"), point_group("D8"), point_group("Oh"), point_group("D4z x Ci"), point_group("O x C2")
    (C4 x D1, D8, Oh, D4h, O x C2)
    """
    if isinstance(name, DirectProduct):
        point_factors(name)
        return name
    factors = factors_of(name) if isinstance(name, str) else []
    if len(factors) == 2 and canonical_name(name) is None:
        return DirectProduct(group_of(factors[0]), group_of(factors[1]))
    return group_of(name)


def planar_factors(group: DirectProduct) -> tuple[PlanarGroup, PlanarGroup]:
    """The two factors of a direct product of groups of the plane.

    Args:
      group: the product.

    Raises:
      ValueError: for other factors, whose representations are not known.

    >>> planar_factors(DirectProduct(PlanarGroup(4), PlanarGroup(1, True)))
    (C4, D1)
    """
    first, second = group.first, group.second
    if not (isinstance(first, PlanarGroup) and isinstance(second, PlanarGroup)):
        raise ValueError(f"representations of {group} are not known; allowed: a product of two groups of the plane")
    return first, second


def point_factors(group: DirectProduct) -> tuple[PlanarGroup | SpatialGroup, PlanarGroup | SpatialGroup]:
    """The two factors of a direct product of groups of the plane or of space.

    Args:
      group: the product.

    Raises:
      ValueError: for other factors, whose representations are not known.

    >>> point_factors(point_group("O x C2"))
    (O, C2)
    """
    first, second = group.first, group.second
    if not (isinstance(first, PlanarGroup | SpatialGroup) and isinstance(second, PlanarGroup | SpatialGroup)):
        raise ValueError(
            f"representations of {group} are not known; allowed: a product of two groups of the plane or of space"
        )
    return first, second


def moving_factor(group: Group) -> Group:
    """What moves a base space: the first factor of a direct product, whose second acts on channels only; else all.

    Args:
      group: that acts on fields.

    >>> moving_factor(point_group("C4 x C2")), moving_factor(point_group("Oh"))
    (C4, Oh)
    """
    return group.first if isinstance(group, DirectProduct) else group


def moving_part(group: Group, g: Element) -> Element:
    """The components of elements ``[..., element_size]`` that move a base space; see `moving_factor`.

    Args:
      group: that acts on fields.
      g: its elements.

    >>> moving_part(point_group("C4 x C2"), [0, 3, 0, 1])
    array([0, 3])
    """
    return group.split(g)[0] if isinstance(group, DirectProduct) else np.asarray(g)


def require_point_group(group: Group, what: str) -> PlanarGroup | SpatialGroup:
    """The group itself, if it is one of the plane or of space; a ValueError says who needs it otherwise.

    Args:
      group: of a field type, say.
      what: who needs it.

    Raises:
      ValueError: for a direct product.

    >>> require_point_group(point_group("Oh"), "restriction")
    Oh
    """
    return group if isinstance(group, SpatialGroup) else require_planar(group, what)


def require_planar(group: Group, what: str) -> PlanarGroup:
    """The group itself, if it is one of the plane.

    Args:
      group: of a field type, say.
      what: who needs it, for the message.

    Raises:
      ValueError: when it is not; the message says what works for direct products.

    >>> require_planar(point_group("C4 x D1"), "Conv")
    Traceback (most recent call last):
    ...
    ValueError: Conv needs a group of the plane (C<N>, D<N>, SO2, O2), got C4 x D1; allowed for direct products: Conv,
    Dense, Pointwise, norms, Gated, NormActivation, GroupPool, NormPool
    """
    if isinstance(group, PlanarGroup):
        return group
    if isinstance(group, SpatialGroup):
        raise ValueError(f"{what} needs a group of the plane ({PLANAR_NAMES}), got {group}, which moves volumes")
    raise ValueError(
        f"{what} needs a group of the plane ({PLANAR_NAMES}), got {group}; allowed for direct products: Conv,"
        " Dense, Pointwise, norms, Gated, NormActivation, GroupPool, NormPool"
    )
