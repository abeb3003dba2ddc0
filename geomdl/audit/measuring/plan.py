"""The plan of an audit: which transformations are tried, on which images."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from geomdl.audit.measuring.conclude import FULL_FRAME
from geomdl.audit.measuring.measurement import Picture, measure, measure_crops
from geomdl.audit.measuring.stream import Stream, arranged
from geomdl.audit.probes.images import Images, band_limited
from geomdl.audit.probes.output import Output
from geomdl.audit.probes.symmetries import OTHER_ANGLES, AuditedGroup, grid_elements, group_elements, other_angles
from geomdl.audit.probes.transformations import (
    PointElement,
    Transformation,
    brightness,
    circular_shifts,
    contrast,
    fractional_shift,
    is_on_grid,
    linear_transformation,
    point_transformation,
)
from geomdl.audit.results.verdict import Measurement
from geomdl.representations import FieldType

Measured = tuple[list[Measurement], list[Picture]]

FEW = 4
"""Images for the map of shifts, which has many."""
SOME = 16
"""Images for what was not asked for."""
WINDOW = 4
"""The map of shifts reaches this many pixels (of the output) to each side."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The transformations of an audit.

    Attributes:
      group: the point group asked for.
      output: how outputs move.
      in_type: how the input's channels transform; None for scalars.
      size: (height, width) of the images; (depth, height, width) of volumes.
      seed: of the choice of shifts.
    """

    group: AuditedGroup
    output: Output
    in_type: FieldType | None
    size: tuple[int, ...]
    seed: int

    @property
    def is_typed(self) -> bool:
        """Whether the channels of input or output transform, so that nothing outside the group moves them."""
        return self.in_type is not None or self.output.is_typed

    def point_transformations(self, elements: Iterable[PointElement]) -> list[Transformation]:
        """The transformations of point elements; where channels transform, only those in the group."""
        inside = set(group_elements(self.group)) if self.is_typed else None
        return [
            point_transformation(element, self.output, self.in_type)
            for element in elements
            if inside is None or element in inside
        ]

    def grid_transformations(self) -> list[Transformation]:
        """The transformations that map the grid to itself."""
        return self.point_transformations(grid_elements(self.group, self.size))

    def on_grid(self, stream: Stream, images: Images) -> Measured:
        """The group's elements that map the grid to itself, and the flips, over the full frame."""
        return measure(stream, self.grid_transformations(), images, self.output)

    def shifts(self, stream: Stream, images: Images) -> Measured:
        """Circular shifts: a window of small ones on a few images, powers of two and random ones on some."""
        limit = [n // 2 for n in self.size]
        stride = max(1, math.ceil(self.output.stride)) if self.output.is_field else 1
        near = [stride * k for k in range(-WINDOW, WINDOW + 1)]
        window = [s for s in itertools.product(near, repeat=len(limit)) if any(s) and _within(s, limit)]
        if len(limit) > 2:  # of volumes those along the axes and to the nearest neighbours
            window = [s for s in window if max(map(abs, s)) == stride or sum(n != 0 for n in s) == 1]
        rng = np.random.default_rng(self.seed)
        steps = [2**k * stride for k in range(6) if 2**k * stride <= min(limit)]
        far = [shift for n in steps for shift in _along_axes(n, len(limit))]
        far += [tuple((rng.integers(-np.array(limit), np.array(limit) + 1)).tolist()) for _ in range(8)]
        some = circular_shifts((s for s in dict.fromkeys(far) if any(s)), self.output)
        few = circular_shifts((s for s in window if s not in far), self.output)
        return _joined(
            measure(stream, some, images.first(SOME), self.output), measure(stream, few, images.first(FEW), self.output)
        )

    def resampled(self, stream: Stream, images: Images) -> list[Measured]:
        """What needs resampling: angles off the grid, parts of a pixel, scale and shear; and contrast, brightness."""
        own = self.point_transformations(e for e in group_elements(self.group) if not is_on_grid(e))
        angles = self.point_transformations(other_angles(self.group))
        open_frame = [
            dataclasses.replace(m, disc=False, family=FULL_FRAME, undo=None, undo_output=None)
            for m in own or [m for m in angles if len(m.value) > 2 or m.value[1] % 45 == 0]
        ]
        others = [
            *(dataclasses.replace(m, family=OTHER_ANGLES) for m in angles),
            *open_frame,
        ]
        shifts = [*_along_axes(0.5, len(self.size)), (0.25, -0.75, 0.5)[: len(self.size)]]
        others += _transformations(fractional_shift(s, self.output) for s in shifts)
        if not self.is_typed:
            unit = np.eye(len(self.size))
            along = np.outer(unit[0], unit[1])
            scales = (linear_transformation("scale", s, f"×{s:g}", s * unit, self.output) for s in (0.9, 1.1))
            shears = (linear_transformation("shear", s, f"{s:+g}", unit + s * along, self.output) for s in (-0.1, 0.1))
            others += _transformations((*scales, *shears))
        others += [contrast(-0.2), contrast(0.2), brightness(-0.2), brightness(0.2)]
        return [
            measure(stream, own, images, self.output),
            measure(stream, others, images.first(SOME), self.output),
        ]

    def crops(self, stream: Stream, images: Images, rng: np.random.Generator | None) -> Measured:
        """Shifts in which new content enters: windows of larger images.

        Args:
          stream: the model.
          images: whose borders are mirrored to make larger ones.
          rng: draws larger band-limited images instead.
        """
        if self.output.kind == "function":
            return [], []
        margin = max(1, min(self.size) // 8)
        if rng is None:
            few = images.first(SOME)
            pad = [(0, 0), *[(margin, margin)] * len(self.size), (0, 0)]
            pixels = np.pad(few.pixels, pad, mode="reflect")
        else:
            large = (*(n + 2 * margin for n in self.size), images.size[-1])
            pixels = band_limited(rng, min(SOME, len(images.pixels)), large, images.pixels.dtype)
        canvases = Images(images.name, arranged(pixels, stream.model))
        steps = sorted({1, 2, 4, margin} & set(range(margin + 1)))
        shifts = [s for n in steps for s in (*_along_axes(n, len(self.size))[:-1], (*(-n, n, n)[: len(self.size)],))]
        return measure_crops(stream, canvases, self.size, shifts, self.output)

    def at_size(self, size: tuple[int, ...], output: Output) -> "Plan":
        """The same plan for images of another size."""
        return dataclasses.replace(self, size=size, output=output)

    def few(self, stream: Stream, images: Images) -> Measured:
        """The grid symmetries and three shifts on a few images: what tells even sizes from odd ones."""
        shifts = circular_shifts(_along_axes(1, len(self.size)), self.output)
        return measure(stream, [*self.grid_transformations(), *shifts], images.first(FEW), self.output)


def _along_axes(step: Any, dimension: int) -> list[tuple[Any, ...]]:
    """The step along each axis, and along all of them: ``[(n, 0), (0, n), (n, n)]``."""
    zero = type(step)(0)
    return [*(tuple(step if a == b else zero for b in range(dimension)) for a in range(dimension)), (step,) * dimension]


def _within(shift: Sequence[int], limit: Sequence[int]) -> bool:
    return all(abs(n) <= most for n, most in zip(shift, limit, strict=True))


def _transformations(found: Iterable[Transformation | None]) -> list[Transformation]:
    return [transformation for transformation in found if transformation is not None]


def _joined(*parts: Measured) -> Measured:
    measurements: list[Measurement] = []
    pictures: list[Picture] = []
    for some, worst in parts:
        measurements += some
        pictures += worst
    return measurements, pictures


def worst_pictures(pictures: Sequence[Picture], at_most: int = 6) -> tuple[Picture, ...]:
    """Of each family the picture with the largest error, the families with the largest errors first."""
    largest: dict[str, Picture] = {}
    for picture in pictures:
        family = picture.measurement.family
        if family != FULL_FRAME and (family not in largest or picture.error > largest[family].error):
            largest[family] = picture
    ordered = sorted(largest.values(), key=lambda p: -p.error / (p.measurement.spread or 1.0))
    return tuple(dataclasses.replace(p, before=p.before.copy()) for p in ordered[:at_most])  # not all images with it
