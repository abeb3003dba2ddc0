"""Checks of configuration values, with errors that name the dotted key."""

import math
from typing import Any

import numpy as np

from geomdl.errors import invalid
from geomdl.numbers import whole_number

__all__ = ["number", "whole_number"]


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
