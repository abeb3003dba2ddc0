"""Spaces of equivariant kernels."""

from geomdl.kernels.pixel import PixelKernelSpace

__all__ = ["PixelKernelSpace"]
