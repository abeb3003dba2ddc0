"""Images for TensorBoard, drawn at evaluations: filters, the confusion matrix, predictions on turned images, boxes."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from flax import nnx
from jaxtyping import Array

from geomdl.data import Dataset, Split, eval_batches, rotated
from geomdl.evaluators import Predict, detects
from geomdl.evaluators.confusion import confusion_matrix
from geomdl.layers import Conv, Dense, Layer
from geomdl.layers.core.layer import walk
from geomdl.tasks import Task
from geomdl.training.step.state import TrainState, merge_model

DEGREES = tuple(range(0, 360, 45))
_IMAGES = 4  # that are turned
_MOST = 1024  # images in the confusion matrix
_MOST_CLASSES = 100

Show = Callable[[str, np.ndarray, int], None]
"""Takes a name, a picture ``[height, width, 3]`` uint8, and the step."""


class ImageSummaries:
    """Draws filters, confusion matrix and predictions of a model, on fixed images of the validation split.

    Args:
      show: takes the pictures.
      structure: of the model, from `geomdl.training.step.state.split_model`.
      dataset: whose validation split is used; at most 1024 images of it.
      task: what is learnt.
      batch_size: images per batch.
    """

    def __init__(self, show: Show, structure: Any, dataset: Dataset, task: Task, batch_size: int) -> None:
        self._show, self._structure, self._dataset, self._task = show, structure, dataset, task
        self._batch_size = batch_size

    def draw(self, step: int, state: TrainState, predict: Predict) -> None:
        """Draws everything as it is after a step. What cannot be drawn is a warning: training goes on.

        Args:
          step: the number of steps taken.
          state: with the parameters after them.
          predict: the model with these parameters.
        """
        try:
            self._draw(step, state, predict)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            warnings.warn(f"cannot draw pictures at step {step} ({reason}); training goes on", stacklevel=2)

    def _draw(self, step: int, state: TrainState, predict: Predict) -> None:
        from geomdl.plots.confusion import confusion
        from geomdl.plots.mosaic import filters, raster

        model = merge_model(self._structure, *state.deployed)
        planar = len(self._dataset.image_shape) == 3  # filters and turns of volumes are no pictures
        found = first_filters(model, self._dataset.image_shape) if planar else None
        if found is not None:
            kernel, columns = found
            self._show("filters", raster(filters(kernel, columns=columns)), step)
        data = self._dataset
        if data.label_kind == "class" and len(data.classes) <= _MOST_CLASSES:
            some = data.validation.subset(range(min(_MOST, len(data.validation))))
            counts = confusion_matrix(predict, some, self._task, len(data.classes), batch_size=self._batch_size)
            self._show("confusion", raster(confusion(counts, data.classes)), step)
        if detects(self._task):
            self._show("boxes", boxed(predict, data.validation, self._task), step)
        if planar and data.label_kind in ("class", "map"):
            self._show("rotated", raster(turned(predict, data.validation, data, self._task)), step)


def first_filters(model: nnx.Module, image_shape: tuple[int, ...]) -> tuple[np.ndarray, int] | None:
    """Returns the kernel of the first convolution, ``[k, k, in, out]``, and how many of its filters make a row.

    Where a dense layer comes first, its weights as images. None where there is neither. A row is the size of a field,
    where fields have several channels: for a group convolution one filter in all its poses. Kernels of signals and
    volumes are not drawn.
    """
    layers = (child.layer for child in walk(model, image_shape[:-1])) if isinstance(model, Layer) else ()
    layer = next((layer for layer in layers if isinstance(layer, Conv | Dense)), None)
    if layer is None:
        return None
    kernel = np.asarray(layer.dense_kernel(), np.float32)
    if len(image_shape) != 3:
        return None
    if kernel.ndim == 2:
        if kernel.shape[0] != math.prod(image_shape):
            return None
        kernel = kernel.reshape(*image_shape, -1)
    field = layer.out_type.blocks[0].representation.size
    return kernel, field if field > 1 else 8


def turned(predict: Predict, split: Split, dataset: Dataset, task: Task) -> Any:
    """Returns a figure of the first images of a split, turned, with what the model says of each.

    Args:
      predict: images → logits.
      split: of which the first images are taken.
      dataset: has the names of the classes.
      task: makes predictions of logits.
    """
    from geomdl.plots.mosaic import as_rgb, labelled

    batch = next(iter(eval_batches(split, min(_IMAGES, len(split)))))
    images, labels = batch["image"], np.asarray(batch["label"])
    degrees = [d for d in DEGREES if d % 180 != 90 or images.shape[1] == images.shape[2]]  # 90° would turn the frame
    poses = [rotated(images, d) for d in degrees]
    said = [np.asarray(task.predictions(predict(pose))) for pose in poses]
    tiles = as_rgb(np.stack([np.asarray(pose) for pose in poses], axis=1))  # [image, pose, height, width, 3]
    headings = [f"{d}°" for d in degrees]
    if dataset.label_kind == "class":
        predicted = np.stack(said, axis=1)
        texts = [dataset.classes[i][:8] for i in predicted.ravel()]
        right = (predicted == labels[:, None]).ravel().tolist()
        return labelled(tiles.reshape(-1, *tiles.shape[2:]), len(degrees), headings, texts, right)
    maps = np.stack([_coloured(pose) for pose in said], axis=1)
    rows = [
        row for image, labelling in zip(tiles, _padded(maps, tiles.shape), strict=True) for row in (image, labelling)
    ]
    return labelled(np.concatenate(rows), len(degrees), headings)


def boxed(predict: Predict, split: Split, task: Task, least: float = 0.3) -> np.ndarray:
    """Returns a picture of the first images of a split, with their boxes above and the boxes found below, uint8.

    Args:
      predict: images → outputs of a detector.
      split: of which the first images are taken.
      task: makes detections of outputs.
      least: found boxes of smaller scores are not drawn.
    """
    from geomdl.plots import draw_boxes

    batch = next(iter(eval_batches(split, min(_IMAGES, len(split)))))
    found = {name: np.asarray(part) for name, part in task.predictions(predict(batch["image"])).items()}
    shown = np.where(found["scores"] >= least, found["classes"], -1)
    images = np.asarray(batch["image"], np.float32)
    enlarge = max(1, 256 // max(images.shape[1:3]))
    rows = [
        np.concatenate(
            [
                draw_boxes(np.clip(image, 0, 1), of_one, kinds, enlarge=enlarge)
                for image, of_one, kinds in zip(images, np.asarray(boxes), np.asarray(classes), strict=True)
            ],
            axis=1,
        )
        for boxes, classes in ((batch["label"]["boxes"], batch["label"]["classes"]), (found["boxes"], shown))
    ]
    return np.round(255 * np.concatenate(rows)).astype(np.uint8)


def _coloured(labels: Array | np.ndarray) -> np.ndarray:
    import matplotlib

    palette = np.array([(0.12, 0.12, 0.12), *matplotlib.colormaps["tab20"].colors])  # pyright: ignore[reportAttributeAccessIssue]
    return palette[np.asarray(labels) % len(palette)]


def _padded(maps: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Label maps that are smaller than the images, in a white frame."""
    missing = [(wanted - size) for wanted, size in zip(shape[2:4], maps.shape[2:4], strict=True)]
    (top, left), (height, width) = [m // 2 for m in missing], missing
    frame = ((0, 0), (0, 0), (top, height - top), (left, width - left), (0, 0))
    return np.pad(maps, frame, constant_values=1.0)
