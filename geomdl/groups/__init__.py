"""Abstract groups: elements, product, inverse, generators, subgroups, sampling. NumPy only."""

from geomdl.groups.group import Element, Group
from geomdl.groups.planar import C1, C2, C4, C8, D1, D2, D4, D8, O2, SO2, C, D, PlanarGroup
from geomdl.groups.point_groups import PointGroup, planar_factors, point_group, require_planar
from geomdl.groups.products import DirectProduct, SemidirectProduct, wallpaper
from geomdl.groups.registry import GROUP_FAMILIES, group
from geomdl.groups.subgroup import Subgroup, subgroup, subgroups
from geomdl.groups.translations import GridTranslations

__all__ = [
    "C1", "C2", "C4", "C8", "D1", "D2", "D4", "D8", "GROUP_FAMILIES", "O2", "SO2", "C", "D", "DirectProduct", "Element",
    "GridTranslations", "Group", "PlanarGroup", "PointGroup", "SemidirectProduct", "Subgroup", "group",
    "planar_factors", "point_group", "require_planar", "subgroup", "subgroups", "wallpaper",
]  # fmt: skip

__experimental__ = [
    "PointGroup", "SemidirectProduct", "planar_factors", "point_group", "require_planar", "wallpaper",
]  # fmt: skip
