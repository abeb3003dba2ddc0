"""Transformations that map the pixel grid to itself, exactly: circular shifts, quarter turns and flips."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike


def roll(x: ArrayLike, shift: ArrayLike | Sequence[ArrayLike]) -> jax.Array:
    """Shifts circularly: x'[i, j] = x[i − shift_0 mod H, j − shift_1 mod W]. Exact.

    Args:
      x: ``[batch, height, width, ...]`` (images, fields or label maps); or with as many axes as the shift has numbers.
      shift: ``(rows, columns)`` in pixels, down and to the right; or one number for each axis; may be traced.

    Returns:
      An array of the same shape.

    >>> roll(jnp.arange(4).reshape(1, 1, 4), (0, 1))
    Array([[[3, 0, 1, 2]]], dtype=int32)
    """
    along_axes = tuple(shift)  # type: ignore[arg-type]
    return jnp.roll(jnp.asarray(x), along_axes, axis=tuple(range(1, 1 + len(along_axes))))  # type: ignore[arg-type]


def shift_crop(x: ArrayLike, shift: ArrayLike | Sequence[ArrayLike], fill: float = 0) -> jax.Array:
    """Shifts, loses what leaves the frame, and fills what enters it. Exact inside the frame.

    Args:
      x: ``[batch, height, width, ...]``.
      shift: ``(rows, columns)`` in pixels, down and to the right; may be traced.
      fill: the value that enters.

    Returns:
      An array of the same shape.

    >>> shift_crop(jnp.arange(4).reshape(1, 1, 4), (0, 1))
    Array([[[0, 0, 1, 2]]], dtype=int32)
    """
    x = jnp.asarray(x)
    rows, columns = shift  # type: ignore[misc]
    height, width = x.shape[1:3]
    i, j = jnp.arange(height) - rows, jnp.arange(width) - columns
    inside = ((i >= 0) & (i < height))[:, None] & ((j >= 0) & (j < width))
    inside = inside.reshape(1, height, width, *([1] * (x.ndim - 3)))
    return jnp.where(inside, roll(x, (rows, columns)), jnp.asarray(fill, x.dtype))


def turn(x: ArrayLike, reflected: ArrayLike, quarter_turns: ArrayLike) -> jax.Array:
    """Applies R(90° · quarter_turns) F^reflected about the image centre: flips up–down first, then turns. Exact.

    Args:
      x: ``[batch, height, width, ...]``; square for odd quarter turns, and whenever the arguments are traced.
      reflected: 0 or 1; may be traced.
      quarter_turns: counter-clockwise; may be traced.

    Returns:
      An array of the same shape (height and width exchanged by odd quarter turns of a non-square image with concrete
      arguments; NaN where such arguments are traced, as the shape then cannot depend on them).

    Raises:
      ValueError: for non-square integers, which have no NaN, with traced arguments.

    >>> turn(jnp.array([[[0, 1], [2, 3]]]), 0, 1)
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    """
    x = jnp.asarray(x)
    if not isinstance(reflected, Tracer) and not isinstance(quarter_turns, Tracer):
        flipped = jnp.flip(x, 1) if int(np.asarray(reflected)) % 2 else x
        return jnp.rot90(flipped, int(np.asarray(quarter_turns)) % 4, (1, 2))
    height, width = x.shape[1:3]
    if height != width and not jnp.issubdtype(x.dtype, jnp.inexact):
        raise ValueError(f"traced turns of integers need a square image, got {height}x{width}; try {height}x{height}")
    sources = np.arange(height * width).reshape(1, height, width)
    table = np.stack(
        [np.rot90(np.flip(sources, 1) if f else sources, k, (1, 2)).ravel() for f in (0, 1) for k in range(4)]
    )
    source = jnp.asarray(table)[4 * jnp.mod(reflected, 2) + jnp.mod(quarter_turns, 4)]
    flat = x.reshape(x.shape[0], height * width, *x.shape[3:])
    turned = jnp.take(flat, source, axis=1).reshape(x.shape)
    return turned if height == width else jnp.where(jnp.mod(quarter_turns, 2) == 0, turned, jnp.nan)
