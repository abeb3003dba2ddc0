"""Checks of configuration values, with errors that name the dotted key."""

import numbers

from geomdl.errors import invalid


def whole_number(key: str, value: object, least: int = 1, most: int | None = None) -> None:
    """Raises ValueError unless ``value`` is a whole number from ``least`` to ``most``.

    >>> whole_number("data.size", 0)
    Traceback (most recent call last):
    ValueError: invalid data.size 0; allowed: a whole number, at least 1; try 1
    """
    within = isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least
    if not within or (most is not None and value > most):  # pyright: ignore[reportOperatorIssue]
        bound = f"at least {least}" if most is None else f"{least} to {most}"
        nearest = None
        if isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value:
            nearest = max(least, round(value) if most is None else min(most, round(value)))
        raise invalid(key, value, f"a whole number, {bound}", nearest)


def number(key: str, value: object, least: float = 0.0, below: float | None = None) -> None:
    """Raises ValueError unless ``value`` is a finite number, at least ``least`` and, where given, less than ``below``.

    >>> number("data.noise", -0.1)
    Traceback (most recent call last):
    ValueError: invalid data.noise -0.1; allowed: a number, at least 0
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not least <= float(value) < (float("inf") if below is None else below):
        bound = f"at least {least:g}" if below is None else f"in [{least:g}, {below:g})"
        raise invalid(key, value, f"a number, {bound}")
