"""What this machine's memory holds: sizes that are beyond it are refused before anything is allocated."""

import contextlib
import functools
import math
import os
from collections.abc import Sequence
from pathlib import Path

from geomdl.errors import invalid

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@functools.cache
def memory() -> float:
    """Returns the bytes that this process may use at most: the machine's or its container's; inf if unknown."""
    found = [math.inf]
    with contextlib.suppress(AttributeError, ValueError, OSError):  # no POSIX
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for limit in _LIMITS:
        try:
            found.append(int(Path(limit).read_text(encoding="utf-8")))
        except (OSError, ValueError):  # there is no such limit
            continue
    return min(found)


def require_memory(what: str, value: object, shape: Sequence[int], itemsize: int = 4) -> None:
    """Raises ValueError unless an array fits into this machine's memory.

    Args:
      what: the option, or the key of a config, that makes it so large.
      value: of the option.
      shape: of the array.
      itemsize: bytes of a number.

    >>> require_memory("data.size", 10**6, (1797, 10**6, 10**6))
    Traceback (most recent call last):
    ...
    ValueError: invalid data.size 1000000; allowed: what fits into the memory of this machine, ... GiB, but
    1797×1000000×1000000 numbers take 6.69e+06 GiB
    """
    needed = itemsize * math.prod(int(n) for n in shape)
    if needed > memory():
        sizes = "×".join(f"{n:.3g}" if n > 10**12 else str(n) for n in shape)
        raise invalid(
            what,
            value,
            f"what fits into the memory of this machine, {memory() / 2**30:.3g} GiB, but {sizes} numbers take "
            f"{needed / 2**30:.3g} GiB",
        )
