"""The real irreps of each kind of group, behind one interface."""

import functools

from geomdl.groups import DirectProduct, PlanarGroup, PointGroup, SpatialGroup
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.irrep_families.finite import FiniteSpatialIrreps
from geomdl.representations.irrep_families.planar import PlanarIrreps
from geomdl.representations.irrep_families.product import ProductIrreps
from geomdl.representations.irrep_families.rotations import RotationIrreps

__all__ = ["IrrepFamily", "Label", "irrep_family"]


@functools.lru_cache(maxsize=4096)
def irrep_family(group: PointGroup) -> IrrepFamily:
    """How a group lists, names, sizes and evaluates its irreps.

    Args:
      group: of the plane or of space, or a direct product of two groups of the plane.

    >>> from geomdl.groups import C4, O
    >>> [irrep_family(C4).name(label) for label in irrep_family(C4).labels()]
    ['irrep(0)', 'irrep(1)', 'irrep(2)']
    >>> [irrep_family(O).size(label) for label in irrep_family(O).labels()]
    [1, 3, 2, 3, 1]
    """
    if isinstance(group, PlanarGroup):
        return PlanarIrreps(group)
    if isinstance(group, DirectProduct):
        return ProductIrreps(group)
    if isinstance(group, SpatialGroup):
        return FiniteSpatialIrreps(group) if group.is_finite else RotationIrreps(group)
    raise ValueError(f"the irreps of {group} are not known; allowed: groups of the plane and of space")
