"""Convolutions inside a loop on CPUs, with gradients that XLA computes quickly there.

XLA for CPUs brings convolutions whose axes are in another order than [batch, height, width, channels] into that order,
but not inside the body of a loop; there it takes a path that is ten times slower. Both gradients of a convolution are
such. Here they are written in that order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
import jax.numpy as jnp
from jax import lax

_INSIDE: ContextVar[bool] = ContextVar("geomdl_looped", default=False)
_ORDER = ("NHWC", "HWIO", "NHWC")


@contextmanager
def looped(on: bool = True) -> Iterator[None]:
    """Says that what is traced within is the body of a loop."""
    token = _INSIDE.set(on)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def is_looped() -> bool:
    """Whether convolutions are traced for the body of a loop on a CPU."""
    return _INSIDE.get() and jax.default_backend() == "cpu"


def looped_correlation(x: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
    """Cross-correlation with stride 1, for derivatives of reverse mode only (`jax.grad`, `jax.vjp`).

    Args:
      x: ``[batch, height, width, in_channels]``.
      kernel: ``[rows, columns, in_channels, out_channels]``.
      padding: zeros on each side of each axis.

    >>> x, kernel = jnp.ones((1, 3, 3, 1)), jnp.ones((3, 3, 1, 1))
    >>> jax.grad(lambda kernel: looped_correlation(x, kernel, (1, 1)).sum())(kernel)[:, :, 0, 0]
    Array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]], dtype=float32)
    """
    missing = tuple(_axes(x) - _axes(kernel))
    if missing:  # the gradient of a kernel that all devices share is a sum over them
        kernel = lax.pcast(kernel, missing, to="varying")
    return _correlation(x, kernel, padding)


def _plain(x: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
    pads = [(p, p) for p in padding]
    return lax.conv_general_dilated(x, kernel, (1, 1), pads, dimension_numbers=_ORDER)


def _forward(
    x: jax.Array, kernel: jax.Array, padding: tuple[int, int]
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _plain(x, kernel, padding), (x, kernel)


def _backward(padding: tuple[int, int], kept: tuple[jax.Array, jax.Array], g: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = kept
    rows, columns = kernel.shape[:2]
    turned = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
    of_x = _plain(g, turned, (rows - 1 - padding[0], columns - 1 - padding[1]))
    images = x.transpose(3, 1, 2, 0)  # [in_channels, height, width, batch]
    windows = g.transpose(1, 2, 0, 3)  # [height, width, batch, out_channels]
    of_kernel = _plain(images, windows, padding)  # [in_channels, rows, columns, out_channels]
    return of_x, of_kernel.transpose(1, 2, 0, 3)


_correlation = jax.custom_vjp(_plain, nondiff_argnums=(2,))
_correlation.defvjp(_forward, _backward)


def _axes(x: jax.Array) -> frozenset[str]:
    """The axes of a mesh over which an array varies, inside `jax.shard_map`."""
    return getattr(jax.typeof(x), "vma", frozenset())
