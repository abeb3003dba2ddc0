"""Predictions averaged over views of an image: ten crops, or the orbit under a group (test-time augmentation)."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from geomdl.actions import CropResize, input_action
from geomdl.data import Split
from geomdl.errors import invalid
from geomdl.evaluators.metrics import batches_of, mean_metrics
from geomdl.evaluators.predict import Predict
from geomdl.groups import PlanarGroup, group
from geomdl.numbers import whole_number
from geomdl.tasks import Classification, Segmentation, Task

_SMALLEST = 1e-30
"""Probabilities below it count as it, so that they have a logarithm."""


def ten_crop(predict: Predict, task: Task, crop: int | tuple[int, int] | None = None) -> Predict:
    """The model averaged over ten views of each image: the four corners and the centre, and the mirror image of each.

    The probabilities are averaged, p = 1/10 Σ_i softmax(f(x_i)), and log p is what comes back; so losses and metrics of
    the task are those of p. With several labels per image it is the mean of σ(f(x_i)), and its log-odds.

    Args:
      predict: f, images → logits; of images of the size of the crops.
      task: a classification.
      crop: (height, width) in pixels, or one number for both; None: 7/8 of each side, as 224 of 256. For a network
        that does not take images of this size (of a flattened map, say) crops are stretched to that of the images, as
        crops in training are (`geomdl.actions.CropResize`).

    Raises:
      ValueError: for another task, or crops larger than the images.

    References:
      Krizhevsky, Sutskever & Hinton, ImageNet classification with deep CNNs, NeurIPS 2012, section 4.1.

    >>> brightest = lambda x: x.reshape(len(x), -1)[:, :4]  # scores are the pixels of a 2 × 2 crop
    >>> images = jnp.arange(9.0).reshape(1, 3, 3, 1)
    >>> ten_crop(brightest, Classification(num_classes=4), crop=2)(images).shape
    (1, 4)
    """
    if not isinstance(task, Classification):
        raise invalid("evaluator", "ten_crop", "evaluators of other tasks than classification", "orbit_c4")
    probabilities, scores = _averaging(task)
    asked = (crop, crop) if isinstance(crop, int) else crop
    for pixels in asked or ():
        whole_number("crop", pixels)
    stretched: dict[tuple[int, ...], bool] = {}

    def averaged(images: Array) -> Array:
        size = (images.shape[1], images.shape[2])
        height, width = asked or tuple(max(1, math.floor(7 * n / 8)) for n in size)
        if height > size[0] or width > size[1]:
            allowed = f"at most the {size[0]}×{size[1]} pixels of the images"
            raise invalid("crop", (height, width), allowed, (min(height, size[0]), min(width, size[1])))
        if size not in stretched:
            stretched[size] = not _takes(predict, (1, height, width, images.shape[3]), images.dtype)
        total: Any = 0
        for i in range(10):
            total = total + probabilities(predict(_crop(images, i, (height, width), stretched[size])))
        return scores(total / 10)

    return averaged


def _takes(predict: Predict, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether a network can be called with images of a shape."""
    try:
        jax.eval_shape(predict, jax.ShapeDtypeStruct(shape, dtype))
    except (ValueError, TypeError):
        return False
    return True


def orbit_average(predict: Predict, task: Task, over: str | PlanarGroup) -> Predict:
    """The model averaged over a group: F(x) = 1/|G| Σ_g ρ(g)⁻¹ p(f(g x)), with p the probabilities of the outputs.

    Classes do not move, label maps and values that do are moved back. Values of regression are averaged as they are. F
    is invariant (equivariant) exactly where the group maps the pixels to pixels: C4 and D4 on square images. Other
    elements resample images, and black corners come in; label maps are averaged over the elements that see the pixel.

    Args:
      predict: f, images → outputs.
      task: says what the outputs are, and how they move.
      over: a finite group of rotations and reflections, or its name.

    Returns:
      Images → logits of F (its values, where the task is regression).

    Raises:
      ValueError: for another group, or one that does not move the outputs of the task.

    >>> first = lambda x: x[:, 0, :2, 0]  # scores are the two upper pixels
    >>> images = jnp.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    >>> F = orbit_average(first, Classification(num_classes=2), "C4")
    >>> bool(jnp.allclose(F(images), F(jnp.rot90(images, axes=(1, 2)))))
    True
    """
    elements = group(over) if isinstance(over, str) else over
    if not isinstance(elements, PlanarGroup) or not elements.is_finite:
        raise invalid("group", str(over), "a finite group of rotations and reflections of the plane", "C4")
    law = task.law
    if law.kind == "detections":
        raise invalid("group", str(elements), "evaluators of other tasks than detection: sets of boxes have no mean")
    if not law.covers(elements):
        raise invalid("group", str(elements), f"a group that moves outputs of the law {law}")
    probabilities, scores = _averaging(task)
    there = input_action(elements)
    maps = isinstance(task, Segmentation)

    def back(g: Any, y: Array, size: tuple[int, int]) -> Array:
        out_size = y.shape[1:3] if y.ndim == 4 else None
        return law.action(elements, size=size, out_size=out_size)(elements.inverse(g), y)

    moved = [jax.jit(functools.partial(there, g)) for g in elements.elements()]
    returned = [
        jax.jit(functools.partial(_returned, functools.partial(back, g), probabilities, maps), static_argnames="size")
        for g in elements.elements()
    ]

    def averaged(images: Array) -> Array:
        total: Any = 0
        for move, give_back in zip(moved, returned, strict=True):
            found = give_back(predict(move(images)), size=tuple(images.shape[1:3]))
            total = found if isinstance(total, int) else jax.tree.map(jnp.add, total, found)
        values, weights = total
        return scores(values / weights)

    return averaged


def _returned(
    back: Callable[[Array, tuple[int, int]], Array],
    probabilities: Callable[[Array], Array],
    maps: bool,
    outputs: Array,
    size: tuple[int, int],
) -> tuple[Array, Array]:
    """Probabilities moved back, and the weight that each number has: of maps how much of it has been seen."""
    p = probabilities(outputs)
    if not maps:
        return back(p, size), jnp.ones(())
    seen = back(jnp.ones_like(p[:1, ..., :1]), size)
    return jnp.maximum(back(p, size), 0), jnp.maximum(seen, 0)


def _averaging(task: Task) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """What is averaged, of the outputs of a task; and the outputs that stand for an average."""
    binary = isinstance(task, Segmentation) and task.binary
    if binary or (isinstance(task, Classification) and task.multi_label):
        return jax.nn.sigmoid, _log_odds
    if isinstance(task, Classification | Segmentation):
        return _softmax, _log
    return _same, _same


def _softmax(outputs: Array) -> Array:
    return jax.nn.softmax(outputs, axis=-1)


def _log(p: Array) -> Array:
    return jnp.log(jnp.maximum(p, _SMALLEST))


def _log_odds(p: Array) -> Array:
    return _log(p) - _log(1 - p)


def _same(outputs: Array) -> Array:
    return outputs


@functools.partial(jax.jit, static_argnames=("view", "crop", "stretched"))
def _crop(images: Array, view: int, crop: tuple[int, int], stretched: bool) -> Array:
    """Views 0 to 3 are the corners, 4 is the centre; 5 to 9 their mirror images."""
    (height, width), (rows, columns) = crop, images.shape[1:3]
    places = [(0, 0), (0, columns - width), (rows - height, 0), (rows - height, columns - width)]
    top, left = [*places, ((rows - height) // 2, (columns - width) // 2)][view % 5]
    if stretched:
        place, extent = (jnp.full((len(images), 2), jnp.asarray(at, jnp.float32)) for at in ((top, left), crop))
        found = CropResize(place, extent, (rows, columns)).images(images)
    else:
        found = images[:, top : top + height, left : left + width]
    return found[:, :, ::-1] if view >= 5 else found


@dataclass(frozen=True)
class TenCrop:
    """The evaluator of all metrics of a classification for the average over ten crops, see `ten_crop`.

    Args:
      crop: (height, width) in pixels; None: 7/8 of each side, or, where there is a margin around the images
        (`geomdl.data.with_margin`), windows as large as the images, which reach into it.
      batch_size: images per batch.

    Its numbers are ``ten_crop_accuracy``, ``ten_crop_loss`` and so on. It runs when it is asked for by name.

    >>> import numpy as np
    >>> split = Split(np.eye(8, dtype=np.float32).reshape(1, 8, 8, 1), np.array([0]))
    >>> darkest = lambda x: -jnp.stack([x.sum((1, 2, 3)), x.sum((1, 2, 3)) + 1], 1)
    >>> TenCrop(crop=(4, 4))(darkest, split, Classification(num_classes=2))["ten_crop_accuracy"]
    1.0
    """

    crop: tuple[int, int] | None = None
    batch_size: int = 256

    on_request = True

    def suits(self, task: Task) -> bool:
        """Whether a task is a classification."""
        return isinstance(task, Classification)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns every metric of the task, named ``ten_crop_…``."""
        crop, whole = self.crop, split
        if crop is None and split.around is not None:
            crop, whole = (split.images.shape[1], split.images.shape[2]), split.around
        metrics = mean_metrics(ten_crop(predict, task, crop), batches_of(whole, task, self.batch_size), task)
        return {f"ten_crop_{name}": value for name, value in metrics.items()}


@dataclass(frozen=True)
class OrbitAverage:
    """The evaluator of all metrics of a task for the average over a group, see `orbit_average`.

    Args:
      group: the name of a finite group of rotations and reflections.
      batch_size: images per batch.

    Its numbers are ``orbit_C4_accuracy``, ``orbit_C4_loss`` and so on. It runs when it is asked for by name.

    >>> import numpy as np
    >>> split = Split(np.eye(8, dtype=np.float32).reshape(1, 8, 8, 1), np.array([0]))
    >>> darkest = lambda x: -jnp.stack([x.sum((1, 2, 3)), x.sum((1, 2, 3)) + 1], 1)
    >>> OrbitAverage("D4")(darkest, split, Classification(num_classes=2))["orbit_D4_accuracy"]
    1.0
    """

    group: str = "C4"
    batch_size: int = 256

    on_request = True

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns every metric of the task, named ``orbit_<group>_…``."""
        average = orbit_average(predict, task, self.group)
        metrics = mean_metrics(average, batches_of(split, task, self.batch_size), task)
        return {f"orbit_{self.group}_{name}": value for name, value in metrics.items()}
