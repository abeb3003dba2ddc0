"""What a check of a contract works on: a module that is called on the host, and its inputs."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from geomdl.actions import output_action
from geomdl.boxes import match_sets
from geomdl.equivariance.contracts.contract import Contract
from geomdl.equivariance.contracts.promise import Level, Size
from geomdl.equivariance.contracts.report import Row
from geomdl.equivariance.host.orbit import orbit
from geomdl.equivariance.host.relative_error import relative_error_on_host
from geomdl.groups import require_planar

Call = Callable[[np.ndarray], Any]
"""To an array on the host, or to several: fields of one type on different grids."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A module under check.

    Args:
      contract: what it promises.
      call: the module, compiled, from an array on the host to another.
      x: inputs ``[batch, height, width, channels]``, or as the base space has axes; ``[batch, channels]`` without.
      y: ``call(x)``, an array or several.
      seed: of the elements that are drawn at random.
      rng: for further inputs.
      tolerance: the relative error below which two outputs count as equal.
      train: whether the module is called in training mode.
      max_shifts: at most this many shifts are tried; with 0 no shift of any kind is.
      approximate: whether promises are measured too that are approximate at most.
      sets: whether outputs are sets of detections, ``[batch, k, 6 or 7]``.
    """

    contract: Contract
    call: Call
    x: np.ndarray
    y: Any
    seed: np.ndarray
    rng: np.random.Generator
    tolerance: float
    train: bool = False
    max_shifts: int = 32
    approximate: bool = True
    sets: bool = False

    @property
    def size(self) -> Size:
        """The spatial size of the inputs; () without base space."""
        return self.x.shape[1:-1]

    @property
    def outputs(self) -> tuple[np.ndarray, ...]:
        """y as several arrays, also where it is one."""
        return self.y if isinstance(self.y, tuple) else (self.y,)

    @property
    def random(self) -> bool:
        """Whether each call draws random numbers, so that the promises hold in distribution only."""
        return self.train and self.contract.random_in_training

    @property
    def shifts_are_tried(self) -> bool:
        """Whether there is a base space, any shift is asked for, and the output is one array, on one grid."""
        return bool(self.size) and self.max_shifts > 0 and len(self.outputs) == 1 and not self.sets

    def measures(self, level: Level) -> bool:
        """Whether a promise of this level, where it is about shifts of a special kind, is measured at all."""
        return level == "exact" or (level == "approximate" and self.approximate)

    def row(self, symmetry: str, element: np.ndarray, level: Level, found: Any, expected: Any) -> Row:
        """What one element shows: the relative error of what was found, judged where the promise is exact."""
        judged_by = self.tolerance if level == "exact" else None
        return Row(symmetry, tuple(element.tolist()), level, self.error(found, expected), judged_by)

    def error(self, found: Any, expected: Any) -> float:
        """The relative error; of sets of detections, matched."""
        return relative_error_on_host(*(match_sets(found, expected) if self.sets else (found, expected)))

    def moved(self, elements: np.ndarray) -> Iterator[Any]:
        """What the outputs are to become under elements of the contract's group."""
        if not self.sets:
            yield from zip(*(orbit(elements, y, self.contract.out_type) for y in self.outputs), strict=True)
            return
        height, width = self.size
        act = output_action("detections", require_planar(self.contract.group, "detections"), size=(height, width))
        for g in elements:
            yield np.asarray(act(g, self.y))
