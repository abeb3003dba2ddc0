"""Pooling: over windows, over the whole image, over the group."""

import math
from typing import Literal

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, Size, exact_everywhere
from geomdl.equivariance.contracts.promise import no_size
from geomdl.errors import invalid, unknown
from geomdl.groups import along
from geomdl.layers.core.functional import correlate_separably, pool, require_something_to_pool
from geomdl.layers.core.layer import Field, Fields, Layer, Resampled, Vector
from geomdl.layers.core.maximum import Along, largest, maximum_over
from geomdl.layers.core.window import Padding, PaddingMode, PerAxisInt, Remainder, Window, require_per_axis
from geomdl.numbers import whole_number
from geomdl.representations import FieldType

Reduce = Literal["max", "mean"]


class Pool(Layer):
    """The maximum or mean of each window, channel by channel.

    The mean commutes with every ρ(g), the maximum with permutations of the channels. Exact under grid symmetries when
    the grid of windows is centred, (n + 2P − F) mod S = 0.

    Args:
      in_type: what comes in and goes out.
      window: pixels along each axis; one number, or one for each axis of the base space.
      reduce: ``"max"`` or ``"mean"``.
      stride: the window size by default.
      padding: see `geomdl.layers.core.window.Window`; padded zeros never win and do not count.
      padding_mode: see `geomdl.layers.core.window.Window`.
      remainder: see `geomdl.layers.core.window.output_size`.
      count_padding: whether padded zeros count in a mean, as in PyTorch; they never win a maximum.

    Raises:
      ValueError: for a maximum over fields that are not permuted, a bad window, or zero padding as wide as the window.

    >>> from geomdl.groups import C4
    >>> Pool(FieldType(C4, "1 regular"), 2)(jnp.ones((1, 8, 8, 4))).shape
    (1, 4, 4, 4)
    """

    def __init__(
        self,
        in_type: FieldType,
        window: PerAxisInt,
        *,
        reduce: Reduce = "max",
        stride: PerAxisInt | None = None,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        remainder: Remainder = "error",
        count_padding: bool = False,
    ) -> None:
        require_per_axis(in_type.require_base_space("Pool"), window=window, stride=stride, padding=padding)
        _check_reduce(reduce, in_type)
        self.in_type = self.out_type = in_type
        self.reduce: Reduce = reduce
        self.window = Window(window, window if stride is None else stride, padding, 1, padding_mode, remainder)
        require_something_to_pool(self.window)
        if count_padding and reduce == "max":
            raise invalid("count_padding of Pool", True, "with reduce='mean'", False)
        self.count_padding = count_padding

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred; shifts by multiples of the stride when they tile or wrap."""
        return self.window.contract(self.in_type, self.out_type, linear=self.reduce == "mean")

    def apply(self, x: Field) -> Resampled:
        """Pools ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes.

        Raises ValueError when the window does not fit, or for an array of other axes.
        """
        self.in_type.require_layout(x.shape, "the input of Pool")
        w = self.window
        return pool(
            x,
            w.size,
            stride=w.stride,
            reduce=self.reduce,
            padding=w.pixels_of_padding,
            padding_mode=w.padding_mode,
            remainder=w.remainder,
            count_padding=self.count_padding,
        )


class BlurPool(Layer):
    """Low-pass filters each channel with a binomial or Gaussian filter, then subsamples.

    The binomial filter is the outer product of (1 + z)^{F−1} / 2^{F−1} with itself, once for each axis: F = 2
    gives [1 1]/2, F = 3 [1 2 1]/4, F = 5 [1 4 6 4 1]/16. Blurring before subsampling lessens, but does not remove, the
    aliasing that spoils shift equivariance.

    Args:
      in_type: what comes in and goes out; any type.
      filter_size: F, taps along each axis; one number, or one for each axis of the base space.
      sigma: width in pixels of a Gaussian exp(−t² / 2σ²), cut to the window and scaled to sum 1; None for the binomial.
      stride: subsampling factor.
      padding: see `geomdl.layers.core.window.Window`.
      padding_mode: see `geomdl.layers.core.window.Window`.
      remainder: see `geomdl.layers.core.window.output_size`.

    Raises:
      ValueError: for a bad window, or a sigma that is not positive.

    References:
      Zhang, Making convolutional networks shift-invariant again, ICML 2019.

    >>> BlurPool(FieldType("C1", "3 trivial"), 4, padding=1)(jnp.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self,
        in_type: FieldType,
        filter_size: PerAxisInt = 3,
        *,
        sigma: float | None = None,
        stride: PerAxisInt = 2,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        remainder: Remainder = "error",
    ) -> None:
        if sigma is not None and not sigma > 0:
            raise invalid("sigma of BlurPool", sigma, "a positive number of pixels, or None", 0.66)
        space = in_type.require_base_space("BlurPool")
        require_per_axis(space, filter_size=filter_size, stride=stride, padding=padding)
        self.in_type = self.out_type = in_type
        self.window = Window(filter_size, stride, padding, 1, padding_mode, remainder)
        self.filter_size, self.sigma = self.window.size, sigma

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred; shifts by multiples of the stride when the windows wrap around."""
        return self.window.contract(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """F · channels · (new rows · columns + new rows · new columns): one axis after the other."""
        small = self.window.output_size(size)
        lengths = along(self.filter_size, len(size))
        points = (math.prod((f, *small[: axis + 1], *size[axis + 1 :])) for axis, f in enumerate(lengths))
        return self.in_type.size * sum(points)

    def apply(self, x: Field) -> Resampled:
        """Blurs and subsamples ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes.

        Raises ValueError when the window does not fit, or for an array of other axes.
        """
        self.in_type.require_layout(x.shape, "the input of BlurPool")
        w = self.window
        return correlate_separably(
            x,
            [_blur(size, self.sigma) for size in along(self.filter_size, x.ndim - 2)],
            stride=w.stride,
            padding=w.pixels_of_padding,
            padding_mode=w.padding_mode,
            remainder=w.remainder,
        )


class GlobalPool(Layer):
    """The maximum or mean of each channel over all pixels: f(T x) = f(x) for every transformation T of the grid.

    ``[batch, height, width, channels]`` to ``[batch, channels]``; the group still acts on the channels.

    Args:
      in_type: what comes in and goes out.
      reduce: ``"mean"`` or ``"max"``.

    Raises:
      ValueError: for a maximum over fields that are not permuted.

    >>> GlobalPool(FieldType("C4", "2 regular"))(jnp.ones((1, 5, 5, 8))).shape
    (1, 8)
    """

    def __init__(self, in_type: FieldType, reduce: Reduce = "mean") -> None:
        in_type.require_base_space("GlobalPool")
        _check_reduce(reduce, in_type)
        self.in_type = self.out_type = in_type
        self.reduce = reduce

    @property
    def contract(self) -> Contract:
        """Exact for every grid symmetry and every circular shift."""
        return exact_everywhere(
            self.in_type, self.out_type, output_size=no_size, linear=self.reduce == "mean", has_base_space=False
        )

    def apply(self, x: Field) -> Vector:
        """Pools over all spatial axes. Raises ValueError for an array of other axes than the base space has."""
        self.in_type.require_layout(x.shape, "the input of GlobalPool")
        axes = tuple(range(1, x.ndim - 1))
        return x.mean(axes) if self.reduce == "mean" else maximum_over(x, *map(Along, reversed(axes)))


class GroupPool(Layer):
    """The maximum or mean of each field over its channels: a regular field becomes an invariant scalar field.

      y_i(x) = max_h f_{i,h}(x)

    Args:
      in_type: fields whose channels the group permutes.
      reduce: ``"max"`` or ``"mean"``.

    Raises:
      ValueError: when the channels are not permuted.

    >>> GroupPool(FieldType("C4", "2 regular"))(jnp.arange(8.0)[None])
    Array([[3., 7.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType, reduce: Reduce = "max") -> None:
        require_permutation(in_type, "GroupPool", "NormPool")
        _check_reduce(reduce, in_type)
        self.in_type = in_type
        self.out_type = in_type.with_fields(f"{in_type.num_fields} trivial")
        self.reduce = reduce

    @property
    def contract(self) -> Contract:
        """Exact for every element, with or without base space."""
        return exact_everywhere(self.in_type, self.out_type, linear=self.reduce == "mean")

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., channels]`` to ``[..., fields]``."""
        self.in_type.require_channels(x.shape[-1], "the input of GroupPool")
        pooled = []
        for b in self.in_type.blocks:
            fields = x[..., b.channels].reshape(*x.shape[:-1], b.multiplicity, b.representation.size)
            pooled.append(largest(fields) if self.reduce == "max" else fields.mean(-1))
        return jnp.concatenate(pooled, -1)


def halving_pool(in_type: FieldType, size: Size, reduce: Reduce = "max") -> Pool:
    """The pooling that halves an image, or a volume, and stays exact under quarter turns and flips, even and odd.

    Along an even side windows of two pixels tile it, n → n/2; along an odd one windows of three with stride 2 and
    padding 1 are centred on it, n → (n + 1)/2. Where some sides are even and others odd, windows are 2 × 3, 3 × 2 × 2,
    …; without symmetry (the group C1) windows of two then drop the last pixel of the odd sides.

    Args:
      in_type: of the input.
      size: of the input in pixels, along each axis of its base space: (height, width), or (depth, height, width).
      reduce: ``"max"`` or ``"mean"``.

    Raises:
      ValueError: when sides that the group exchanges are even and odd.

    >>> t = FieldType("C4", "1 regular")
    >>> halving_pool(t, (8, 8)).window.output_size((8, 8)), halving_pool(t, (7, 7)).window.output_size((7, 7))
    ((4, 4), (4, 4))
    >>> halving_pool(FieldType("D2h", "1 regular"), (6, 7, 8)).window.size
    (2, 3, 2)
    """
    space = in_type.require_base_space("halving_pool")
    if len(size) != space.dimension:
        raise invalid("image size", tuple(size), f"({', '.join(space.axes)})")
    size = tuple(whole_number("image size", n) for n in size)
    odd = tuple(n % 2 for n in size)
    if len(set(odd)) > 1 and in_type.group.order == 1:
        return Pool(in_type, 2, reduce=reduce, remainder="drop")
    for axes in space.exchanged_axes(in_type.group):
        if len({odd[a] for a in axes}) > 1:
            first = size[axes[0]]
            near = tuple(n + (n - first) % 2 if a in axes else n for a, n in enumerate(size))
            named = " and ".join(space.axes[a] for a in axes)
            raise invalid("image size", size, f"{named} all even or all odd, as {in_type.group} exchanges them", near)
    return Pool(in_type, tuple(2 + k for k in odd), reduce=reduce, stride=2, padding=odd)


def _blur(size: int, sigma: float | None) -> np.ndarray:
    """The taps of a binomial filter, or of a Gaussian; their sum is 1."""
    if sigma is None:
        taps = np.array([math.comb(size - 1, i) for i in range(size)], float)
    else:
        taps = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    return taps / taps.sum()


def _check_reduce(reduce: str, in_type: FieldType) -> None:
    if reduce not in ("max", "mean"):
        raise unknown("reduce", reduce, ["max", "mean"])
    if reduce == "max":
        require_permutation(in_type, "a maximum (reduce='max')", "reduce='mean', NormMaxPool, NormPool")


def require_permutation(in_type: FieldType, what: str, instead: str) -> None:
    """Raises a ValueError, with what would work, when some field's channels are not permuted by the group."""
    try:
        in_type.require_permutation(what)
    except ValueError as error:
        raise ValueError(f"{error}; allowed there: {instead}") from None
