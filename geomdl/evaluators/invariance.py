"""Invariance and equivariance errors on a split, for transformations that permute the pixels."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.actions.grid import roll, turn
from geomdl.actions.outputs import Movable
from geomdl.data import Split, eval_batches
from geomdl.equivariance import equivariance_error
from geomdl.equivariance.measures.errors import Action
from geomdl.evaluators.predict import Predict
from geomdl.groups import C4, D4, GridTranslations
from geomdl.numbers import whole_number
from geomdl.tasks import Task


def quarter_turns() -> np.ndarray:
    """The rotations by 90°, 180° and 270° as ``[3, 2]`` (reflected, quarter turns)."""
    return np.array([[0, 1], [0, 2], [0, 3]], np.int32)


def reflections() -> np.ndarray:
    """The four reflections of the square as ``[4, 2]`` (reflected, quarter turns)."""
    return np.array([[1, 0], [1, 1], [1, 2], [1, 3]], np.int32)


def invariance_error(
    predict: Predict, images: Float[Array, "batch height width channels"], action: Action, elements: np.ndarray
) -> Float[np.ndarray, " elements"]:
    """ε(g) = ‖f(g x) − f(x)‖ / ‖f(x)‖ over a batch of images, for each element g.

    Args:
      predict: f, images → logits; traceable by JAX.
      images: x.
      action: ``(g, x) -> g x``.
      elements: one g per row.
    """
    return np.asarray(equivariance_error(predict, images, action, lambda g, y: y, elements))


@dataclass(frozen=True)
class InvarianceError:
    """The evaluator of exact symmetry: the greatest ε(g) for quarter turns, for reflections, for circular shifts.

    ε(g) = ‖f(g x) − ρ(g) f(x)‖ / ‖f(x)‖, where ρ is the law of the task's outputs (`Task.law`): the outputs of
    classifiers should be invariant; those of segmentation should move with the image, those of regression by the
    representation of the values. Quarter turns and reflections are left out where the images are not square, or the
    values have no representation of them, shifts where the outputs of segmentation are not of the size of the images.

    Args:
      images: how many images of the split are used.
      shifts: how many shifts are drawn (always the same ones).
    """

    images: int = 64
    shifts: int = 8

    def __post_init__(self) -> None:
        for name in ("images", "shifts"):
            whole_number(name, getattr(self, name))

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``invariance/quarter_turns``, ``invariance/reflections`` and ``invariance/shifts``, or
        ``equivariance/…`` where the outputs move with the images.
        """
        batch = next(iter(eval_batches(split, self.images)))
        images = jnp.asarray(batch["image"])[np.asarray(batch["mask"]) > 0]
        height, width = images.shape[1:3]
        law, name = task.law, "equivariance" if task.law.moves else "invariance"
        shifts = GridTranslations(height, width)
        kinds: dict[str, tuple[Movable, Action, np.ndarray]] = {
            "quarter_turns": (C4, _turned, quarter_turns()),
            "reflections": (D4, _turned, reflections()),
            "shifts": (shifts, lambda g, x: roll(x, g), _some_shifts(self.shifts, height, width)),
        }
        if height != width:
            kinds = {"shifts": kinds["shifts"]}
        shape = jax.eval_shape(predict, images).shape
        if law.moves and len(shape) == 4 and shape[1:3] != (height, width):
            kinds.pop("shifts")
        errors = {}
        for kind, (group, action, elements) in kinds.items():
            if law.covers(group):
                out_action = law.action(group, size=(height, width))
                found = equivariance_error(predict, images, action, out_action, elements)
                errors[f"{name}/{kind}"] = float(found.max())
        return errors


def _turned(g: Array, x: Array) -> Array:
    return turn(x, g[0], g[1])


def _some_shifts(count: int, height: int, width: int) -> np.ndarray:
    """Shifts of any size, by a fixed seed: (1, 0), (0, 1), then drawn ones."""
    drawn = np.random.default_rng(0).integers((0, 0), (height, width), (max(0, count - 2), 2))
    return np.concatenate([[[1, 0], [0, 1]], drawn])[:count].astype(np.int32)
