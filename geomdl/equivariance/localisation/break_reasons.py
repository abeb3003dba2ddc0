"""The likely reason why a layer loses exactness, from its contract or from the pattern of the error."""

import numpy as np

from geomdl.equivariance.contracts.contract import Contract
from geomdl.equivariance.localisation.feature_transformation import Size, same_element, stride_between
from geomdl.groups import GridTranslations, PlanarGroup, SpatialGroup

AT_FAULT = "its contract promises this exactly: the layer itself is at fault"
"""What is left when a contract gives no reason."""


def reason_from_contract(contract: Contract, group: object, broken: np.ndarray, size: Size) -> str:
    """What a contract says about a symmetry that was found broken.

    Args:
      contract: of the layer.
      group: that was measured.
      broken: the elements ``[n, element_size]`` whose error is too large.
      size: (height, width) of the layer's input.

    >>> from geomdl.equivariance.contracts.contract import exact_everywhere
    >>> from geomdl.groups import C4, D4
    >>> from geomdl.representations import FieldType
    >>> reason_from_contract(exact_everywhere(FieldType(C4, "1 regular")), D4, np.array([[1, 0]]), (8, 8))
    'its contract is about C4, not about all of D4'
    """
    is_shift = isinstance(group, GridTranslations)
    promise = contract.shifts if is_shift else contract.points
    if isinstance(group, PlanarGroup | SpatialGroup) and any(
        same_element(g, group, contract.exact_group) is None for g in broken
    ):
        return f"its contract is about {contract.exact_group}, not about all of {group}"
    if promise.level == "none":
        return f"its contract promises nothing{': ' + promise.why if promise.why else ''}"
    if violated := promise.violated(size):
        return f"its contract needs {' and '.join(violated)}; its input here is {_times(size)}"
    if promise.level == "approximate":
        return f"its contract is approximate{': ' + promise.why if promise.why else ''}"
    if is_shift and np.any(broken % contract.step):
        return f"its contract is about shifts by multiples of {contract.step} pixels"
    return AT_FAULT


def reason_from_error(
    group: object, before: Size, difference: np.ndarray, expected: np.ndarray, shifts: np.ndarray, tolerance: float
) -> str:
    """What the error of a layer without contract looks like; empty when it looks like nothing known.

    Args:
      group: that was measured.
      before: (height, width) of what came into the layer.
      difference: f(g·x) − g·f(x) of the elements, ``[n, batch, height, width, channels]``.
      expected: g·f(x), of the same shape.
      shifts: the elements ``[n, 2]`` where they are shifts, in pixels of the layer's input.
      tolerance: of the relative error.
    """
    after = difference.shape[2:-1]
    strides = stride_between(before, after)
    stride = max(strides)
    if isinstance(group, GridTranslations):
        error = np.linalg.norm(difference.reshape(len(difference), -1), axis=1)
        broken = error > tolerance * np.linalg.norm(expected.reshape(len(expected), -1), axis=1)
        whole = np.all(np.mod(shifts, [float(s) for s in strides]) == 0, axis=1)
        if stride > 1 and not np.any(broken & whole):
            return f"a stride of {stride}: shifts by other than multiples of {stride} pixels cannot move its output"
        if any(n % s.numerator for n, s in zip(before, strides, strict=True)):
            return f"a stride of {stride} does not divide its input of {_times(before)}"
        distance = np.abs(np.mod(shifts + np.array(before) / 2, before) - np.array(before) / 2).sum(1)
        nearest = broken & (distance == distance[broken].min(initial=np.inf))
        if nearest.any() and _is_at_border(difference[nearest], expected[nearest], tolerance):
            return "the error is at the border only: padding that is not circular"
        return ""
    if stride > 1:
        parity = "even" if any(n % 2 == 0 for n in before) else "odd"
        sizes = f"{_times(before)} to {_times(after)}"
        return (
            f"a stride of {stride} on an {parity} size ({sizes}): its windows are not placed symmetrically about the"
            " centre, so turns and flips do not map them to each other"
        )
    if _is_at_border(difference, expected, tolerance):
        return "the error is at the border only: its padding does not treat all sides alike"
    return ""


def _is_at_border(difference: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Whether the middle half of the frame, which has to have a few pixels, is free of errors."""
    size = difference.shape[2:-1]
    if min(size) < 5:
        return False
    middle = (slice(None), slice(None), *(slice(n // 4, -(n // 4)) for n in size))
    return bool(np.linalg.norm(difference[middle]) <= tolerance * np.linalg.norm(expected[middle]))


def _times(size: Size) -> str:
    return "x".join(map(str, size))
