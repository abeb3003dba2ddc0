"""Rotated and shifted test sets."""

from typing import Literal, get_args

import jax
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.grid import roll, shift_crop
from geomdl.actions.warp import rotate
from geomdl.data.loading.batches import unit_interval
from geomdl.errors import invalid, unknown

ShiftMode = Literal["circular", "crop"]


_resampled = jax.jit(rotate)  # the angle is traced: one program for all


def rotated(images: ArrayLike, degrees: float) -> jax.Array:
    """Images turned counter-clockwise about their centre.

    Exact at multiples of 90°, where pixels are only moved; resampled by cubic B-splines elsewhere, with zeros outside.

    Args:
      images: ``[batch, height, width, channels]``, in [0, 1], or uint8 or uint16.
      degrees: one angle for all.

    Returns:
      floating-point images, of the same shape (height and width exchanged by odd quarter turns).

    >>> rotated([[[[0.0], [1.0]], [[2.0], [3.0]]]], 90)[0, :, :, 0].tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """
    images, known = unit_interval(images), isinstance(degrees, int | float | np.number)
    if known and not np.isfinite(degrees):
        raise invalid("degrees", degrees, "a finite angle", 90.0)
    exact = known and float(degrees) % 90 == 0
    return rotate(images, degrees) if exact else _resampled(images, degrees)


def shifted(images: ArrayLike, shift: tuple[int, int], mode: ShiftMode = "circular") -> jax.Array:
    """Images shifted by whole pixels, exactly.

    Args:
      images: ``[batch, height, width, channels]``, in [0, 1], or uint8 or uint16.
      shift: (rows, columns), downward and to the right.
      mode: "circular", what leaves on one side enters on the other; or "crop", zeros enter.

    Returns:
      floating-point images of the same shape.

    Raises:
      ValueError: unknown mode, or fractions of pixels.

    >>> shifted([[[[1.0], [2.0], [3.0]]]], (0, 1))[0, 0, :, 0].tolist()
    [3.0, 1.0, 2.0]
    """
    if mode not in get_args(ShiftMode):
        raise unknown("shift mode", mode, get_args(ShiftMode))
    pixels = np.asarray(shift)
    if pixels.shape != (2,) or not np.issubdtype(pixels.dtype, np.integer):
        raise invalid("shift", shift, "(rows, columns), two whole numbers of pixels", (0, 1))
    return (roll if mode == "circular" else shift_crop)(unit_interval(images), pixels)
