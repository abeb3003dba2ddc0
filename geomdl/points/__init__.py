"""Point clouds and vertices of meshes: neighbourhoods of fixed size, convolution on them, a network.

A cloud is an array ``[..., points, 3]`` of coordinates (x, y, z), with a mask ``[..., points]`` where clouds of
different sizes are padded to one. Features are `e3nn_jax.IrrepsArray` ``[..., points, irreps.dim]``.
"""

from geomdl.points.clouds import centred, require_cloud
from geomdl.points.convolution import PointConv
from geomdl.points.errors import CloudErrors, cloud_errors
from geomdl.points.moving import moved_clouds
from geomdl.points.neighbours import Neighbours, mesh_neighbours, nearest_neighbours, neighbours_within
from geomdl.points.network import PointNetwork
from geomdl.points.packing import OfPackedClouds, pack_clouds, unpack_clouds

__all__ = [
    "CloudErrors", "Neighbours", "OfPackedClouds", "PointConv", "PointNetwork", "centred", "cloud_errors",
    "mesh_neighbours", "moved_clouds", "nearest_neighbours", "neighbours_within", "pack_clouds", "require_cloud",
    "unpack_clouds",
]  # fmt: skip

__experimental__ = [
    "CloudErrors", "Neighbours", "OfPackedClouds", "PointConv", "PointNetwork", "centred", "cloud_errors",
    "mesh_neighbours", "moved_clouds", "nearest_neighbours", "neighbours_within", "pack_clouds", "require_cloud",
    "unpack_clouds",
]  # fmt: skip
