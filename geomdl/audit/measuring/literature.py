"""Optional measures from the literature, reported beside the verdicts."""

from collections.abc import Iterator

import jax
import numpy as np

from geomdl.audit.probes.images import Images
from geomdl.audit.probes.output import Output
from geomdl.audit.probes.symmetries import AuditedGroup
from geomdl.audit.results.findings import Measure
from geomdl.equivariance.adapters.functions import Model
from geomdl.equivariance.measures.consistency import circular_consistency, crop_consistency, top1_change_rate
from geomdl.equivariance.measures.decibels import eq_r, eq_scale, eq_t, eq_t_frac
from geomdl.equivariance.measures.invariance_score import firing_invariance
from geomdl.equivariance.measures.learned_equivariance import feature_equivariance
from geomdl.equivariance.measures.lie import lie_derivative
from geomdl.equivariance.measures.lie_volumes import lie_derivative_of_volumes
from geomdl.equivariance.measures.position import position_leak
from geomdl.equivariance.measures.spread import orbit_spread
from geomdl.equivariance.measures.worst_case import worst_of_k, worst_on_grid
from geomdl.groups import VOLUME

AT_MOST = 16
"""Images that are used, save where a measure fits or counts something: there all are."""

COARSE = (3, 3, 5)
"""Shifts right, shifts up and rotations of the grid search: 45 transformations instead of 775, which take long."""

FIRING = 0.05
"""The rate at which units fire: for the 1 % of Goodfellow et al. hundreds of images are needed."""


def further_measures(
    model: Model, images: Images, output: Output, group: AuditedGroup, seed: int, notes: list[str]
) -> tuple[Measure, ...]:
    """Orbit spread, Lie derivatives, EQ in decibels, learned equivariance, invariance score, position leak; and for
    classifiers consistency and worst cases.

    Each compiles the model once. A measure that does not apply is left out, with a note that says why. Of volumes EQ in
    decibels and worst cases are left out, which are defined for images.

    Args:
      model: what is measured.
      images: of which a few are used; or volumes.
      output: how outputs move.
      group: of the orbits.
      seed: of the transformations that are drawn.
      notes: a line is added for a measure that is left out.
    """
    few = images.first(AT_MOST)
    kinds = {
        "orbit spread": _orbits(model, few, output, group),
        "Lie derivatives": _lie(model, few, output),
        "EQ in decibels": _decibels(model, few, output, seed),
        "learned equivariance": _features(model, images, group, seed),
        "invariance score": _firing(model, images, group, seed),
        "position leak": _position(model, few),
    }
    if output.is_invariant and len(output.shape) == 1 and output.shape[0] > 1:
        kinds |= {"crop consistency": _crops(model, few, seed), "classes": _classes(model, few, seed)}
        kinds |= {"worst cases": _worst(model, few, seed)}
    found: list[Measure] = []
    for name, kind in kinds.items():
        try:
            found.extend(kind)
        except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: what PyTorch raises for other sizes
            if isinstance(error, jax.errors.JaxRuntimeError):
                raise  # e.g. for want of memory
            notes.append(f"{name} left out: {' '.join(str(error).split())[:200]}")
    return tuple(found)


def _require_images(images: Images, what: str) -> None:
    """Raises a ValueError for volumes, for which something is not defined."""
    if _volumes(images):
        raise ValueError(f"{what} is defined for images, not for volumes")


def _volumes(images: Images) -> bool:
    return images.pixels.ndim == VOLUME.dimension + 2


def _orbits(model: Model, images: Images, output: Output, group: AuditedGroup) -> Iterator[Measure]:
    if not output.is_invariant or group.order == 1:
        return
    found = orbit_spread(model, images.pixels, group)
    yield Measure("orbit spread", found.ratio, "", f"spread over the orbits of {group}, by that over images")


def _kind(output: Output, allowed: tuple[str, ...]) -> str:
    """The kind of an output, if a measure takes it.

    Raises:
      ValueError: when it does not.
    """
    kind = "invariant" if output.is_invariant else output.kind
    if kind not in allowed or output.is_typed:
        raise ValueError(f"it takes no outputs that move as {output.name!r}")
    return kind


def _lie(model: Model, images: Images, output: Output) -> Iterator[Measure]:
    if not model.differentiable:
        return
    if _volumes(images):
        found = lie_derivative_of_volumes(model, images.pixels, output=_kind(output, ("invariant", "field")))
    else:
        found = lie_derivative(model, images.pixels, output=_kind(output, ("invariant", "field", "points", "boxes")))
    for generator, relative in zip(found.generators, found.relative, strict=True):
        yield Measure(
            f"Lie derivative, {generator}", relative, "", "relative change of the output per unit (pixel, radian, log)"
        )


def _decibels(model: Model, images: Images, output: Output, seed: int) -> Iterator[Measure]:
    _require_images(images, "signal to error in decibels")
    kind, margin = _kind(output, ("invariant", "field")), float(min(3, min(images.size[:2]) // 8))
    found = [("shifts", eq_t(model, images.pixels, kind, seed=seed))]
    for measure, transformation in ((eq_t_frac, "fractional shifts"), (eq_r, "rotations"), (eq_scale, "scaling")):
        found.append((transformation, measure(model, images.pixels, kind, margin=margin, seed=seed)))
    for transformation, d in found:
        through = f"; resampling alone: {d.baseline:.0f} dB" if np.isfinite(d.baseline) else ""
        yield Measure(d.measure, d.decibels, "dB", f"signal to error under {transformation}; high is good{through}")


def _features(model: Model, images: Images, group: AuditedGroup, seed: int) -> Iterator[Measure]:
    if group.order == 1:
        return
    found = feature_equivariance(model, images.pixels, group, layers=["output"], seed=seed)
    said = f"share of the variance of f(g·x) that the best affine map of f(x) leaves, worst g of {group}, other images"
    yield Measure("learned equivariance (Lenc and Vedaldi)", float(np.max(found.fitted)), "", said)
    yield Measure("learned equivariance, M = 1", float(np.max(found.identity)), "", "the same with f(x) itself")


def _firing(model: Model, images: Images, group: AuditedGroup, seed: int) -> Iterator[Measure]:
    if group.order == 1:
        return
    found = firing_invariance(model, images.pixels, group, global_rate=FIRING, seed=seed)
    said = (
        f"how much more often the most invariant outputs fire on the orbits; 1 is chance, {found.highest:.0f} the most"
    )
    yield Measure("invariance score (Goodfellow)", found.score, "", said)


def _position(model: Model, images: Images) -> Iterator[Measure]:
    size, background = images.size[:-1], float(np.median(images.pixels))
    patches = images.pixels[(slice(8), *(slice(n // 4, n // 4 + n // 2) for n in size))]
    step = max(min(size) // (4 if _volumes(images) else 8), 1)
    found = position_leak(model, patches, size, step=step, background=background)
    said = f"share of the variance of outputs that tells where a patch lies ({len(found.positions)} places); 0 is none"
    yield Measure("position leak", found.leak, "", said)


def _crops(model: Model, images: Images, seed: int) -> Iterator[Measure]:
    crop = tuple(n - max(n // 8, 1) for n in images.size[:-1])
    found = crop_consistency(model, images.pixels, crop, seed=seed)
    said = f"equal predictions for two crops of {'×'.join(map(str, crop))}; {found.chance:.2f} by chance"
    yield Measure("crop consistency", found.consistency, "", said)


def _classes(model: Model, images: Images, seed: int) -> Iterator[Measure]:
    consistency = circular_consistency(model, images.pixels, seed=seed)
    yield Measure(
        "circular consistency", consistency.consistency, "",
        f"equal predictions under two circular shifts; {consistency.chance:.2f} by chance",
    )  # fmt: skip
    for transformation, text in (
        ("shift", "one pixel"),
        ("scale", "one pixel larger or smaller"),
        ("rotation", "one degree"),
    ):
        rate = top1_change_rate(model, images.pixels, transformation).change_rate
        yield Measure(f"P(top-1 changes), {transformation}", rate, "", f"how often the prediction changes: {text}")


def _worst(model: Model, images: Images, seed: int) -> Iterator[Measure]:
    _require_images(images, "the worst of shifts and turns")
    labels = images.labels if images.labels is not None and np.ndim(images.labels) == 1 else None
    what = "kept predictions" if labels is None else "accuracy"
    drawn = worst_of_k(model, images.pixels, labels, seed=seed)
    grid = worst_on_grid(model, images.pixels, labels, steps=COARSE)
    if labels is not None:
        yield Measure("accuracy", drawn.natural, "", f"on {len(images.pixels)} images")
    yield Measure("worst of 10", drawn.worst, "", f"{what} under the worst of ten shifts and turns (3 pixels, 30°)")
    transformations = int(np.prod(COARSE))
    yield Measure(
        "worst on a grid", grid.worst, "", f"{what} under the worst of {transformations} shifts and turns on a grid"
    )
