"""What the studies need to judge their own tables: claims, each with what was found in case it does not hold."""

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from geomdl.plots import Row

Claim = tuple[bool, str]
"""Whether it holds, and the sentence that says what was found if it does not."""


def unmet(claims: Iterable[Claim]) -> list[str]:
    """What was found where a claim does not hold, each once.

    >>> unmet([(1 < 2, "1 is not below 2"), (2 < 1, "2 is not below 1")])
    ['2 is not below 1']
    """
    return list(dict.fromkeys(found for holds, found in claims if not holds))


def named(row: Row, *keys: str) -> str:
    """Which row it is: its first columns as they are, numbers with the name of their column.

    >>> named({"model": "C4", "seed": 0, "angle": 22.5}, "model", "seed", "angle")
    'C4, seed 0, angle 22.5'
    """
    return ", ".join(f"{key} {row[key]:g}" if isinstance(row[key], int | float) else str(row[key]) for key in keys)


def numbers(rows: Iterable[Row], keys: Sequence[str], *columns: str) -> Iterator[Claim]:
    """Every value of some columns is a finite number: comparisons and maxima can hide what is none.

    Args:
      rows: of a table.
      keys: columns that tell the rows from each other.
      columns: that are looked at.

    >>> unmet(numbers([{"model": "C4", "error": float("nan")}, {"model": "C8", "error": 0.5}], ["model"], "error"))
    ['error of C4 is nan']
    """
    for row in rows:
        for column in columns:
            value = row[column]
            finite = isinstance(value, int | float) and math.isfinite(value)
            yield finite, f"{column} of {named(row, *keys)} is {value if value != '' else 'missing'}"


def alike(rows: Sequence[Row], column: str, factor: float) -> Iterator[Claim]:
    """The largest value of a column is less than some times the smallest.

    >>> unmet(alike([{"parameters": 8000}, {"parameters": 9000}], "parameters", 1.1))
    ['parameters go from 8,000 to 9,000, more than by a factor of 1.1']
    """
    values = [float(row[column]) for row in rows]
    found = f"{column} go from {min(values):,.0f} to {max(values):,.0f}, more than by a factor of {factor:g}"
    yield max(values) < factor * min(values), found


def means(rows: Iterable[Row], column: str, *keys: str) -> dict[tuple, float]:
    """The mean of a column over the rows that have the same in other columns, by what they have.

    >>> means([{"model": "C4", "error": 1.0}, {"model": "C4", "error": 2.0}], "error", "model")
    {('C4',): 1.5}
    """
    found: dict[tuple, list[float]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(float(row[column]))
    return {key: fmean(values) for key, values in found.items()}
