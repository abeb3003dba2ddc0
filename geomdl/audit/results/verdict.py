"""A verdict on one symmetry: exact, approximate or broken, and the measurements behind it."""

import dataclasses
import math
from typing import Any, Literal

Level = Literal["exact", "approximate", "broken", "dead", "not measured"]
"""See `judge`. Dead: the output does not depend on the input. Not measured: the input or output rules it out."""

APPROXIMATE_SHARE = 0.1
"""A transformation that moves pixels to pixels holds approximately when it changes the output by at most this share of
what
another image changes."""

RESAMPLED_SHARE = 0.25
"""The same share for transformations that resample the image …"""

INTERPOLATION_FACTOR = 2.0
"""… which may also change the output by at most this many times what resampling alone does."""

EXACT_SHARE = 0.05
"""An error counts as rounding only when it is at most this share of what another image changes."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """The error of one transformation g on one set of images.

    Attributes:
      family: what kind of transformation: ``"points"``, ``"shifts"``, ``"cropped shifts"``, …
      element: the transformation in words, as in ``"90°"`` or ``"mirror 45°"``.
      value: the transformation in numbers: (reflected, degrees), of volumes the matrix row by row; (rows, columns) in
        pixels, of volumes with slices before; the parameter of the others.
      images: which images: ``"white noise"``, ``"band-limited"`` or the name of the data.
      count: how many.
      size: their (height, width), of volumes with the depth before.
      frame: ``"full"``, or ``"disc"`` when only what lies within the inscribed disc counts.
      error: ‖f(g·x) − g·f(x)‖ / ‖g·f(x)‖ over all images (the share of differing entries for integer outputs).
      baseline: ‖g⁻¹·g·x − x‖ / ‖x‖, what resampling loses of the input; 0 where nothing is resampled.
      through: what resampling alone changes in the output: ‖f(g⁻¹·g·x) − f(x)‖ / ‖f(x)‖, and the same loss of the
        output where that is a field.
      spread: the same difference between outputs of different images.
      interior: the error in the middle half of an output field; None when the output is no field.
    """

    family: str
    element: str
    value: tuple[float, ...]
    images: str
    count: int
    size: tuple[int, ...]
    frame: str
    error: float
    baseline: float
    through: float
    spread: float
    interior: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a model has a symmetry; true, as in ``assert report["C4"]``, when it has it exactly.

    Attributes:
      symmetry: its name, as in ``--require "C4 exact"``.
      description: the transformations in words.
      level: see `judge`.
      error: of the worst transformation; NaN when nothing was measured.
      mean: over the transformations.
      worst: the transformation with the largest error, in words.
      transformations: how many were tried.
      tolerance: the rounding error that ``exact`` allows.
      baseline: the input that resampling loses, at the worst transformation.
      through: what resampling alone changes in the output, at the worst transformation.
      spread: what another image changes, at the worst transformation.
      asked: whether the symmetry was asked for; the others are for information.
      conditions: where it holds and where it does not, and why.
    """

    symmetry: str
    description: str
    level: Level
    error: float
    mean: float
    worst: str
    transformations: int
    tolerance: float
    baseline: float
    through: float
    spread: float
    asked: bool = True
    conditions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.level == "exact"

    def __str__(self) -> str:
        number = f" ({self.error:.1e} at {self.worst})" if self.transformations else ""
        return f"{self.symmetry} {self.level}{number}"


def judge(error: float, *, tolerance: float, spread: float, through: float) -> Level:
    """The level of a symmetry with this error.

    - ``exact``: the error is at most the rounding error of the network, and small against the spread between images.
    - ``approximate``: at most a tenth of the spread between images; where the transformation resamples, at most a
    quarter of
      it, or twice what resampling alone does to the output. (A relative error by itself says little: a network whose
      outputs hardly differ between images has small errors under any transformation.)
    - ``broken``: otherwise.

    Args:
      error: relative error.
      tolerance: the rounding error; see `geomdl.equivariance.tolerance`.
      spread: relative difference between the outputs of different images.
      through: relative difference of the outputs that resampling alone makes; 0 where nothing is resampled.

    >>> judge(1e-7, tolerance=1e-5, spread=1.0, through=0.0), judge(0.1, tolerance=1e-5, spread=1.0, through=0.0)
    ('exact', 'approximate')
    >>> judge(0.1, tolerance=1e-5, spread=0.1, through=0.0)
    'broken'
    >>> judge(1e-7, tolerance=1e-5, spread=1e-7, through=0.0)  # nearly constant: small, but not invariant
    'broken'
    """
    if error <= tolerance and error <= EXACT_SHARE * spread:
        return "exact"
    if not math.isfinite(error):
        return "broken"
    share = RESAMPLED_SHARE if through > 0 else APPROXIMATE_SHARE
    if error <= max(share * spread, INTERPOLATION_FACTOR * through):
        return "approximate"
    return "broken"
