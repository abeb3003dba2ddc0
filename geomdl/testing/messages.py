"""The messages of failed assertions."""

import numpy as np

from geomdl.boxes import match_sets
from geomdl.equivariance.localisation.layerwise import LayerErrors
from geomdl.testing.smallest import Size
from geomdl.testing.trial import Trial


def trial_message(trial: Trial, layers: LayerErrors | None, held: list[Size]) -> str:
    """The smallest failing case, its error and limit, the sizes that hold, and the first broken layer."""
    lines = [f"{trial.model} is not {trial.promise}"]
    if trial.is_constant:
        lines = [
            f"{trial.model} is {trial.promise} only because its output is constant",
            f"  {constant_output(trial.spread)}",
        ]
        return "\n".join(lines)
    case = trial.failures[0]
    at = "x".join(map(str, trial.size))
    worst = max(trial.failures, key=lambda c: c.error)
    kind = {1: "signals", 2: "images", 3: "volumes"}.get(len(trial.size), "inputs")
    lines += [
        f"  smallest failing case: {case.label} of {at} {kind}",
        f"  error {case.error:.1e} > {case.derivation}",
        f"  {len(trial.failures)} of {len(trial.cases)} elements fail; worst error {worst.error:.1e} ({worst.label});"
        f" spread between inputs {trial.spread:.1e}",
    ]
    if held:
        shown = ", ".join("x".join(map(str, size)) for size in sorted(held)[:6])
        lines.append(f"  holds for {kind} of {shown}{', …' if len(held) > 6 else ''}")
    limit = None if case.exact else case.limit
    return "\n".join(lines + [f"  {line}" for line in first_layer(layers, limit)])


def how_sets_differ(found: np.ndarray, expected: np.ndarray) -> list[str]:
    """In which image two sets of detections differ most, how, and whether equal scores may be the reason.

    Args:
      found: ``[batch, k, 6 or 7]``, the detections of the moved images; see `geomdl.actions.packed_detections`.
      expected: the moved detections.
    """
    a, b = match_sets(found, expected)
    apart = np.abs(a - b).max(-1)  # of boxes without a partner: their largest coordinate
    image = int(apart.max(1).argmax())
    both = [x[image][x[image, :, -1] >= 0] for x in (found, expected)]
    scores = [np.sort(x[:, -2]) for x in both]
    lines = [
        f"image {image} differs most: {len(both[0])} detections of the moved image, {len(both[1])} moved detections; "
        f"{int((apart[image] > 1e-3).sum())} of these are elsewhere, by up to {apart[image].max():.2g} pixels"
    ]
    tied = sum(len(s) - len(np.unique(np.round(s, 6))) for s in scores)
    if tied:
        lines.append(
            f"{tied} of them have the score of another in the image: where suppression or the limit of how many are "
            "given chose between such boxes, their order did; break ties by what moves with the image, or count them: "
            "geomdl.boxes.ties"
        )
    return lines


def first_layer(layers: LayerErrors | None, limit: float | None = None) -> list[str]:
    """The first layer whose error exceeds a limit (that of rounding by default), and why."""
    if layers is None:
        return ["first broken layer: not known, as this model's layers cannot be looked into"]
    name = layers.first_broken(limit)
    if name is None:
        return ["first broken layer: none of those that give activations exceeds the limit"]
    if name == "output" and len(layers.layers) > 1:
        return [f"first broken layer: none up to {layers.layers[-2].layer}; what the model does after it breaks it"]
    row = next(row for row in layers.layers if row.layer == name)
    reason = f": {row.reason}" if row.reason else ""
    return [f"first broken layer: {name} (error {max(row.errors):.1e}){reason}"]


def constant_output(spread: float) -> str:
    """Why a constant output fails."""
    return (
        f"spread between inputs ‖f(x) − f(x')‖/‖f(x)‖ = {spread:.1e}: the output is constant or dead, which is"
        " invariant in no useful sense"
    )
