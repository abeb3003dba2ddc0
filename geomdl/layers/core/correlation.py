"""Correlation and convolution, in the forms that XLA computes quickly."""

import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from geomdl.errors import invalid, unknown
from geomdl.groups import along
from geomdl.layers.core.cpu_correlation import correlation
from geomdl.layers.core.field_channels import wide
from geomdl.layers.core.window import Padding, PaddingMode, PerAxisInt, Remainder, Window

PAD_MODES: dict[PaddingMode, Literal["constant", "wrap", "reflect", "edge"]] = {
    "zeros": "constant",
    "circular": "wrap",
    "reflect": "reflect",
    "replicate": "edge",
}
"""The modes of padding by NumPy's names."""


def pad(x: ArrayLike, pixels: PerAxisInt, mode: PaddingMode = "zeros") -> jax.Array:
    """Adds pixels on each side of the spatial axes of ``[batch, height, width, channels]``.

    Args:
      x: the images, or fields on a base space of another dimension, ``[batch, ..., channels]``.
      pixels: how many, on each side; one number for all axes, or one for each.
      mode: ``"zeros"``, ``"circular"`` (periodic), ``"reflect"`` (mirrored about the edge pixels) or ``"replicate"``.

    Raises:
      ValueError: for an unknown mode, or a reflection deeper than the image.

    >>> pad(jnp.array([1, 2, 3]).reshape(1, 1, 3, 1), 0).shape
    (1, 1, 3, 1)
    >>> pad(jnp.arange(9).reshape(1, 3, 3, 1), 1, "circular")[0, 1, :, 0]
    Array([2, 0, 1, 2, 0], dtype=int32)
    """
    if mode not in PAD_MODES:
        raise unknown("padding_mode", mode, list(PAD_MODES))
    x = jnp.asarray(x)
    if pixels == 0:
        return x
    size = x.shape[1:-1]
    margins = along(pixels, len(size))
    if mode == "reflect" and any(p > n - 1 for p, n in zip(margins, size, strict=True)):
        limit = min(size) - 1
        raise invalid("padding", pixels, f"at most {limit} pixels can be reflected in an image of {size}", limit)
    return jnp.pad(x, ((0, 0), *((p, p) for p in margins), (0, 0)), mode=PAD_MODES[mode])


def pad_axis(x: jax.Array, axis: int, before: int, after: int, mode: PaddingMode) -> jax.Array:
    """Adds pixels before and after those of one axis."""
    if not (before or after):
        return x
    return jnp.pad(x, [(before, after) if a == axis else (0, 0) for a in range(x.ndim)], mode=PAD_MODES[mode])


def correlate(
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: PerAxisInt = 1,
    padding: Padding = 0,
    padding_mode: PaddingMode = "zeros",
    dilation: PerAxisInt = 1,
    remainder: Remainder = "error",
    groups: int = 1,
) -> jax.Array:
    """Cross-correlation, which networks call convolution: O[i, j] = Σ_{s,t} x[i + s, j + t] k[s, t].

    The kernel says over how many axes: one for signals, two for images, three for volumes.

    Args:
      x: ``[batch, height, width, in_channels]``, or with another number of spatial axes.
      kernel: ``[rows, columns, in_channels / groups, out_channels]``, with as many taps along each axis as it has.
      stride: see `Window`.
      padding: see `Window`.
      padding_mode: see `Window`.
      dilation: see `Window`.
      remainder: see `output_size`.
      groups: channel groups that are kept apart (``in_channels`` for a depthwise convolution).

    Returns:
      ``[batch, height', width', out_channels]`` with sizes by `output_size`.

    Raises:
      ValueError: when the shapes do not match or the window does not fit.

    >>> correlate(jnp.ones((1, 5, 5, 1)), jnp.ones((3, 3, 1, 1)))[0, :, :, 0]
    Array([[9., 9., 9.],
           [9., 9., 9.],
           [9., 9., 9.]], dtype=float32)
    """
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    size, dimension = x.shape[1:-1], kernel.ndim - 2
    if not 1 <= dimension <= len(AXES):
        raise ValueError(
            f"a kernel is [size, size, in_channels, out_channels], or has taps along 1 to {len(AXES)} axes, got shape"
            f" {kernel.shape}"
        )
    if x.ndim != kernel.ndim or x.shape[-1] != kernel.shape[-2] * groups:
        raise ValueError(
            f"images of shape {x.shape} do not match a kernel of shape {kernel.shape} with {groups} groups"
        )
    window = Window(kernel.shape[:-2], stride, padding, dilation, padding_mode, remainder)
    out_size, axes = window.output_size(size), window.along(dimension)
    if jax.default_backend() == "cpu" and kernel.size:
        same = x.dtype == kernel.dtype  # XLA refuses others
        if groups > 1 and same and _is_large(x.shape[0], out_size, kernel):
            return _group_by_group(x, kernel, window, groups)
        if dimension == 3:
            return _slice_by_slice(x, kernel, window, groups)
    grows = window.stride == 1 and out_size[0] > size[0]  # XLA's gradient of the kernel takes a slow path then on CPUs
    apart = padding_mode != "zeros" or grows or window.pixels_of_padding == 0  # padded apart, the gradient is larger
    borders = [0 if apart else axis.padding for axis in axes]
    simple = dimension == 2 and groups == 1 and all(axis.stride == axis.dilation == 1 for axis in axes)
    x = pad(x, window.pixels_of_padding, padding_mode) if apart else x
    if simple:
        return correlation(x, kernel, (borders[0], borders[1]))
    spatial = AXES[-dimension:]
    y = lax.conv_general_dilated(
        x,
        kernel,
        tuple(axis.stride for axis in axes),
        [(border, border + overhang) for border, overhang in zip(borders, window.overhang(size), strict=True)],
        rhs_dilation=tuple(axis.dilation for axis in axes),
        dimension_numbers=(f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
        feature_group_count=groups,
    )
    return first_of(y, out_size)


_LARGE, _TOGETHER = 2**18, 32
"""Products of numbers from which groups of channels are taken apart on CPUs, and channels that are taken together."""


def _is_large(batch: int, out_size: tuple[int, ...], kernel: jax.Array) -> bool:
    """Whether groups are taken apart; not where a size is unknown, for export."""
    known = all(isinstance(n, int) for n in (batch, *out_size))
    return known and batch * math.prod(out_size) * kernel.size >= _LARGE


def _group_by_group(x: jax.Array, kernel: jax.Array, window: Window, groups: int) -> jax.Array:
    """The correlation of groups of channels that are kept apart.

    XLA for CPUs takes 1 to 8 times as long, and up to 160 times for the gradient of the kernel, which is very slow
    (``python -m experiments.benchmarks.grouped``). A depthwise correlation is a sum over the taps of shifted images. Of
    other ones, groups that have `_TOGETHER` channels are correlated together, with zeros between them; so what is not
    finite in one of them spreads to the others.
    """
    if kernel.shape[-2] == 1 and kernel.shape[-1] == groups:
        return _tap_by_tap(x, kernel, window)
    blocks = max(n for n in range(1, groups + 1) if groups % n == 0 and (n == 1 or x.shape[-1] >= n * _TOGETHER))
    each = groups // blocks
    *taps, channels, _ = kernel.shape
    apart = kernel.reshape(*taps, channels, blocks, each, -1)  # [..., in, block, group, out]
    between = jnp.eye(each, dtype=kernel.dtype)
    axes = window.along(len(taps))
    parts = [
        correlate(
            x[..., block * each * channels : (block + 1) * each * channels],
            jnp.einsum("...igo,hg->...higo", apart[..., block, :, :], between).reshape(*taps, each * channels, -1),
            stride=tuple(axis.stride for axis in axes),
            padding=tuple(axis.padding for axis in axes),
            padding_mode=window.padding_mode,
            dilation=tuple(axis.dilation for axis in axes),
            remainder=window.remainder,
        )
        for block in range(blocks)
    ]
    return jnp.concatenate(parts, -1)


def _tap_by_tap(x: jax.Array, kernel: jax.Array, window: Window) -> jax.Array:
    """The correlation of every channel with a kernel of its own, the sum over the taps of the shifted images."""
    size, axes = x.shape[1:-1], window.along(kernel.ndim - 2)
    out_size = window.output_size(size)
    dtype = wide(x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x.dtype
    padded = pad(x, window.pixels_of_padding, window.padding_mode)
    padded = jnp.pad(padded, ((0, 0), *((0, more) for more in window.overhang(size)), (0, 0))).astype(dtype)
    total = jnp.zeros((x.shape[0], *out_size, x.shape[-1]), dtype)
    for tap in np.ndindex(*kernel.shape[:-2]):
        starts = [axis.dilation * t for axis, t in zip(axes, tap, strict=True)]
        seen = [
            slice(start, start + axis.stride * (n - 1) + 1, axis.stride)
            for start, axis, n in zip(starts, axes, out_size, strict=True)
        ]
        total = total + padded[:, *seen] * kernel[*tap, 0].astype(dtype)
    return total.astype(x.dtype)


_FEW = 64
"""Channels up to which the slices that a window sees are one image of many channels."""


def _slice_by_slice(x: jax.Array, kernel: jax.Array, window: Window, groups: int) -> jax.Array:
    """The correlation of volumes by those of their slices, the sum over the taps along the depth.

    XLA for CPUs has a convolution of images that is three to ten times faster than its convolution of volumes.
    """
    first, size = window.along(3)[0], x.shape[1:-1]
    depth, height, width = window.output_size(size)
    padded = pad_axis(x, 1, first.padding, first.padding, window.padding_mode)
    padded = pad_axis(padded, 1, 0, first.overhang(size[0]), "zeros")
    last, images = (depth - 1) * first.stride + 1, (x.shape[0] * depth, *x.shape[2:])
    starts = [tap * first.dilation for tap in range(first.size)]
    slices = [padded[:, start : start + last : first.stride].reshape(images) for start in starts]
    kernels = list(kernel)
    few = len(slices) * x.shape[-1] <= _FEW or x.dtype.itemsize < 4  # half precisions are added up inside
    if groups == 1 and few:
        slices, kernels = [jnp.concatenate(slices, -1)], [jnp.concatenate(kernels, -2)]
    _, *axes = window.along(3)
    numbers = {name: tuple(getattr(axis, name) for axis in axes) for name in ("stride", "padding", "dilation")}
    total: jax.Array | None = None
    for image, taps in zip(slices, kernels, strict=True):
        y = correlate(
            image, taps, padding_mode=window.padding_mode, remainder=window.remainder, groups=groups, **numbers
        )
        total = y if total is None else total + y
    return jnp.asarray(total).reshape(x.shape[0], depth, height, width, kernel.shape[-1])


AXES = "DHW"
"""XLA's letters for the spatial axes; the last ones where there are fewer."""


def first_of(y: jax.Array, size: tuple[int, ...]) -> jax.Array:
    """The first points along each spatial axis of ``[batch, ..., channels]``."""
    return y[(slice(None), *(slice(n) for n in size))]


def convolve(x: ArrayLike, kernel: ArrayLike, **options: object) -> jax.Array:
    """Convolution in the mathematical sense: `correlate` with the kernel flipped along every axis.

    Args:
      x: see `correlate`.
      kernel: see `correlate`.
      **options: the other arguments of `correlate`.

    >>> x = jnp.zeros((1, 3, 3, 1)).at[0, 1, 1, 0].set(1.0)  # an impulse
    >>> k = jnp.arange(9.0).reshape(3, 3, 1, 1)
    >>> convolve(x, k, padding=1)[0, :, :, 0]
    Array([[0., 1., 2.],
           [3., 4., 5.],
           [6., 7., 8.]], dtype=float32)
    """
    kernel = jnp.asarray(kernel)
    return correlate(x, jnp.flip(kernel, range(kernel.ndim - 2)), **options)  # type: ignore[arg-type]
