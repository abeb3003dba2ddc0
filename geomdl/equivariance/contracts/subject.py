"""What a check of a contract works on: a module that is called on the host, and its inputs."""

import dataclasses
from collections.abc import Callable

import numpy as np

from geomdl.equivariance.contracts.contract import Contract
from geomdl.equivariance.contracts.promise import Level, Size
from geomdl.equivariance.contracts.report import Row
from geomdl.equivariance.host.relative_error import relative_error_on_host

Call = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Subject:
    """A module under check.

    Args:
      contract: what it promises.
      call: the module, compiled, from an array on the host to another.
      x: inputs ``[batch, height, width, channels]``, or as the base space has axes; ``[batch, channels]`` without.
      y: ``call(x)``.
      seed: of the elements that are drawn at random.
      rng: for further inputs.
      tolerance: the relative error below which two outputs count as equal.
      train: whether the module is called in training mode.
      max_shifts: at most this many shifts are tried; with 0 no shift of any kind is.
      approximate: whether promises are measured too that are approximate at most.
    """

    contract: Contract
    call: Call
    x: np.ndarray
    y: np.ndarray
    seed: np.ndarray
    rng: np.random.Generator
    tolerance: float
    train: bool = False
    max_shifts: int = 32
    approximate: bool = True

    @property
    def size(self) -> Size:
        """The spatial size of the inputs; () without base space."""
        return self.x.shape[1:-1]

    @property
    def random(self) -> bool:
        """Whether each call draws random numbers, so that the promises hold in distribution only."""
        return self.train and self.contract.random_in_training

    @property
    def shifts_are_tried(self) -> bool:
        """Whether there is a base space, and any shift is asked for."""
        return bool(self.size) and self.max_shifts > 0

    def measures(self, level: Level) -> bool:
        """Whether a promise of this level, where it is about shifts of a special kind, is measured at all."""
        return level == "exact" or (level == "approximate" and self.approximate)

    def row(self, symmetry: str, element: np.ndarray, level: Level, found: np.ndarray, expected: np.ndarray) -> Row:
        """What one element shows: the relative error of what was found, judged where the promise is exact."""
        judged_by = self.tolerance if level == "exact" else None
        return Row(symmetry, tuple(element.tolist()), level, relative_error_on_host(found, expected), judged_by)
