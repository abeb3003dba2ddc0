"""Measures of the literature that go with the verdicts when they are asked for."""

from collections.abc import Iterator

import numpy as np

from geomdl.audit.images import Images
from geomdl.audit.output import Output
from geomdl.audit.report import Measure
from geomdl.equivariance.consistency import circular_consistency, top1_change_rate
from geomdl.equivariance.decibels import eq_r, eq_scale, eq_t, eq_t_frac
from geomdl.equivariance.lie import lie_derivative
from geomdl.equivariance.models import Model
from geomdl.equivariance.spread import orbit_spread
from geomdl.equivariance.worst_case import worst_of_k
from geomdl.groups import PlanarGroup

AT_MOST = 16
"""Images that are used."""


def further_measures(
    model: Model, images: Images, output: Output, group: PlanarGroup, seed: int, notes: list[str]
) -> tuple[Measure, ...]:
    """Orbit spread, Lie derivatives, EQ in decibels for fields, consistency and worst of ten for classifiers.

    Each compiles the model once. A measure that does not apply is left out, with a note where it fails.

    Args:
      model: what is measured.
      images: of which a few are used.
      output: how outputs move.
      group: of the orbits.
      seed: of the motions that are drawn.
      notes: a line is added for a measure that fails.
    """
    few = images.first(AT_MOST)
    kinds = [_orbits(model, few, output, group), _lie(model, few, output), _decibels(model, few, output, seed)]
    if not output.is_field and len(output.shape) == 1 and output.shape[0] > 1:
        kinds.append(_classes(model, few, seed))
    found: list[Measure] = []
    for kind in kinds:
        try:
            found.extend(kind)
        except ValueError as error:
            notes.append(f"a measure was left out: {' '.join(str(error).split())[:200]}")
    return tuple(found)


def _orbits(model: Model, images: Images, output: Output, group: PlanarGroup) -> Iterator[Measure]:
    if output.is_field or group.order == 1:
        return
    found = orbit_spread(model, images.pixels, group)
    yield Measure("orbit spread", found.ratio, "", f"spread over the orbits of {group}, by that over images")


def _lie(model: Model, images: Images, output: Output) -> Iterator[Measure]:
    if not model.differentiable:
        return
    found = lie_derivative(model, images.pixels, output="field" if output.is_field else "invariant")
    for generator, relative in zip(found.generators, found.relative, strict=True):
        yield Measure(
            f"Lie derivative, {generator}", relative, "", "relative change of the output per unit (pixel, radian, log)"
        )


def _decibels(model: Model, images: Images, output: Output, seed: int) -> Iterator[Measure]:
    if not output.is_field:
        return
    for measure in (eq_t, eq_t_frac, eq_r, eq_scale):
        found = measure(model, images.pixels, seed=seed)
        yield Measure(found.measure, found.decibels, "dB", "peak signal-to-noise ratio of moved outputs; high is good")


def _classes(model: Model, images: Images, seed: int) -> Iterator[Measure]:
    consistency = circular_consistency(model, images.pixels, seed=seed)
    yield Measure(
        "circular consistency", consistency.consistency, "",
        f"equal predictions under two circular shifts; {consistency.chance:.2f} by chance",
    )  # fmt: skip
    for motion, text in (("shift", "one pixel"), ("scale", "one pixel larger or smaller"), ("rotation", "one degree")):
        rate = top1_change_rate(model, images.pixels, motion).change_rate
        yield Measure(f"P(top-1 changes), {motion}", rate, "", f"how often the prediction changes: {text}")
    if images.labels is not None and np.ndim(images.labels) == 1:
        worst = worst_of_k(model, images.pixels, images.labels, seed=seed)
        yield Measure("accuracy", worst.natural, "", f"on {len(images.pixels)} images")
        yield Measure(
            "worst of 10", worst.worst, "", "accuracy under the worst of ten shifts and turns (3 pixels, 30°)"
        )
