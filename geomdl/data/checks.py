"""Checks of configuration values, with errors that name the dotted key."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid

__all__ = ["number", "require_image_dtype"]


def require_image_dtype(dtype: Any, inside: str = "") -> None:
    """Raises ValueError unless numbers of a dtype can be images: floating point, bool, uint8 and uint16.

    >>> require_image_dtype(np.dtype(np.int32), " in the test split of cells")
    Traceback (most recent call last):
    ValueError: invalid dtype of images in the test split of cells 'int32'; allowed: uint8 or uint16, which stand for
    value / largest value, or floating point; from 0 to 255 they are images.astype('uint8')
    """
    if dtype in (bool, np.uint8, np.uint16) or (jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits >= 16):
        return
    advice = "floating point; from 0 to 255 they are images.astype('uint8')"
    if not jnp.issubdtype(dtype, jnp.integer):
        advice = "floating point"
        if jnp.issubdtype(dtype, jnp.complexfloating):
            advice += "; real and imaginary part are two channels: np.concatenate([x.real, x.imag], -1)"
    allowed = f"uint8 or uint16, which stand for value / largest value, or {advice}"
    raise invalid(f"dtype of images{inside}", str(dtype), allowed)


def number(key: str, value: Any, least: float = 0.0, below: float = math.inf) -> None:
    """Raises ValueError unless ``value`` is a number in [least, below).

    >>> number("data.noise", -0.1)
    Traceback (most recent call last):
    ValueError: invalid data.noise -0.1; allowed: a number, at least 0
    """
    real = isinstance(value, float | int | np.number) and not isinstance(value, bool)
    if not real or not least <= value < below:
        bound = f"at least {least:g}" if below == math.inf else f"in [{least:g}, {below:g})"
        raise invalid(key, value, f"a number, {bound}")
