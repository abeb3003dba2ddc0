"""The invariance score of Goodfellow et al.: firing rates of units along orbits, relative to those over all images."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.warp import Padding
from geomdl.equivariance.adapters.functions import as_function
from geomdl.equivariance.measures.evaluation import image_batch
from geomdl.equivariance.measures.learned_equivariance import layer_outputs
from geomdl.equivariance.measures.symmetry import Transformations, dimension_of, symmetry
from geomdl.errors import invalid, unknown


@dataclasses.dataclass(frozen=True)
class FiringInvariance:
    """What `firing_invariance` found for one layer.

    Attributes:
      model: its name.
      group: the name of the group or family.
      layer: the layer.
      scores: L/G of each unit, best first; 0 for units that never change.
      local_rates: L of each unit, in the same order.
      global_rate: G, the fraction of images at which a living unit fires.
      proportion: the fraction of the units, best first, whose mean is `score`.
    """

    model: str
    group: str
    layer: str
    scores: tuple[float, ...]
    local_rates: tuple[float, ...]
    global_rate: float
    proportion: float

    @property
    def score(self) -> float:
        """The mean score of the best ``proportion`` of the units."""
        return float(np.mean(self.scores[: max(1, round(self.proportion * len(self.scores)))]))

    @property
    def highest(self) -> float:
        """1/G: the score of a perfectly invariant unit. One that ignores the image but fires at random has 1."""
        return 1 / self.global_rate

    @property
    def dead(self) -> float:
        """The fraction of units that never change; they score 0."""
        return float(np.mean(np.array(self.scores) == 0))

    def rows(self) -> list[dict[str, object]]:
        """One row per unit, best first: layer, score, local rate, global rate."""
        return [
            {"layer": self.layer, "score": s, "local_rate": r, "global_rate": self.global_rate}
            for s, r in zip(self.scores, self.local_rates, strict=True)
        ]

    def __str__(self) -> str:
        text = (
            f"{self.model}, {self.group}, layer {self.layer}: firing invariance {self.score:.2f} of at most"
            f" {self.highest:.4g} (best {self.proportion:.0%} of {len(self.scores)} units)"
        )
        return text + (f"; {self.dead:.0%} CONSTANT or never firing together" if self.dead else "")


def firing_invariance(
    model: Any,
    x: ArrayLike,
    group: Transformations,
    *,
    layer: str = "output",
    global_rate: float = 0.01,
    proportion: float = 0.2,
    elements: ArrayLike | None = None,
    padding: Padding = "zeros",
    count: int = 16,
    seed: int = 0,
) -> FiringInvariance:
    """The invariance score of the units of a layer.

    How much more often a unit fires along the orbits of the images that make it fire than over all images.

    Unit i fires at x when s h_i(x) > t, with a sign s = ±1 and a threshold t such that it fires at a fraction G of the
    images. With Z the images at which it fires,

      L = mean over z ∈ Z and g of [s h_i(g z) > t],   score = L / G,

    for the sign that gives the higher score. A unit that fires at all of every orbit scores 1/G; one that fires
    regardless of the image scores about 1; a constant unit never exceeds its threshold and scores 0.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes.
      x: images ``[batch, height, width, channels]``; at least 2/G of them are wanted, so that two fire. Volumes for
        groups of space.
      group: see `geomdl.equivariance.orbit_errors`.
      layer: its name; every entry of its output is a unit.
      global_rate: G; at least one image fires.
      proportion: the fraction of the units, best first, that `FiringInvariance.score` averages over.
      elements: as in `geomdl.equivariance.orbit_errors`.
      padding: what comes in from outside when images are resampled.
      count: how many elements are drawn.
      seed: of the draw.

    Raises:
      ValueError: for rates or proportions outside (0, 1], a single image, or an unknown layer.

    References:
      Goodfellow, Le, Saxe, Lee & Ng, Measuring Invariances in Deep Networks, NeurIPS 2009.

    >>> x = np.random.default_rng(0).normal(size=(10, 4, 4, 1))
    >>> result = firing_invariance(lambda x: x.mean((1, 2)), x, "C4", global_rate=0.2)
    >>> round(result.score, 3), result.highest
    (5.0, 5.0)
    """
    if not 0 < global_rate < 1 or not 0 < proportion <= 1:
        raise invalid("global_rate, proportion", (global_rate, proportion), "in (0, 1) and (0, 1]", (0.01, 0.2))
    f = as_function(model)
    x = image_batch(x, dimension=dimension_of(group, f))
    if len(x) < 2:
        raise invalid("x", f"{len(x)} image", "two images or more", 100)
    s = symmetry(group, x.shape[1:-1], elements=elements, padding=padding, count=count, seed=seed)
    outputs = layer_outputs(f, x)
    plain = outputs(x)
    if layer not in plain:
        raise unknown("layer", layer, list(plain))
    firing = max(1, round(global_rate * len(x)))
    values = plain[layer].reshape(len(x), -1)
    values = np.concatenate([values, -values], 1)
    spread = np.ptp(values, 0) > 1e-6 * np.abs(values).max(0)
    threshold = -np.partition(-values, firing, 0)[firing]  # fires above the next greatest
    active = (values > threshold) & spread
    move = jax.jit(s.move) if f.differentiable else s.move
    counts = np.zeros(values.shape[1])
    for g in s.elements:
        moved = outputs(move(jnp.asarray(g) if f.differentiable else g, x))[layer].reshape(len(x), -1)
        counts += ((np.concatenate([moved, -moved], 1) > threshold) & active).sum(0)
    fired = active.sum(0)
    local = np.divide(counts, fired * len(s.elements), out=np.zeros_like(counts), where=fired > 0)
    rate = fired / len(x)
    score = np.divide(local, rate, out=np.zeros_like(local), where=rate > 0).reshape(2, -1)
    best = score.argmax(0)
    units = np.arange(score.shape[1])
    score, local = score[best, units], local.reshape(2, -1)[best, units]
    order = np.argsort(-score, kind="stable")
    return FiringInvariance(
        f.name,
        s.name,
        layer,
        tuple(map(float, score[order])),
        tuple(map(float, local[order])),
        firing / len(x),
        proportion,
    )
