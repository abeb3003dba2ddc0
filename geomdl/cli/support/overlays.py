"""What a trained model finds, as files: label maps or boxes, and pictures."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from geomdl.data import IGNORED, Split, eval_batches
from geomdl.errors import invalid
from geomdl.evaluators import Predict, detection_confusion, detects, found_boxes, mean_metrics
from geomdl.plots.segmentation import segmentation_figure
from geomdl.plots.style import style
from geomdl.tasks import AveragePrecision, Segmentation, Task

BATCH = 8


def write_overlays(predict: Predict, split: Split, task: Task, folder: Path, *, pictures: int = 8) -> str:
    """Writes the predicted label maps of a split, and pictures of the first of them.

    Args:
      predict: images → outputs.
      split: what is segmented, or in what objects are detected.
      task: segmentation; or detection, of which ``predictions.jsonl`` has the boxes, and the pictures are of the worst
        images, with ``precision_recall.png`` and ``confusion.png``.
      folder: gets ``predictions.npz`` with ``labels`` [n, height, width] uint8 or uint16, in the order of the split,
        and ``0000.png``, ``0001.png``, … with image, truth, prediction and errors.
      pictures: how many.

    Returns:
      What was written, in words.

    Raises:
      ValueError: for a run of another task.
    """
    if detects(task):
        return _write_boxes(predict, split, task, folder, pictures)
    if not isinstance(task, Segmentation):
        raise invalid("--overlays", str(folder), "a folder, for runs of segmentation or detection; this is another")
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


def _write_boxes(predict: Predict, split: Split, task: Task, folder: Path, pictures: int) -> str:
    """Writes the boxes of all images, pictures of the worst, the precision-recall curves and the confusion matrix."""
    from geomdl.data import unit_interval
    from geomdl.plots import confusion, detection_figure, precision_recall

    folder.mkdir(parents=True, exist_ok=True)
    found = found_boxes(predict, split, task, batch_size=BATCH)
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as lines:
        for i in range(len(found)):
            boxes = found.detections(i)
            entries = [
                {"class": found.classes[kind], "score": round(float(score), 6), "box": np.round(box, 3).tolist()}
                for box, score, kind in zip(
                    boxes["boxes"].astype(float), boxes["scores"], boxes["classes"], strict=True
                )
            ]
            lines.write(json.dumps({"image": i, "boxes": entries}, ensure_ascii=False) + "\n")
    errors, right, worst = found.errors(), found.right(least=0.5), found.worst(pictures)
    for i in worst:
        kept = (found.found["classes"][i] >= 0) & (found.found["scores"][i] >= 0.5)
        boxes = {**found.detections(i, 0.5), "right": right[i][kept]}
        image = np.asarray(unit_interval(split[i]["image"]))
        fig = detection_figure(image, found.objects(i), boxes, found.classes, f"image {i}: {errors[i]} mistakes")
        _save(fig, folder / f"{i:04d}.png")
    measure = AveragePrecision(lambda outputs: outputs, found.classes)
    state = measure.update(measure.init(), dict(found.found), {"label": dict(found.there)})
    curves = {
        name: (curve.recall.tolist(), curve.precision.tolist(), curve.average())
        for name, curve in measure.curves(state).items()
        if curve.objects
    }
    _save(precision_recall(curves, "overlap above 0.5"), folder / "precision_recall.png")
    _save(confusion(detection_confusion(found), [*found.classes, "(none)"]), folder / "confusion.png")
    return f"predictions.jsonl ({len(found)} images), pictures of the {len(worst)} worst and two figures in {folder}"


def _save(fig: Any, file: Path) -> None:
    with style():
        fig.savefig(file, dpi=200, metadata={"Software": None})
