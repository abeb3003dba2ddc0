"""Computations of the layers as functions of arrays: filters along each axis, pooling, activations."""

import functools
from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from geomdl.errors import invalid, unknown
from geomdl.layers.core.correlation import first_of, pad, pad_axis
from geomdl.layers.core.maximum import Sliding, largest, maximum_over
from geomdl.layers.core.window import Padding, PaddingMode, PerAxisInt, Remainder, Window, output_size
from geomdl.registry import Registry

__all__ = [
    "ACTIVATIONS", "correlate_separably", "elu", "leaky_relu", "maxout", "output_size", "pool", "relu", "relu6",
    "require_something_to_pool", "scaled_tanh", "sigmoid", "tanh",
]  # fmt: skip


def correlate_separably(
    x: ArrayLike,
    taps: np.ndarray | Sequence[np.ndarray],
    *,
    stride: PerAxisInt = 1,
    padding: Padding = 0,
    padding_mode: PaddingMode = "zeros",
    remainder: Remainder = "error",
) -> jax.Array:
    """`correlate` of every channel with the outer product of the taps along each axis, one axis after the other.

      O[i, j] = Σ_{s,t} taps[s] taps[t] x[i + s, j + t]

    The rows are added up in whole, then the columns, and so on along every axis: 2F terms instead of F² for images, and
    on CPUs far faster than XLA's depthwise convolution.

    Args:
      x: ``[batch, height, width, channels]``.
      taps: ``[size]`` for every axis, or a list with those of each.
      stride: see `Window`.
      padding: see `Window`.
      padding_mode: see `Window`.
      remainder: see `output_size`.

    Raises:
      ValueError: when the window does not fit.

    >>> correlate_separably(jnp.ones((1, 3, 5, 1)), np.array([0.5, 0.5]))[0, :, :, 0]
    Array([[1., 1., 1., 1.],
           [1., 1., 1., 1.]], dtype=float32)
    """
    x = jnp.asarray(x)
    size = x.shape[1:-1]
    filters = [taps] * len(size) if isinstance(taps, np.ndarray) else taps
    window = Window(tuple(map(len, filters)), stride, padding, 1, padding_mode, remainder)
    windows = zip(filters, window.along(len(size)), window.output_size(size), strict=True)
    for axis, (weights, along_axis, count) in enumerate(windows, 1):
        stride, margin = along_axis.stride, along_axis.padding
        blocks = (
            count + (len(weights) - 1) // stride
        )  # of `stride` pixels; taking pixels from blocks has a fast gradient
        end = max(0, blocks * stride - x.shape[axis] - 2 * margin)
        wide = pad_axis(pad_axis(x, axis, margin, margin, padding_mode), axis, 0, end, "zeros")
        wide = lax.slice_in_dim(wide, 0, blocks * stride, axis=axis)
        wide = wide.reshape(*x.shape[:axis], blocks, stride, *x.shape[axis + 1 :])
        phases = [lax.index_in_dim(wide, s, axis + 1, keepdims=False) for s in range(stride)]
        parts = [
            lax.slice_in_dim(phases[t % stride], t // stride, t // stride + count, axis=axis)
            for t in range(len(weights))
        ]
        x = functools.reduce(jnp.add, [part * np.asarray(w, x.dtype) for part, w in zip(parts, weights, strict=True)])
    return x


def pool(
    x: ArrayLike,
    window: PerAxisInt,
    *,
    stride: PerAxisInt | None = None,
    reduce: Literal["max", "mean"] = "max",
    padding: Padding = 0,
    padding_mode: PaddingMode = "zeros",
    remainder: Remainder = "error",
    count_padding: bool = False,
) -> jax.Array:
    """The maximum or mean of each window.

    Padding with zeros means "nothing there": such pixels never win a maximum and do not count in a mean. So does the
    part of an incomplete window (``remainder="keep"``) that lies outside.

    Args:
      x: ``[batch, height, width, channels]``, or with another number of spatial axes.
      window: pixels along each axis.
      stride: the window size by default.
      reduce: ``"max"`` or ``"mean"``.
      padding: see `Window`.
      padding_mode: see `Window`.
      remainder: see `output_size`.
      count_padding: whether padded zeros count in a mean. What lies beyond them, in an incomplete window, never does.

    Raises:
      ValueError: for a bad window, one that does not fit, or padding with zeros as wide as the window: in the corner
        lies nothing to pool.

    >>> x = jnp.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]).reshape(1, 4, 4, 1)
    >>> pool(x, 2)[0, :, :, 0]
    Array([[6, 8],
           [3, 4]], dtype=int32)
    """
    if reduce not in ("max", "mean"):
        raise unknown("reduce", reduce, ["max", "mean"])
    x = jnp.asarray(x)
    geometry = Window(window, window if stride is None else stride, padding, 1, padding_mode, remainder)
    require_something_to_pool(geometry)
    axes = geometry.along(x.ndim - 2)
    out_size, overhang = geometry.output_size(x.shape[1:-1]), geometry.overhang(x.shape[1:-1])
    apart = padding_mode != "zeros" or (count_padding and reduce == "mean")
    borders = [0 if apart else axis.padding for axis in axes]
    if apart:
        x = pad(x, geometry.pixels_of_padding, padding_mode)
    if reduce == "max":
        places = enumerate(zip(axes, out_size, borders, strict=True), 1)
        sliding = [Sliding(n, axis.size, axis.stride, count, border) for n, (axis, count, border) in places]
        return maximum_over(x, *reversed(sliding))
    pads = [(0, 0), *((border, border + o) for border, o in zip(borders, overhang, strict=True)), (0, 0)]
    size, strides = (1, *(axis.size for axis in axes), 1), (1, *(axis.stride for axis in axes), 1)
    zero = np.zeros((), x.dtype)
    total = lax.reduce_window(x, zero, lax.add, size, strides, pads)
    count = lax.reduce_window(jnp.ones((1, *x.shape[1:-1], 1), x.dtype), zero, lax.add, size, strides, pads)
    return first_of(total / count, out_size)


def require_something_to_pool(window: Window) -> None:
    """Raises a ValueError when a window could lie in the zero padding altogether."""
    for axis in window.along(window.dimension or 1):
        pixels, most = axis.padding, axis.size - 1
        if window.padding_mode == "zeros" and pixels > most:
            raise invalid("padding of a pooling with zeros", pixels, f"less than its window, {axis.size} pixels", most)


def sigmoid(x: ArrayLike) -> jax.Array:
    """1 / (1 + e^{−x}).

    >>> float(sigmoid(0.0))
    0.5
    """
    return jax.nn.sigmoid(jnp.asarray(x))


def tanh(x: ArrayLike) -> jax.Array:
    """(e^x − e^{−x}) / (e^x + e^{−x}).

    >>> float(tanh(0.0))
    0.0
    """
    return jnp.tanh(x)


def relu(x: ArrayLike) -> jax.Array:
    """max(0, x).

    >>> relu(jnp.array([-1.0, 2.0]))
    Array([0., 2.], dtype=float32)
    """
    return jax.nn.relu(jnp.asarray(x))


def leaky_relu(x: ArrayLike, slope: float = 0.1) -> jax.Array:
    """max(slope · x, x).

    >>> leaky_relu(jnp.array([-1.0, 2.0]))
    Array([-0.1,  2. ], dtype=float32)
    """
    return jax.nn.leaky_relu(jnp.asarray(x), slope)


def elu(x: ArrayLike, alpha: float = 1.0) -> jax.Array:
    """x for x > 0, alpha (e^x − 1) otherwise.

    >>> float(elu(0.0)), float(elu(2.0))
    (0.0, 2.0)
    """
    return jax.nn.elu(jnp.asarray(x), alpha)


def maxout(x: ArrayLike, pieces: int = 2) -> jax.Array:
    """The maximum of each ``pieces`` neighbouring channels: ``[..., c · pieces]`` to ``[..., c]``.

    Raises:
      ValueError: when the pieces do not divide the channels.

    >>> maxout(jnp.array([1.0, 3.0, 2.0, -1.0]))
    Array([3., 2.], dtype=float32)
    """
    x = jnp.asarray(x)
    if x.shape[-1] % pieces:
        raise invalid("pieces of maxout", pieces, f"a divisor of the number of channels, {x.shape[-1]}")
    return largest(x.reshape(*x.shape[:-1], -1, pieces))


def scaled_tanh(x: ArrayLike) -> jax.Array:
    """1.7159 tanh(2x/3), the nonlinearity of LeNet-5: it is ±1 at ±1 (LeCun, Bottou, Bengio & Haffner 1998, app. A).

    >>> round(float(scaled_tanh(1.0)), 3)
    1.0
    """
    return 1.7159 * jnp.tanh(jnp.asarray(x) * (2 / 3))


def relu6(x: ArrayLike) -> jax.Array:
    """min(max(0, x), 6), the nonlinearity of MobileNetV2.

    >>> relu6(jnp.array([-1.0, 2.0, 7.0]))
    Array([0., 2., 6.], dtype=float32)
    """
    return jax.nn.relu6(jnp.asarray(x))


ACTIVATIONS = Registry("activation")
"""Pointwise activations, functions of an array, by name; ``ACTIVATIONS.register("softplus", jax.nn.softplus)``."""
ACTIVATIONS.register("elu", elu)
ACTIVATIONS.register("identity", jnp.asarray)
ACTIVATIONS.register("leaky_relu", leaky_relu)
ACTIVATIONS.register("relu", relu)
ACTIVATIONS.register("relu6", relu6)
ACTIVATIONS.register("scaled_tanh", scaled_tanh)
ACTIVATIONS.register("sigmoid", sigmoid)
ACTIVATIONS.register("tanh", tanh)
