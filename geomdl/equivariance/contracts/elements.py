"""What a contract is checked with, on a base space of any dimension: sizes, elements that fit them, and shifts."""

from fractions import Fraction
from typing import Any

import numpy as np

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.groups import GridTranslations, along
from geomdl.numbers import whole_number


def required_size(contract: Contract, size: Any) -> Size:
    """The size of the input as a tuple: 9 along every axis by default, one number for all axes, () without base space.

    Raises:
      ValueError: for another number of axes than the base space has, or a group that acts on channels only.
    """
    space = contract.in_type.space
    if size is None:
        return (9,) * space.dimension
    if np.ndim(size) == 0:
        size = (whole_number("size", size),) * space.dimension
    if len(size) not in (0, space.dimension or 2):
        near = tuple(size[: space.dimension]) if len(size) > space.dimension else (9,) * space.dimension
        raise invalid("size", size, f"({', '.join(space.axes)}), or () without base space", near)
    if len(size):
        contract.in_type.require_base_space("a check with base space (size=() is without)")
    return tuple(whole_number("size", pixels) for pixels in size)


def elements_that_fit(contract: Contract, elements: np.ndarray, size: Size) -> np.ndarray:
    """The elements of the contract's group that do not change the shape of an array of a size."""
    group, space = contract.group, contract.out_type.space
    if len(set(size)) <= 1 or not space.is_moved_by(group):
        return elements
    fits = [np.allclose(np.abs(matrix) @ size, size) for matrix in space.matrix(group, elements)]
    return elements[np.array(fits, bool)]


def shift_elements(contract: Contract, size: Size, at_most: int) -> np.ndarray:
    """Circular shifts that a contract speaks of ``[n, axes]``: all of them, or the generators and random ones."""
    steps = along(contract.step, len(size))
    if not size or any(n % step for n, step in zip(size, steps, strict=True)):
        return np.zeros((0, len(size)), int)
    group = GridTranslations(*size, step=steps)
    if group.order <= at_most:
        return group.elements()
    rng = np.random.default_rng(group.order)
    return np.concatenate([group.generators(), group.sample(rng, max(0, at_most - len(size)))])[:at_most]


def shift_of_output(contract: Contract, shift: np.ndarray) -> np.ndarray:
    """By how many pixels the output moves where the input moves by a multiple of ``step``."""
    strides = map(Fraction, along(contract.stride, len(shift)))
    return np.array([int(s) * f.denominator // f.numerator for s, f in zip(shift, strides, strict=True)], int)


def some_whole_shifts(dimension: int) -> np.ndarray:
    """Some shifts by whole pixels: along each axis and all.

    >>> some_whole_shifts(2).tolist()
    [[1, 0], [0, 1], [2, 3]]
    """
    return np.concatenate([np.eye(dimension, dtype=int), np.arange(2, dimension + 2)[None]])


def some_fractional_shifts(dimension: int) -> np.ndarray:
    """Some shifts by fractions of a pixel: along each axis and all.

    >>> some_fractional_shifts(2).tolist()
    [[0.5, 0.0], [0.0, -0.3], [1.7, 2.6]]
    """
    single = np.diag(([0.5, -0.3] * dimension)[:dimension])
    return np.concatenate([single, 1.7 + 0.9 * np.arange(dimension)[None]]).round(6)
