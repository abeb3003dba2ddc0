"""Masks about the centre of an image or a volume."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import NOTHING, Contract, Size, exact_everywhere
from geomdl.errors import invalid
from geomdl.layers.core.layer import Field, Layer
from geomdl.representations import FieldType


class Mask(Layer):
    """Multiplies by a disc (a ball) about the centre, so that what turns out of the frame was not there before:

      y(x) = m(‖x‖) f(x),   m(r) = 1 for r ≤ R, exp(−(r − R)² / 2σ²) beyond,   R = (min(n) − 1)/2 − margin.

    Args:
      in_type: what comes in and goes out.
      margin: pixels between the disc and the border.
      sigma: width of the soft edge in pixels; 0 for a hard one.

    Raises:
      ValueError: for a negative margin or sigma.

    >>> Mask(FieldType("C4", "1 trivial"), margin=0, sigma=0)(jnp.ones((1, 3, 3, 1)))[0, ..., 0]
    Array([[0., 1., 0.], [1., 1., 1.], [0., 1., 0.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType, margin: float = 0.0, sigma: float = 2.0) -> None:
        for name, value in (("margin", margin), ("sigma", sigma)):
            if value < 0:
                raise invalid(f"{name} of Mask", value, "a number of pixels ≥ 0", 1.0)
        in_type.require_base_space("Mask")
        self.in_type = self.out_type = in_type
        self.margin, self.sigma = margin, sigma

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries; a mask marks the place, so nothing for shifts."""
        shifts = dataclasses.replace(NOTHING, why="a mask marks the place")
        return dataclasses.replace(
            exact_everywhere(self.in_type, self.out_type, reach=None), shifts=shifts, fractional=shifts
        )

    def multiply_adds(self, size: Size) -> int:
        """Pixels · channels."""
        return int(np.prod(size)) * self.in_type.size

    def apply(self, x: Field) -> Field:
        """Masks ``[batch, height, width, channels]``, or as the base space has axes."""
        self.in_type.require_layout(x.shape, "the input of Mask")
        size = x.shape[1:-1]
        squares = [(2 * np.arange(n) - (n - 1)) ** 2 for n in size]  # of whole half pixels
        distance = np.sqrt(functools.reduce(np.add.outer, squares)) / 2
        beyond = distance - ((min(size) - 1) / 2 - self.margin)
        edge = (
            np.exp(-(np.maximum(beyond, 0) ** 2) / (2 * self.sigma**2)) if self.sigma else np.where(beyond > 1e-9, 0, 1)
        )
        return x * jnp.asarray(np.where(beyond <= 1e-9, 1.0, edge)[None, ..., None], x.dtype)
