"""Checks of configuration values, with errors that name the dotted key."""

import math
from typing import Any

import numpy as np

from geomdl.errors import invalid


def whole_number(key: str, value: Any, least: int = 1, most: int | None = None) -> None:
    """Raises ValueError unless ``value`` is a whole number from ``least`` to ``most``.

    >>> whole_number("data.size", 0)
    Traceback (most recent call last):
    ValueError: invalid data.size 0; allowed: a whole number, at least 1; try 1
    """
    top = math.inf if most is None else most
    real = isinstance(value, float | int | np.number) and not isinstance(value, bool) and math.isfinite(value)
    if not real or not least <= value <= top or not isinstance(value, int | np.integer):
        bound = f"at least {least}" if most is None else f"{least} to {most}"
        raise invalid(
            key, value, f"a whole number, {bound}", max(least, min(top, round(float(value)))) if real else None
        )


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
