"""A window that moves on a larger scene: which moves a contract speaks of, and where both outputs see the same."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.groups import along


def crop_shifts(contract: Contract, size: Size) -> np.ndarray:
    """By how many pixels the window on a larger scene is moved: along each axis and all. Empty where no field of view
    lies inside both windows.

    >>> from geomdl.equivariance.contracts.contract import exact_everywhere
    >>> from geomdl.representations import FieldType
    >>> crop_shifts(exact_everywhere(FieldType("C1", "1 trivial")), (4, 4)).tolist()
    [[1, 0], [0, 1], [2, 1]]
    """
    dimension = len(size)
    if contract.cropped.level == "none" or not contract.output_size(size):
        return np.zeros((0, dimension), int)
    steps = np.array(along(contract.step, dimension))
    every = steps * np.where(np.arange(dimension) == 0, 2, 1)
    moves = [*np.diag(steps), every] if dimension > 1 else [steps, every]
    kept = [move for move in moves if all(b > a for a, b in _inside(contract, size, move))]
    return np.array(kept, int).reshape(-1, dimension)


def window_of(scene: np.ndarray, size: Size, shift: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """What a window of a size shows of a scene ``[batch, *axes, channels]`` when it is moved.

    >>> window_of(np.arange(5).reshape(1, 5, 1), (3,), [2]).ravel()
    array([2, 3, 4])
    """
    starts = np.zeros(len(size), int) if shift is None else np.asarray(shift)
    return scene[(slice(None), *(slice(a, a + n) for a, n in zip(starts, size, strict=True)))]


def inside_both(
    contract: Contract, size: Size, y: np.ndarray, moved: np.ndarray, shift: np.ndarray
) -> Iterator[np.ndarray]:
    """The part of two outputs that see the same pixels: y of a window on a scene, ``moved`` of the window moved."""
    inside, strides = _inside(contract, size, shift), along(contract.stride, len(size))
    by = [int(s / Fraction(stride)) for s, stride in zip(map(Fraction, shift.tolist()), strides, strict=True)]
    yield moved[(slice(None), *(slice(a, b) for a, b in inside))]
    yield y[(slice(None), *(slice(a + s, b + s) for (a, b), s in zip(inside, by, strict=True)))]


def _inside(contract: Contract, size: Size, shift: np.ndarray) -> list[tuple[int, int]]:
    """From where to where, along each axis, pixels of the moved window's output see only what both windows show."""
    numbers = (along(value, len(size)) for value in (contract.stride, contract.reach or 0, contract.offset))
    ranges = []
    for n, m, s, stride, reach, offset in zip(size, contract.output_size(size), shift.tolist(), *numbers, strict=True):
        stride, reach = Fraction(stride), Fraction(reach)
        places = [i * stride + offset for i in range(m)]
        inside = [i for i, p in enumerate(places) if p >= reach and p + reach + s <= n - 1 and i + s / stride < m]
        ranges.append((inside[0], inside[-1] + 1) if inside else (0, 0))
    return ranges
