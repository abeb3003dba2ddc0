"""Abstract groups: elements, product, inverse, generators, subgroups, sampling. NumPy only."""

from geomdl.groups.base_space import BASE_SPACES, LINE, PLANE, POINT, VOLUME, BaseSpace, GridSymmetry, base_space
from geomdl.groups.grid_sizes import keeps_size, largest_keeping, nearest_kept_size, require_kept
from geomdl.groups.group import Element, Group
from geomdl.groups.per_axis import PerAxis, along, elementwise, per_axis
from geomdl.groups.planar import C1, C2, C4, C8, D1, D2, D4, D8, O2, SO2, C, D, PlanarGroup
from geomdl.groups.point_groups import (
    PointGroup,
    moving_factor,
    moving_part,
    planar_factors,
    point_factors,
    point_group,
    require_planar,
    require_point_group,
)
from geomdl.groups.products import DirectProduct, SemidirectProduct, wallpaper
from geomdl.groups.registry import GROUP_FAMILIES, group
from geomdl.groups.spatial import O3, SO3, Ci, I, Ih, O, Oh, SpatialGroup, T, Td, Th
from geomdl.groups.spatial_subgroup import SpatialSubgroup, named_subgroups
from geomdl.groups.subgroup import AnySubgroup, Subgroup, subgroup, subgroups
from geomdl.groups.translations import GridTranslations

__all__ = [
    "BASE_SPACES",
    "C1",
    "C2",
    "C4",
    "C8",
    "D1",
    "D2",
    "D4",
    "D8",
    "GROUP_FAMILIES",
    "LINE",
    "O2",
    "O3",
    "PLANE",
    "POINT",
    "SO2",
    "SO3",
    "VOLUME",
    "AnySubgroup",
    "BaseSpace",
    "C",
    "Ci",
    "D",
    "DirectProduct",
    "Element",
    "GridSymmetry",
    "GridTranslations",
    "Group",
    "I",
    "Ih",
    "O",
    "Oh",
    "PerAxis",
    "PlanarGroup",
    "PointGroup",
    "SemidirectProduct",
    "SpatialGroup",
    "SpatialSubgroup",
    "Subgroup",
    "T",
    "Td",
    "Th",
    "along",
    "base_space",
    "elementwise",
    "group",
    "keeps_size",
    "largest_keeping",
    "moving_factor",
    "moving_part",
    "named_subgroups",
    "nearest_kept_size",
    "per_axis",
    "planar_factors",
    "point_factors",
    "point_group",
    "require_kept",
    "require_planar",
    "require_point_group",
    "subgroup",
    "subgroups",
    "wallpaper",
]  # fmt: skip

__experimental__ = [
    "AnySubgroup", "BASE_SPACES", "BaseSpace", "Ci", "GridSymmetry", "I", "Ih", "LINE", "O", "O3", "Oh", "PLANE",
    "POINT", "PerAxis", "PointGroup", "SO3", "SemidirectProduct", "SpatialGroup", "SpatialSubgroup", "T", "Td", "Th",
    "VOLUME", "along", "base_space", "elementwise", "keeps_size", "largest_keeping", "moving_factor", "moving_part",
    "named_subgroups", "nearest_kept_size", "per_axis", "planar_factors", "point_factors", "point_group",
    "require_kept", "require_planar", "require_point_group", "wallpaper",
]  # fmt: skip
