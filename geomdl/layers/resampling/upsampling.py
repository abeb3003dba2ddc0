"""Changing the size of images: upsampling, and pooling to a given size, symmetric about the centre."""

import dataclasses
import functools
import math
from fractions import Fraction
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import ALIASED, NOTHING, Condition, Contract, Promise, Size
from geomdl.equivariance.contracts.promise import OnCentredGrid, by_group
from geomdl.equivariance.contracts.redundancy import NO_REDUNDANCY, Redundancy
from geomdl.errors import invalid, unknown
from geomdl.groups import PLANE, BaseSpace
from geomdl.layers.core.layer import Field, Layer, Resampled
from geomdl.layers.core.maximum import Bins, maximum_over
from geomdl.layers.resampling.pooling import Reduce, require_permutation
from geomdl.representations import FieldType

Method = Literal["nearest", "bilinear", "cubic"]


class Upsample(Layer):
    """Enlarges images, signals or volumes by a factor, or to a size, by interpolation along every axis.

      y(i) = Σ_j w(p_i − j) x(j),   p_i = (i + ½) n/m − ½,

    with the centres of both grids on one another. The weights are symmetric, so it commutes with flips and quarter
    turns at every size. ``"nearest"`` copies pixels (the mean of two where both are equally near), ``"bilinear"``
    weights by 1 − |t|, ``"cubic"`` by Keys' interpolating kernel (a = −½).

    Args:
      in_type: what comes in and goes out; any representations.
      factor: how many times larger, a positive integer; or
      size: (height, width) of the output, or as the base space has axes, or one number for all; at least the size of
        the input.
      method: ``"nearest"``, ``"bilinear"`` or ``"cubic"``.
      padding_mode: beyond the border, ``"replicate"`` the border pixels or go round (``"circular"``).

    Raises:
      ValueError: unless exactly one of factor and size is given; for an unknown method or padding mode.

    References:
      Keys, Cubic convolution interpolation for digital image processing, 1981.

    >>> layer = Upsample(FieldType("C1", "1 trivial"), 2)
    >>> layer(jnp.array([0.0, 1.0]).reshape(1, 1, 2, 1)).ravel()
    Array([0.  , 0.25, 0.75, 1.  , 0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """

    def __init__(
        self,
        in_type: FieldType,
        factor: int | None = None,
        *,
        size: int | tuple[int, ...] | None = None,
        method: Method = "bilinear",
        padding_mode: Literal["replicate", "circular"] = "replicate",
    ) -> None:
        if (factor is None) == (size is None):
            raise invalid("factor and size of Upsample", (factor, size), "one of them", "factor=2")
        if factor is not None and (not isinstance(factor, int) or factor < 1):
            raise invalid("factor of Upsample", factor, "a positive integer; or give size=", 2)
        if method not in get_args(Method):
            raise unknown("method of Upsample", method, get_args(Method))
        if padding_mode not in ("replicate", "circular"):
            raise unknown("padding_mode of Upsample", padding_mode, ["replicate", "circular"])
        space = in_type.require_base_space("Upsample")
        self.in_type = self.out_type = in_type
        self.factor, self.size = factor, None if size is None else size_on(space, "size of Upsample", size)
        self.method: Method = method
        self.padding_mode = padding_mode

    def output_size(self, size: Size) -> Size:
        """The spatial size of the output. Raises ValueError when it would be smaller than the input."""
        if self.factor is not None:
            return tuple(n * self.factor for n in size)
        goal = self.size or ()
        if any(m < n for m, n in zip(goal, size, strict=True)):
            raise invalid("size of Upsample", goal, f"at least that of the input, {tuple(size)}; or AdaptivePool", size)
        return goal

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries; for shifts, by a factor when the border goes round or pixels are copied."""
        if self.factor is not None and (self.padding_mode == "circular" or self.method == "nearest"):
            shifts, fractional = Promise("exact"), ALIASED
        else:
            shifts = fractional = dataclasses.replace(NOTHING, why="the border is replicated, or the factor varies")
        return Contract(
            self.in_type,
            self.out_type,
            centred_points(self.in_type, self.size),
            shifts,
            self.output_size,
            stride=Fraction(1, self.factor) if self.factor is not None else 1,
            fractional=fractional,
            reach=_reach(self.factor, self.method) if self.factor is not None else None,
            offset=(Fraction(1, self.factor) - 1) / 2 if self.factor is not None else 0,
            redundancy=self._redundancy,
        )

    @property
    def _redundancy(self) -> Redundancy | None:
        """None, for that of the stride, where pixels are copied or the border goes round; else the border tells apart
        components that would be mirror images."""
        if self.method != "nearest" and self.padding_mode != "circular":
            return NO_REDUNDANCY
        return None if self.size is None else Redundancy(math.inf)

    def multiply_adds(self, size: Size) -> int:
        """Channels · taps · (pixels after enlarging one axis + pixels after both)."""
        large = self.output_size(size)
        taps = {"nearest": 1, "bilinear": 2, "cubic": 4}[self.method]
        points = sum(math.prod(large[: axis + 1]) * math.prod(size[axis + 1 :]) for axis in range(len(size)))
        return self.in_type.size * taps * points

    def apply(self, x: Field) -> Resampled:
        """Enlarges ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes."""
        self.in_type.require_layout(x.shape, "the input of Upsample")
        for axis, m in enumerate(self.output_size(x.shape[1:-1]), 1):
            taps, weights = _interpolation(x.shape[axis], m, self.method, self.padding_mode == "circular")
            shape = [1] * x.ndim
            shape[axis] = m
            weighted = [
                jnp.take(x, taps[:, t], axis=axis) * jnp.asarray(weights[:, t].reshape(shape), x.dtype)
                for t in range(taps.shape[1])
            ]
            x = functools.reduce(jnp.add, weighted)
        return x


class AdaptivePool(Layer):
    """Pools to a given size: output i along an axis is the maximum or mean of the pixels ⌊i n/m⌋ … ⌈(i + 1) n/m⌉ − 1.

    Bins overlap where m does not divide n. They lie symmetrically about the centre, so it commutes with flips and
    quarter turns at every size, odd and even.

    Args:
      in_type: what comes in and goes out; permuted channels for a maximum.
      size: (height, width) of the output, or as the base space has axes, or one number for all; at most the size of
        the input.
      reduce: ``"mean"`` or ``"max"``.

    Raises:
      ValueError: for a size that is not positive, or a maximum over fields that are not permuted.

    >>> AdaptivePool(FieldType("C4", "1 trivial"), 2)(jnp.arange(9.0).reshape(1, 3, 3, 1))[0, ..., 0]
    Array([[2., 3.], [5., 6.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType, size: int | tuple[int, ...], reduce: Reduce = "mean") -> None:
        if reduce not in ("max", "mean"):
            raise unknown("reduce", reduce, ["max", "mean"])
        if reduce == "max":
            require_permutation(in_type, "a maximum (reduce='max')", "reduce='mean', NormMaxPool")
        space = in_type.require_base_space("AdaptivePool")
        self.in_type = self.out_type = in_type
        self.size, self.reduce = size_on(space, "size of AdaptivePool", size), reduce

    def output_size(self, size: Size) -> Size:
        """The spatial size of the output. Raises ValueError when it would be larger than the input."""
        if any(m > n for m, n in zip(self.size, size, strict=True)):
            raise invalid("size of AdaptivePool", self.size, f"at most that of the input, {tuple(size)}; or Upsample")
        return self.size

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries."""
        shifts = dataclasses.replace(NOTHING, why="the bins depend on the size of the input")
        return Contract(self.in_type, self.out_type, centred_points(self.in_type, self.size), shifts, self.output_size)

    def apply(self, x: Field) -> Resampled:
        """Pools ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes.

        Raises ValueError for an image that is too small.
        """
        self.in_type.require_layout(x.shape, "the input of AdaptivePool")
        bins = [
            tuple((i * n // m, -(-(i + 1) * n // m)) for i in range(m))
            for n, m in zip(x.shape[1:-1], self.output_size(x.shape[1:-1]), strict=True)
        ]
        if self.reduce == "max":
            return maximum_over(x, *(Bins(axis, own) for axis, own in enumerate(bins, 1)))
        for axis, own in enumerate(bins, 1):
            x = jnp.stack([jax.lax.slice_in_dim(x, a, b, axis=axis).mean(axis) for a, b in own], axis)
        return x


def size_on(space: BaseSpace, what: str, size: int | tuple[int, ...]) -> tuple[int, ...]:
    """One number for each axis of a base space, from one for all or one for each; raises a ValueError for else."""
    if space == PLANE:
        return size_pair(what, size)  # type: ignore[arg-type]
    sizes = (size,) * space.dimension if isinstance(size, int) else tuple(size)
    if len(sizes) != space.dimension or any(not isinstance(n, int) or n < 1 for n in sizes):
        raise invalid(what, size, f"a positive integer, or one for each axis: ({', '.join(space.axes)})", 4)
    return sizes


def size_pair(what: str, size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) from one number for both, or two; raises ValueError for anything else."""
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or any(not isinstance(n, int) or n < 1 for n in pair):
        raise invalid(what, size, "a positive integer, or two: (height, width)", 4)
    return pair  # type: ignore[return-value]


def centred_points(in_type: FieldType, size: tuple[int, ...] | None, *conditions: Condition) -> Promise:
    """Exact for grid symmetries; where quarter turns are among them, only from square to square."""
    space, exchanging = in_type.require_base_space("resampling"), None
    if size is not None and len(set(size)) > 1:
        exchanging = dataclasses.replace(NOTHING, why=f"quarter turns exchange the sides of an output of {size}")
    return by_group(OnCentredGrid(space, exchanging, conditions), in_type.group)


def _reach(factor: int, method: Method) -> Fraction:
    """How far from its place in the image a new pixel takes its values."""
    within = [abs(Fraction(2 * i + 1, 2 * factor) - Fraction(1, 2)) for i in range(factor)]  # of the nearest pixel
    if method == "nearest":
        return max(within)
    beyond = 1 if method == "bilinear" else 2
    return max([beyond - p for p in within if p], default=Fraction(0))


def _interpolation(n: int, m: int, method: Method, circular: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels of n make up each of m new ones, and their weights: two arrays ``[m, taps]``."""
    position = [Fraction(2 * i + 1, 2 * m) * n - Fraction(1, 2) for i in range(m)]
    reach = {"nearest": (0, 1), "bilinear": (0, 1), "cubic": (-1, 0, 1, 2)}[method]
    taps = np.array([[math.floor(p) + step for step in reach] for p in position])
    distance = np.array([[abs(float(p - (math.floor(p) + step))) for step in reach] for p in position])
    if method == "nearest":
        weights = np.where(distance == 0.5, 0.5, distance < 0.5)
        if not np.any(weights == 0.5):  # one pixel is nearest everywhere
            chosen = weights.argmax(1)[:, None]
            taps, weights = np.take_along_axis(taps, chosen, 1), np.take_along_axis(weights, chosen, 1)
    elif method == "bilinear":
        weights = 1 - distance
    else:
        t = distance
        weights = np.where(t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2)
    return (taps % n if circular else np.clip(taps, 0, n - 1)), weights
