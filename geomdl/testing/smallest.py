"""Finds the smallest image size at which a check fails."""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from geomdl.errors import invalid

Size = tuple[int, ...]
Sizes = Any
"""One size (n or (height, width), or as many numbers as inputs have axes), several (a list or range of them), or a
hypothesis strategy of them."""


def sizes_to_try(sizes: Sizes, dimension: int = 2) -> list[Size] | None:
    """The sizes, smallest first; None for a strategy.

    Args:
      sizes: to try.
      dimension: how many axes inputs have, for one number.

    Raises:
      ValueError: for something that is no size.

    >>> sizes_to_try(8), sizes_to_try((6, 8)), sizes_to_try(range(9, 4, -2)), sizes_to_try([(4, 6), 5])
    ([(8, 8)], [(6, 8)], [(5, 5), (7, 7), (9, 9)], [(4, 6), (5, 5)])
    """
    if isinstance(sizes, int | np.integer):
        return [_size(sizes, dimension)]
    if isinstance(sizes, tuple):
        return [_size(sizes, dimension)]
    if isinstance(sizes, Iterable):
        found = sorted({_size(size, dimension) for size in sizes}, key=lambda s: (math.prod(s), s))
        if found:
            return found
    elif hasattr(sizes, "example"):  # a strategy, without importing hypothesis
        return None
    raise invalid("size", sizes, "n, (height, width), a list or range of them, or a strategy such as sizes()", 8)


def smallest_failing(
    sizes: Sizes, fails: Callable[[Size], bool], *, max_examples: int = 12, dimension: int = 2
) -> Size | None:
    """The smallest size that fails, or None when all that were tried pass.

    A list is tried in order of size, up to the first that fails. A strategy is tried with examples that are the same in
    every run, and the first that fails is shrunk.

    >>> smallest_failing(range(3, 20), lambda size: size[0] % 2 == 0 and size[0] > 5)
    (6, 6)
    """
    listed = sizes_to_try(sizes, dimension)
    if listed is not None:
        return next((size for size in listed if fails(size)), None)
    import random

    import hypothesis
    from hypothesis.errors import NoSuchExample

    checks: Any = list(hypothesis.HealthCheck)
    settings = hypothesis.settings(
        max_examples=max_examples, database=None, deadline=None, suppress_health_check=checks
    )
    known: dict[Size, bool] = {}

    def found(given: Any) -> bool:
        size = _size(given, dimension)
        if size not in known:
            known[size] = fails(size)
        return known[size]

    with _quiet(), contextlib.suppress(NoSuchExample):
        return _size(hypothesis.find(sizes, found, settings=settings, random=random.Random(0)), dimension)
    return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Within another test of hypothesis its warnings about nesting are of no use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _size(size: Any, dimension: int) -> Size:
    given = (
        (size,) * dimension if isinstance(size, int | np.integer) else size if isinstance(size, tuple | list) else ()
    )
    if not given or not all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0 for n in given):
        raise invalid("size", size, "n or (height, width), positive whole numbers of pixels", 8)
    return tuple(map(int, given))
