"""Accuracy under the worst of many small transformations."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.warp import Padding, warp
from geomdl.arrays import as_array, wide_dtype
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.measures.consistency import predicted_class, require_classes
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, over_elements, require_finite
from geomdl.errors import invalid
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True)
class WorstCase:
    """What `worst_of_k` or `worst_on_grid` found.

    Attributes:
      model: its name.
      measure: how the transformations were chosen.
      transformations: how many were tried on each image.
      natural: the accuracy on the images as they are.
      average: the accuracy over all images and transformations.
      worst: the accuracy under the worst transformation of each image.
      constant: the accuracy of the best constant answer: what a constant function scores here, under every
        transformation.
      worst_transformations: for each image (pixels right, pixels up, degrees): a transformation that deceives the
        model (the one of greatest loss), or the one of greatest loss where none does.
      deceived: for each image, whether any transformation does.
      alive: whether more than one class is ever predicted.
    """

    model: str
    measure: str
    transformations: int
    natural: float
    average: float
    worst: float
    constant: float
    worst_transformations: tuple[tuple[float, float, float], ...]
    deceived: tuple[bool, ...]
    alive: bool

    def rows(self) -> list[dict[str, object]]:
        """One row per image: its worst transformation, and whether the model is wrong there."""
        names = ("right", "up", "degrees")
        return [
            {"image": i, **dict(zip(names, transformation, strict=True)), "deceived": wrong}
            for i, (transformation, wrong) in enumerate(zip(self.worst_transformations, self.deceived, strict=True))
        ]

    def __str__(self) -> str:
        text = (
            f"{self.model}: accuracy {self.natural:.2%}, average {self.average:.2%}, worst of {self.transformations}"
            f" ({self.measure}) {self.worst:.2%}; a constant answer {self.constant:.2%}"
        )
        return text if self.alive else text + ": CONSTANT, always the same class"


def worst_of_k(
    model: Any,
    x: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    k: int = 10,
    max_shift: float = 3.0,
    max_degrees: float = 30.0,
    padding: Padding = "zeros",
    seed: int = 0,
) -> WorstCase:
    """Accuracy under the worst of k random transformations of each image (“worst-of-10”):

      E over images of min over j = 1 … k of [argmax f(g_j x) = label],

    g_j a rotation about the centre by up to ``max_degrees`` followed by a shift of up to ``max_shift`` pixels right and
    up, drawn uniformly and for each image anew. A constant function is never deceived beyond its natural errors:
    compare with `WorstCase.constant`.

    Departs from the paper in the interpolation: cubic B-splines instead of bilinear.

    Args:
      model: a classifier, anything that `geomdl.equivariance.as_function` takes.
      x: images ``[batch, height, width, channels]``.
      labels: the classes ``[batch]``; by default the model's own predictions, so that ``natural`` is 1.
      k: how many transformations.
      max_shift: in pixels.
      max_degrees: in degrees.
      padding: what comes in from outside.
      seed: of the transformations.

    Raises:
      ValueError: for labels that do not fit, or an output that is no classification.

    References:
      Engstrom, Tran, Tsipras, Schmidt & Mądry, Exploring the Landscape of Spatial Robustness, ICML 2019.

    >>> x = np.random.default_rng(0).normal(size=(4, 8, 8, 1))
    >>> worst_of_k(lambda x: jnp.stack([x.mean((1, 2, 3)), 0 * x[:, 0, 0, 0]], -1), x, k=2).natural
    1.0
    """
    x = image_batch(x)
    k, seed = whole_number("k", k), whole_number("seed", seed, least=0)
    _require_limits(max_shift, max_degrees)
    limits = np.array([max_shift, max_shift, max_degrees])
    transformations = np.random.default_rng(seed).uniform(-1, 1, (k, len(x), 3)) * limits
    return _worst(model, x, labels, f"random, ±{max_shift:g} pixels, ±{max_degrees:g}°", transformations, padding)


def worst_on_grid(
    model: Any,
    x: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    steps: tuple[int, int, int] = (5, 5, 31),
    max_shift: float = 3.0,
    max_degrees: float = 30.0,
    padding: Padding = "zeros",
) -> WorstCase:
    """Accuracy under the worst transformation of a grid, by default 5 × 5 shifts × 31 rotations: 775 evaluations per
    image.

    Args:
      model: as in `worst_of_k`.
      x: as in `worst_of_k`.
      labels: as in `worst_of_k`.
      steps: how many shifts right, shifts up, and rotations, evenly spaced between ∓ the greatest.
      max_shift: in pixels.
      max_degrees: in degrees.
      padding: what comes in from outside.

    Raises:
      ValueError: as in `worst_of_k`.

    References:
      Engstrom, Tran, Tsipras, Schmidt & Mądry, Exploring the Landscape of Spatial Robustness, ICML 2019.
    """
    x = image_batch(x)
    if not isinstance(steps, tuple | list) or len(steps) != 3:
        raise invalid("steps", steps, "three positive numbers", (5, 5, 31))
    right, up, turns = (whole_number("steps", n) for n in steps)
    _require_limits(max_shift, max_degrees)
    limits = (max_shift, max_shift, max_degrees)
    axes = [np.linspace(-m, m, n) if n > 1 else np.zeros(1) for m, n in zip(limits, (right, up, turns), strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 1, 3)
    name = f"grid {'×'.join(map(str, steps))}, ±{max_shift:g} pixels, ±{max_degrees:g}°"
    return _worst(model, x, labels, name, np.broadcast_to(grid, (len(grid), len(x), 3)), padding)


def _require_limits(max_shift: float, max_degrees: float) -> None:
    if not (0 <= max_shift < np.inf and 0 <= max_degrees < np.inf):
        raise invalid("max_shift, max_degrees", (max_shift, max_degrees), "finite numbers from 0", (3, 30))


def _worst(
    model: Any, x: jax.Array, labels: ArrayLike | None, name: str, transformations: np.ndarray, padding: Padding
) -> WorstCase:
    f = as_function(model)
    computed = require_classes(f, x)
    given = None if labels is None else _classes(labels, len(x), f, x)

    def measure(f: Any, g: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        g = jnp.asarray(g, wide_dtype(x.dtype))
        cos, sin = jnp.cos(jnp.deg2rad(g[:, 2])), jnp.sin(jnp.deg2rad(g[:, 2]))
        turned = jnp.stack([jnp.stack([cos, -sin], -1), jnp.stack([sin, cos], -1)], -2)
        found = jnp.asarray(f(warp(x, turned, g[:, :2], padding=padding)))
        target = predicted_class(y) if given is None else jnp.asarray(given)
        if found.ndim == 1:  # classes without scores: wrong or right
            return found, (found != target).astype(jnp.float32), jnp.array(True)
        scores = jax.nn.log_softmax(found.astype(jnp.promote_types(found.dtype, jnp.float32)))
        loss = -jnp.take_along_axis(scores, target[:, None].astype(jnp.int32), 1)[:, 0]
        return predicted_class(found), loss, jnp.isfinite(found).all()

    y, (classes, losses, finite) = over_elements(f, measure, transformations.astype(np.float32), x, computed)
    if not finite.all():
        require_finite(f, np.array(np.nan), "for some moved image")
    own = np.asarray(predicted_class(y))
    target = own if given is None else given
    right = classes == target
    order = np.where(right & ~right.all(0), -np.inf, losses)
    at = order.argmax(0)
    _, counts = np.unique(target, return_counts=True)
    return WorstCase(
        f.name,
        name,
        len(transformations),
        float((own == target).mean()),
        float(right.mean()),
        float(right.all(0).mean()),
        float(counts.max() / counts.sum()),
        tuple((float(a), float(b), float(c)) for a, b, c in transformations[at, np.arange(len(x))]),
        tuple(map(bool, ~right.all(0))),
        len(np.unique(np.concatenate([classes.ravel(), own]))) > 1,
    )


def _classes(labels: ArrayLike, count: int, f: Model, x: jax.Array) -> np.ndarray:
    """The classes of the images, if they are some of those that the model tells apart."""
    given, logits = np.asarray(as_array(labels, "labels")), output_shape(f, x)[0].shape
    if given.shape != (count,) or not (given.dtype == bool or np.issubdtype(given.dtype, np.integer)):
        one_hot = given.ndim == 2 and given.shape == logits
        got, hint = f"{given.dtype} of shape {given.shape}", "labels.argmax(-1)" if one_hot else None
        raise invalid("labels", got, f"integers [{count}], one per image", hint)
    most = logits[1] if len(logits) == 2 else np.iinfo(np.int32).max
    wrong = np.flatnonzero((given < 0) | (given >= most))
    if wrong.size:
        allowed = f"a whole number from 0 to {most - 1}" if len(logits) == 2 else "whole numbers from 0"
        raise invalid(f"label of image {wrong[0]}", int(given[wrong[0]]), allowed)
    return given.astype(np.int32)
