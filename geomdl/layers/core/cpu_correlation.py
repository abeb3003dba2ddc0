"""Correlations of images on CPUs, with gradients that XLA computes quickly there.

XLA for CPUs is slow at two things that training needs.

* The gradient of the kernel sums over all pixels of all images. Where they are many, XLA takes three to eight times as
  long for both gradients as for the correlation, though they are twice its work; in parts that fit into the cache, half
  to four fifths of that (``python -m experiments.benchmarks.kernel_gradient``).
* Arrays whose axes are in another order than [batch, height, width, channels] are brought into that order, but not
  inside the body of a loop, where XLA takes a path that is ten times slower. Both gradients of a convolution have such.

Here the derivatives are written so that XLA, when JAX transposes them for reverse mode, meets arrays in that order, and
the gradient of the kernel is summed part by part.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

_INSIDE: ContextVar[bool] = ContextVar("geomdl_looped", default=False)

_PIXELS = 8192
"""From how many pixels of the output, of all images together, the gradient of the kernel is summed in parts."""
_LARGE, _PART = 2**21, 2**20
"""From how many bytes of the output it is, and the bytes of a part: about half of what a core has as cache."""
_IMAGES, _ROWS = 4, 4
"""The fewest images of a part, which are the channels of the correlation that is the gradient, and their rows."""
_CHANNELS = 8
"""From how many channels of the input."""


@contextmanager
def looped(on: bool = True) -> Iterator[None]:
    """Says that what is traced within is the body of a loop."""
    token = _INSIDE.set(on)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def correlation(x: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
    """Cross-correlation with stride 1, with derivatives of forward and of reverse mode.

    Args:
      x: ``[batch, height, width, in_channels]``.
      kernel: ``[rows, columns, in_channels, out_channels]``.
      padding: zeros on each side of each axis.

    >>> x, kernel = jnp.ones((1, 3, 3, 1)), jnp.ones((3, 3, 1, 1))
    >>> jax.grad(lambda kernel: correlation(x, kernel, (1, 1)).sum())(kernel)[:, :, 0, 0]
    Array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]], dtype=float32)
    """
    if jax.default_backend() != "cpu" or not (_INSIDE.get() or parts(x, kernel, padding) != (1, 1)):
        return _plain(x, kernel, padding)
    return _correlation(x, kernel, padding)


def parts(
    x: jax.ShapeDtypeStruct | jax.Array, kernel: jax.ShapeDtypeStruct | jax.Array, padding: tuple[int, int]
) -> tuple[int, int]:
    """In how many parts the gradient of the kernel is summed: of the batch, and bands of rows of each image.

    Args:
      x: ``[batch, height, width, in_channels]``, or its shape and dtype.
      kernel: ``[rows, columns, in_channels, out_channels]``.
      padding: zeros on each side of each axis.

    >>> a = lambda *shape: jax.ShapeDtypeStruct(shape, "float32")
    >>> parts(a(64, 16, 16, 64), a(3, 3, 64, 64), (1, 1))
    (4, 1)
    >>> parts(a(8, 128, 128, 32), a(3, 3, 32, 32), (1, 1))
    (2, 8)
    >>> parts(a(32, 8, 8, 64), a(3, 3, 64, 64), (1, 1))
    (1, 1)
    """
    batch, *size, channels = x.shape
    rows, columns = (n + 2 * p - k + 1 for n, p, k in zip(size, padding, kernel.shape, strict=False))
    if not all(isinstance(n, int) for n in (batch, rows, columns)):  # unknown, for export
        return 1, 1
    pixels = batch * rows * columns
    nbytes = pixels * kernel.shape[-1] * x.dtype.itemsize
    if pixels < _PIXELS or nbytes < _LARGE or channels < _CHANNELS:
        return 1, 1
    of_batch = _divisor(batch, nbytes / _PART, _IMAGES)
    return of_batch, _divisor(rows, nbytes / of_batch / _PART, _ROWS)


def _divisor(whole: int, wanted: float, fewest: int) -> int:
    """The smallest divisor that is at least what is wanted, among those that leave so many in a part."""
    allowed = [n for n in range(1, whole + 1) if whole % n == 0 and (n == 1 or whole // n >= fewest)]
    return next((n for n in allowed if n >= wanted), allowed[-1])


def _plain(x: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
    pads = [(p, p) for p in padding]
    return lax.conv_general_dilated(x, kernel, (1, 1), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


_correlation = jax.custom_jvp(_plain, nondiff_argnums=(2,))


@functools.partial(_correlation.defjvp, symbolic_zeros=True)
def _derivative(
    padding: tuple[int, int], at: tuple[jax.Array, jax.Array], along: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """The correlation and its derivative, which is linear in what moves x and in what moves the kernel."""
    (x, kernel), (dx, dkernel) = at, along
    y = _correlation(x, kernel, padding)
    moved = jnp.zeros_like(y)
    if not isinstance(dx, SymbolicZero):
        moved = moved + _linear_in_images(dx, kernel, padding)
    if not isinstance(dkernel, SymbolicZero):
        moved = moved + _linear_in_kernel(x, dkernel, padding)
    return y, moved


def _linear_in_images(x: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
    """The correlation, written so that its transpose is one of arrays in the usual order."""
    turned = kernel.swapaxes(2, 3)  # [rows, columns, out_channels, in_channels]
    pads = [(p, p) for p in padding]
    return lax.conv_general_dilated(x, turned, (1, 1), pads, dimension_numbers=("NHWC", "HWOI", "NHWC"))


def _linear_in_kernel(x: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
    """The correlation part by part, written so that the transpose of each is one of arrays in the usual order."""
    missing = tuple(_axes(x) - _axes(kernel))
    if missing:  # the gradient of a kernel that all devices share is a sum over them, taken once
        kernel = lax.pcast(kernel, missing, to="varying")
    of_batch, bands = parts(x, kernel, padding)
    turned = kernel.transpose(2, 0, 1, 3)  # [in_channels, rows, columns, out_channels]
    pads = [(p, p) for p in padding]
    if bands > 1:
        pads[0] = (0, 0)
        x = jnp.pad(x, ((0, 0), (padding[0], padding[0]), (0, 0), (0, 0)))
    reach = kernel.shape[0] - 1  # rows of the neighbouring band that the kernel sees
    height = (x.shape[1] + 2 * pads[0][0] - reach) // bands
    seen = x.shape[1] if bands == 1 else height + reach
    pieces = jnp.stack([x[:, height * band : height * band + seen] for band in range(bands)])
    # Every part has images from all over the batch: one that is divided over devices stays where it is.
    pieces = pieces.reshape(bands, -1, of_batch, *pieces.shape[2:])
    pieces = pieces.transpose(0, 2, 5, 3, 4, 1)  # [band, part, in_channels, rows, columns, image]
    pieces = pieces.reshape(-1, *pieces.shape[2:])

    def of_part(images: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(images, turned, (1, 1), pads, dimension_numbers=("CHWN", "IHWO", "HWNC"))

    found = lax.map(of_part, pieces) if len(pieces) > 1 else of_part(pieces[0])[None]
    found = found.reshape(bands, of_batch, *found.shape[1:])  # [band, part, rows, columns, image, out_channels]
    return found.transpose(4, 1, 0, 2, 3, 5).reshape(x.shape[0], -1, found.shape[3], found.shape[5])


def _axes(x: jax.Array) -> frozenset[str]:
    """The axes of a mesh over which an array varies, inside `jax.shard_map`."""
    return getattr(jax.typeof(x), "vma", frozenset())
