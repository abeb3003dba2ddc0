"""The segmentations of a trained model as files: pictures, and one label map per image."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from geomdl.data import IGNORED, Split, eval_batches
from geomdl.errors import invalid
from geomdl.evaluators import Predict, mean_metrics
from geomdl.plots.segmentation import segmentation_figure
from geomdl.plots.style import style
from geomdl.tasks import Segmentation, Task

BATCH = 8


def write_overlays(predict: Predict, split: Split, task: Task, folder: Path, *, pictures: int = 8) -> str:
    """Writes the predicted label maps of a split, and pictures of the first of them.

    Args:
      predict: images → outputs.
      split: what is segmented.
      task: segmentation.
      folder: gets ``predictions.npz`` with ``labels`` [n, height, width] uint8 or uint16, in the order of the split,
        and ``0000.png``, ``0001.png``, … with image, truth, prediction and errors.
      pictures: how many.

    Returns:
      What was written, in words.

    Raises:
      ValueError: for a run that is not one of segmentation.
    """
    if not isinstance(task, Segmentation):
        raise invalid("--overlays", str(folder), "a folder, for runs of segmentation; this run is another")
    folder.mkdir(parents=True, exist_ok=True)
    maps = []
    for batch in eval_batches(split, min(BATCH, len(split))):
        logits = predict(batch["image"])
        real = np.asarray(batch["mask"]) > 0
        for i in np.flatnonzero(real):
            predicted = np.asarray(task.predictions(logits[i : i + 1]))[0]
            if len(maps) < pictures:
                _write_picture(batch["image"][i], batch["label"][i], predicted, logits[i], task, folder, len(maps))
            maps.append(predicted)
    labels = np.stack(maps).astype(np.uint8 if len(task.classes) <= 256 else np.uint16)
    np.savez_compressed(folder / "predictions.npz", labels=labels)
    return f"{min(pictures, len(maps))} pictures and predictions.npz ({len(maps)} label maps) in {folder}"


def _write_picture(
    image: jnp.ndarray,
    label: jnp.ndarray,
    predicted: np.ndarray,
    logits: jnp.ndarray,
    task: Segmentation,
    folder: Path,
    place: int,
) -> None:
    alone = {"image": image[None], "label": label[None]}
    iou = mean_metrics(lambda _: logits[None], [alone], task)["iou"]
    counted = "" if (np.asarray(label) != IGNORED).any() else " (no pixel is labelled)"
    title = f"image {place}: mean IoU {iou:.3f}{counted}"
    fig = segmentation_figure(np.asarray(image), np.asarray(label), predicted, task.classes, title)
    with style():
        fig.savefig(folder / f"{place:04d}.png", dpi=200, metadata={"Software": None})
