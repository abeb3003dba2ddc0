"""Resampling without aliasing, and nonlinearities that keep fractional shifts."""

import dataclasses
import functools
from fractions import Fraction
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contract import NOTHING, Contract, Promise, Size, compose, exact_everywhere, square
from geomdl.errors import invalid
from geomdl.groups import require_planar
from geomdl.layers.fields import per_channel
from geomdl.layers.layer import Field, Image, Images, Layer
from geomdl.representations import FieldType


class IdealResample(Layer):
    """Ideal low-pass resampling: the trigonometric polynomial through the pixels, at the places of another grid.

      y(i) = Σ_j D(p_i − j) x(j),   p_i = (i + ½) n/m − ½,   D(t) = (1 + 2 Σ_{k=1}^{K} cos(2π k t / n)) / n,

    K the largest integer below min(n, m) / 2: frequencies that the smaller grid cannot hold are removed, the Nyquist
    frequency among them.
    """

    def __init__(
        self,
        in_type: FieldType,
        factor: int | Fraction | None = None,
        *,
        size: int | tuple[int, int] | None = None,
    ) -> None:
        if (factor is None) == (size is None):
            raise invalid("factor and size of IdealResample", (factor, size), "one of them", "factor=2")
        self.in_type = self.out_type = in_type
        self.factor = None if factor is None else Fraction(factor)
        self.size = None if size is None else ((size, size) if isinstance(size, int) else tuple(size))

    def output_size(self, size: Size) -> Size:
        """n · factor along each axis, or the given size. Raises ValueError when it is not whole."""
        if self.factor is None:
            return cast(Size, self.size)
        goal = [n * self.factor for n in size]
        if any(m.denominator != 1 for m in goal):
            q = self.factor.denominator
            raise invalid("image in IdealResample", "x".join(map(str, size)), f"sides that {q} divides")
        return tuple(int(m) for m in goal)

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries at every size; shifts by a factor, fractional ones included."""
        turns = (square,) if require_planar(self.in_type.group, "IdealResample").swaps_axes else ()
        exact = Promise("exact")
        if self.factor is None:
            none = dataclasses.replace(NOTHING, why="the factor varies")
            return Contract(self.in_type, self.out_type, Promise("exact", turns), none, self.output_size)
        return Contract(
            self.in_type,
            self.out_type,
            Promise("exact", turns),
            exact,
            self.output_size,
            step=self.factor.denominator,
            stride=1 / self.factor,
            fractional=exact,
        )

    def multiply_adds(self, size: Size) -> int:
        """Channels · (new rows · rows · columns + new rows · new columns · columns)."""
        (height, width), (rows, columns) = size, self.output_size(size)
        return self.in_type.size * (rows * height * width + rows * columns * width)

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        """Resamples ``[batch, height, width, channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of IdealResample")
        rows, columns = self.output_size(x.shape[1:3])
        x = jnp.einsum("ih,bhwc->biwc", jnp.asarray(_ideal(x.shape[1], rows), x.dtype), x)
        return jnp.einsum("jw,biwc->bijc", jnp.asarray(_ideal(x.shape[2], columns), x.dtype), x)


class Polynomial(Layer):
    """A polynomial of each channel with learnt coefficients for each field: y = Σ_k a_k x^k."""

    def __init__(self, in_type: FieldType, degree: int = 2) -> None:
        in_type.require_permutation("Polynomial")
        self.in_type = self.out_type = in_type
        self.degree = degree
        start = np.repeat(_gelu_fit(degree)[:, None], in_type.num_fields, 1)
        self.coefficients = nnx.Param(jnp.asarray(start, jnp.float32))

    @property
    def contract(self) -> Contract:
        """Exact for every element and every whole shift."""
        return exact_everywhere(self.in_type, linear=self.degree < 2)

    def multiply_adds(self, size: Size) -> int:
        """Degree · pixels · channels."""
        return self.degree * int(np.prod(size)) * self.in_type.size

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Applies the polynomials to ``[..., channels]``, by Horner's rule."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Polynomial")
        coefficients = per_channel(self.coefficients[...].astype(x.dtype), self.in_type)
        y = coefficients[-1]
        for k in range(self.degree - 1, -1, -1):
            y = y * x + coefficients[k]
        return y


class BandLimited(Layer):
    """A pointwise nonlinearity at a higher resolution: y = D(σ(U x)), U and D ideal resampling by ``factor``."""

    def __init__(self, pointwise: Layer, factor: int | Fraction = 2) -> None:
        self.pointwise, self.factor = pointwise, Fraction(factor)
        self.in_type, self.out_type = pointwise.in_type, pointwise.out_type
        self.up, self.down = IdealResample(self.in_type, self.factor), IdealResample(self.out_type, 1 / self.factor)

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries and whole shifts; for fractional ones if the degree is at most 2 · factor − 1."""
        whole = compose([self.up.contract, self.pointwise.contract, self.down.contract])
        if isinstance(self.pointwise, Polynomial) and self.pointwise.degree <= 2 * self.factor - 1:
            return dataclasses.replace(whole, fractional=Promise("exact"))
        return whole

    def multiply_adds(self, size: Size) -> int:
        """Those of both resamplings and of the nonlinearity."""
        large = self.up.output_size(size)
        return self.up.multiply_adds(size) + self.pointwise.multiply_adds(large) + self.down.multiply_adds(large)

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        """Maps ``[batch, height, width, channels]``."""
        return self.down(self.pointwise(self.up(x), train=train, key=key))


@functools.lru_cache(maxsize=64)
def _ideal(n: int, m: int) -> np.ndarray:
    """The matrix ``[m, n]`` of ideal resampling from n to m pixels, in double precision."""
    p = (np.arange(m) + 0.5) * n / m - 0.5
    t = p[:, None] - np.arange(n)
    k = np.arange(1, (min(n, m) - 1) // 2 + 1)
    return (1 + 2 * np.cos(2 * np.pi * t[..., None] * k / n).sum(-1)) / n


def _gelu_fit(degree: int) -> np.ndarray:
    """The coefficients, lowest first, of the polynomial nearest to GELU in the mean square over N(0, 1)."""
    from math import erf

    x, w = np.polynomial.hermite_e.hermegauss(64)
    gelu = x * np.array([0.5 * (1 + erf(v / 2**0.5)) for v in x])
    powers = np.vander(x, degree + 1, increasing=True)
    return np.linalg.solve(powers.T @ (w[:, None] * powers), powers.T @ (w * gelu))
