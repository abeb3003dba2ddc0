"""The real irreps of each kind of group, behind one interface."""

import functools

import numpy as np

from geomdl.groups import DirectProduct, PlanarGroup, PointGroup, SpatialGroup
from geomdl.representations.irrep_families.axial import AxialIrreps
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.irrep_families.finite import FiniteSpatialIrreps
from geomdl.representations.irrep_families.planar import PlanarIrreps
from geomdl.representations.irrep_families.product import ProductIrreps
from geomdl.representations.irrep_families.rotations import RotationIrreps

__all__ = ["IrrepFamily", "Label", "harmonic_form", "irrep_family"]


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
        if group.is_axial:
            return AxialIrreps(group)
        return FiniteSpatialIrreps(group) if group.is_finite else RotationIrreps(group)
    raise ValueError(f"the irreps of {group} are not known; allowed: groups of the plane and of space")


def harmonic_form(group: SpatialGroup, label: Label) -> tuple[int, int, np.ndarray | None]:
    """Which columns of a representation of O(3) an irrep of a continuous group of space is.

    Args:
      group: SO3, O3, or a continuous group about an axis.
      label: of the irrep.

    Returns:
      Parity and degree of the irrep of O(3), and orthonormal columns ``[2l + 1, d]``; None for all of them.

    >>> from geomdl.groups import SO3
    >>> harmonic_form(SO3, (0, 2)), harmonic_form(SpatialGroup("Cinfv"), (0, 1))[:2]
    ((0, 2, None), (0, 1))
    """
    family = irrep_family(group)
    if isinstance(family, AxialIrreps):
        irrep = family.irrep(label)
        return irrep.parity, irrep.degree, irrep.basis
    parity, degree = label
    return parity, degree, None
