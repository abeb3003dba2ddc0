"""Transformations that map the pixel grid to itself, exactly: circular shifts, quarter turns and flips."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.arrays import as_array
from geomdl.errors import invalid


def roll(x: ArrayLike, shift: ArrayLike | Sequence[ArrayLike]) -> jax.Array:
    """Shifts circularly: x'[i, j] = x[i − shift_0 mod H, j − shift_1 mod W]. Exact.

    Args:
      x: ``[batch, height, width, ...]`` (images, fields or label maps); or with as many axes as the shift has numbers.
      shift: ``(rows, columns)`` in pixels, down and to the right; or one number for each axis; may be traced.

    Returns:
      An array of the same shape.

    Raises:
      ValueError: for shifts by fractions of a pixel, unless they are traced, and arrays of fewer axes.

    >>> roll(jnp.arange(4).reshape(1, 1, 4), (0, 1))
    Array([[[3, 0, 1, 2]]], dtype=int32)
    """
    along_axes = _whole_pixels(shift)
    x = jnp.asarray(as_array(x))
    if x.ndim < 1 + len(along_axes):
        raise invalid(
            "shape of what is shifted", x.shape, f"a batch axis and {len(along_axes)} more, one for each shift"
        )
    return jnp.roll(x, along_axes, axis=tuple(range(1, 1 + len(along_axes))))


def shift_crop(x: ArrayLike, shift: ArrayLike | Sequence[ArrayLike], fill: float = 0) -> jax.Array:
    """Shifts, loses what leaves the frame, and fills what enters it. Exact inside the frame.

    Args:
      x: ``[batch, height, width, ...]``; or with as many axes as the shift has numbers.
      shift: ``(rows, columns)`` in pixels, down and to the right; or one number for each axis; may be traced.
      fill: the value that enters. Where the dtype of x has no such number, as −1 in unsigned label maps, the result is
        of int32, or of floating-point numbers.

    Returns:
      An array of the same shape.

    Raises:
      ValueError: as `roll`.

    >>> shift_crop(jnp.arange(4).reshape(1, 1, 4), (0, 1))
    Array([[[0, 0, 1, 2]]], dtype=int32)
    """
    x = holding(jnp.asarray(as_array(x)), fill)
    along_axes = _whole_pixels(shift)
    moved, inside = roll(x, along_axes), jnp.ones((), bool)
    for axis, pixels in enumerate(along_axes, 1):
        place = jnp.arange(x.shape[axis]) - pixels
        here = (place >= 0) & (place < x.shape[axis])
        inside = inside & here.reshape(-1, *[1] * (x.ndim - 1 - axis))
    return jnp.where(inside, moved, jnp.asarray(fill, x.dtype))


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
      ValueError: for non-square integers, which have no NaN, with traced arguments; fractions of a quarter turn.

    >>> turn(jnp.array([[[0, 1], [2, 3]]]), 0, 1)
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    """
    x = jnp.asarray(as_array(x))
    if x.ndim < 3:
        raise invalid("shape of what is turned", x.shape, "[batch, height, width, ...]")
    if not isinstance(reflected, Tracer) and not isinstance(quarter_turns, Tracer):
        mirrored, turns = _whole(reflected, "reflected"), _whole(quarter_turns, "quarter_turns")
        return jnp.rot90(jnp.flip(x, 1) if mirrored % 2 else x, turns % 4, (1, 2))
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


def holding(x: jax.Array, fill: float) -> jax.Array:
    """The array in a dtype that has the number ``fill``: its own if it does, else int32 or floating-point numbers.

    >>> holding(jnp.zeros(2, jnp.uint8), -1).dtype, holding(jnp.zeros(2, jnp.uint8), 0).dtype
    (dtype('int32'), dtype('uint8'))
    """
    if jnp.issubdtype(x.dtype, jnp.inexact) or isinstance(fill, Tracer):
        return x
    if not np.isfinite(fill) or fill != int(fill):
        return x.astype(jnp.result_type(float))
    if x.dtype == bool:
        return x if fill in (0, 1) else x.astype(jnp.int32)
    limits = jnp.iinfo(x.dtype)
    return x if limits.min <= fill <= limits.max else x.astype(jnp.int32)


def _whole_pixels(shift: ArrayLike | Sequence[ArrayLike]) -> tuple[Any, ...]:
    """A shift as numbers of pixels, one for each axis."""
    return tuple(_whole(s, "shift", "whole numbers of pixels") for s in shift)  # type: ignore[union-attr]


def _whole(value: ArrayLike, what: str, allowed: str = "a whole number") -> Any:
    """A whole number; one that is traced, or a whole number on a device, as int32 or wider, without looking at it."""
    if isinstance(value, Tracer) or (isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.integer)):
        if jnp.issubdtype(value.dtype, jnp.floating):
            value = jnp.round(value)
        return value.astype(jnp.int32) if value.dtype != jnp.int64 else value
    try:
        number = float(value)  # type: ignore[arg-type]
        whole = number == int(number)
    except (TypeError, ValueError, OverflowError):
        number, whole = 0.0, False
    if not whole:
        raise invalid(what, value, allowed)
    return int(number)
