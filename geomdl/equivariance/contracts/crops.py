"""A window that moves on a larger scene: which moves a contract speaks of, and where both outputs see the same."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from geomdl.equivariance.contracts.contract import Contract, Size


def crop_shifts(contract: Contract, size: Size) -> np.ndarray:
    """By how many pixels the window on a larger scene is moved: along each axis and both. Empty where no field of view
    lies inside both windows.

    >>> from geomdl.equivariance.contracts.contract import exact_everywhere
    >>> from geomdl.representations import FieldType
    >>> crop_shifts(exact_everywhere(FieldType("C1", "1 trivial")), (4, 4)).tolist()
    [[1, 0], [0, 1], [2, 1]]
    """
    if contract.cropped.level == "none" or not contract.output_size(size):
        return np.zeros((0, 2), int)
    step = contract.step
    moves = np.array([[step, 0], [0, step], [2 * step, step]])
    kept = [move for move in moves if all(b > a for a, b in _inside(contract, size, move))]
    return np.array(kept, int).reshape(-1, 2)


def inside_both(
    contract: Contract, size: Size, y: np.ndarray, moved: np.ndarray, shift: np.ndarray
) -> Iterator[np.ndarray]:
    """The part of two outputs that see the same pixels: y of a window on a scene, ``moved`` of the window moved."""
    (top, bottom), (left, right) = _inside(contract, size, shift)
    stride = Fraction(contract.stride)
    rows, columns = (int(s / stride) for s in map(Fraction, shift.tolist()))
    yield moved[:, top:bottom, left:right]
    yield y[:, top + rows : bottom + rows, left + columns : right + columns]


def _inside(contract: Contract, size: Size, shift: np.ndarray) -> list[tuple[int, int]]:
    """From where to where, along each axis, pixels of the moved window's output see only what both windows show."""
    stride, reach = Fraction(contract.stride), Fraction(contract.reach or 0)
    ranges = []
    for n, m, s in zip(size, contract.output_size(size), shift.tolist(), strict=True):
        places = [i * stride + contract.offset for i in range(m)]
        inside = [i for i, p in enumerate(places) if p >= reach and p + reach + s <= n - 1 and i + s / stride < m]
        ranges.append((inside[0], inside[-1] + 1) if inside else (0, 0))
    return ranges
