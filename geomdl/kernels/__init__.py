"""Spaces of equivariant kernels: K(gx) = ρ_out(g) K(x) ρ_in(g)⁻¹."""

from geomdl.kernels.delta import centre_weights, delta_orthogonal, orthogonal_map
from geomdl.kernels.harmonics import solutions
from geomdl.kernels.initialization import initial_variances, require_kernels
from geomdl.kernels.pixel import PixelKernelSpace
from geomdl.kernels.rings import Rings, rings
from geomdl.kernels.select import Basis, KernelSpace, kernel_space
from geomdl.kernels.shells import Shells, shells
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.kernels.templates import BasisFilter, BasisFunction

__all__ = [
    "Basis", "BasisFilter", "BasisFunction", "KernelSpace", "PixelKernelSpace", "Rings", "Shells",
    "SteerableKernelSpace", "centre_weights", "delta_orthogonal", "initial_variances", "kernel_space",
    "orthogonal_map", "require_kernels", "rings", "shells", "solutions",
]  # fmt: skip

__experimental__ = [
    "Basis", "BasisFilter", "BasisFunction", "Rings", "Shells", "centre_weights", "delta_orthogonal",
    "initial_variances", "orthogonal_map", "require_kernels", "rings", "shells", "solutions",
]  # fmt: skip
