"""Shows what the data set of a config holds, before anything is trained on it.

  geomdl data --config=my_config.py
  geomdl data --config=digits_cnn --sheet=digits.png
  geomdl data --config=my_config.py --config.data.path=photos --config.data.size=64

Counts by class and split, sizes, ranges of values, and what is doubtful: files that cannot be read, the same image in
several splits, images of several sizes or of one single value, classes that a split has none of. With --sheet, images
of each class are drawn as the network gets them; label maps as tints, boxes as outlines in the colours of their
classes, volumes as the three slices through their middle. With --augmented they are drawn as training gets them: with
the changes of config.augmentation, mosaics among them.

  geomdl data --config=shapes_fcos_c4 --config.augmentation.mosaic=1.0 --sheet=mosaics.png --augmented
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.path_option import PathOption
from geomdl.errors import invalid, unknown

if TYPE_CHECKING:
    from geomdl.data import Augmentation, Dataset
    from geomdl.data.types import Example

_COLUMNS = 8
_MOST_ROWS = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--config", required=True, help="a config file, or the name of one in configs/")
    parser.add_argument("--sheet", metavar="FILE.png", action=PathOption, help="draws some images of each class")
    parser.add_argument("--split", default="train", help="of the sheet: train (the default), validation or test")
    parser.add_argument("--augmented", action="store_true", help="draws images with the random changes of training")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> None:
    """Reads all images once, and prints."""
    use_data_dir(arguments)
    if arguments.split not in ("train", "validation", "test"):
        raise unknown("split", arguments.split, ["train", "validation", "test"])
    if arguments.sheet and Path(arguments.sheet).suffix.lower() != ".png":
        raise invalid("--sheet", arguments.sheet, "the name of a PNG file", Path(arguments.sheet).with_suffix(".png"))
    if arguments.augmented and not arguments.sheet:
        raise invalid("--augmented", True, "with --sheet, the file that is drawn", "--sheet=augmented.png")
    from geomdl.cli.support.config_file import load_config
    from geomdl.cli.support.console import print_table
    from geomdl.cli.support.quiet import quiet_libraries

    values = load_config(arguments.config, arguments.overrides)
    from geomdl.data.inspection import inspect
    from geomdl.plots.tables import Column
    from geomdl.training.configuration.config import RunConfig

    quiet_libraries()
    config = RunConfig.from_config_dict(values)
    found = inspect(config.data)
    dataset = found.dataset
    if arguments.sheet and len(dataset.image_shape) == 2:
        raise invalid("--sheet", arguments.sheet, "none for point clouds, which have no pictures")
    print(f"{dataset.name}: {dataset.provenance}")
    print(f"images {'×'.join(map(str, dataset.image_shape))}, {dataset.train.images.dtype}; labels: "
          f"{dataset.target_kinds['label'].description}")  # fmt: skip
    if dataset.preprocessing is not None:
        print(f"preprocessing: {dataset.preprocessing}")
    for rows in (found.counts, found.ranges):
        if rows:
            print_table(rows, [Column(key) for key in rows[0]])
    for line in found.doubtful:
        print(f"doubtful: {line}")
    if not found.doubtful:
        print("nothing doubtful")
    if arguments.sheet:
        augment = config.augmentation if arguments.augmented else None
        print(f"written to {_sheet(dataset, arguments.split, Path(arguments.sheet), augment, config.seed)}")


def _sheet(dataset: "Dataset", split: str, file: Path, augment: "Augmentation | None", seed: int) -> Path:
    """Draws the first images of each class, or just the first images, with their label maps or boxes."""
    from geomdl.plots.boxes import draw_boxes
    from geomdl.plots.mosaic import labelled
    from geomdl.plots.segmentation import overlay

    images, kind = getattr(dataset, split), dataset.label_kind
    if kind in ("class", "labels"):
        labels = np.asarray(images.labels)
        rows = [
            np.flatnonzero(labels == index if kind == "class" else labels[:, index] > 0)[:_COLUMNS]
            for index in range(min(len(dataset.classes), _MOST_ROWS))
        ]
        texts = [name for name, row in zip(dataset.classes, rows, strict=False) for _ in range(_COLUMNS)]
    else:
        rows = [np.arange(start, min(start + _COLUMNS, len(images))) for start in range(0, 4 * _COLUMNS, _COLUMNS)]
        rows, texts = [row for row in rows if len(row)], []
    source = images if augment is None else images.around or images
    chosen = source.gather(np.concatenate(rows))
    if augment is not None:
        augment = augment.for_images(dataset.preprocessing, images.margin)
        chosen = _augmented(dataset, chosen, augment, seed)
    pictures = _pictures(dataset, chosen["image"])
    if kind == "map":
        pictures = np.stack([overlay(p, m) for p, m in zip(pictures, np.asarray(chosen["label"]), strict=True)])
    if kind in ("boxes", "oriented_boxes"):
        held, enlarge = chosen["label"], max(1, round(160 / max(pictures.shape[1:3])))
        of_each = zip(pictures, np.asarray(held["boxes"]), np.asarray(held["classes"]), strict=True)
        pictures = np.stack([draw_boxes(picture, *boxes, enlarge=enlarge) for picture, *boxes in of_each])
    blank = np.ones((_COLUMNS * len(rows), *pictures.shape[1:]))
    place = 0
    for row, members in enumerate(rows):
        blank[row * _COLUMNS : row * _COLUMNS + len(members)] = pictures[place : place + len(members)]
        place += len(members)
        for empty in range(row * _COLUMNS + len(members), (row + 1) * _COLUMNS):
            if texts:
                texts[empty] = ""
    shown = [text if len(text) <= 14 else f"{text[:13]}…" for text in texts]
    fig = labelled(blank, _COLUMNS, [""] * _COLUMNS, shown, [True] * len(shown))
    file.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(file, dpi=200)
    return file


def _augmented(dataset: "Dataset", batch: "Example", augment: "Augmentation", seed: int) -> "Example":
    """A batch as a step of training gets it; images that have been mixed have the label of the larger part."""
    import jax

    from geomdl.data import unit_interval

    kinds, key = dataset.target_kinds, jax.random.key(seed)
    augment.require_kinds(kinds)
    held = jax.tree.map(jax.numpy.asarray, {**batch, "image": unit_interval(batch["image"])})
    moved = augment.batch(held, {name: kind for name, kind in kinds.items() if kind.moves}, key)
    return jax.tree.map(np.asarray, augment.mixed(moved, kinds["label"], key))


def _pictures(dataset: "Dataset", images: np.ndarray) -> np.ndarray:
    """Images as RGB in [0, 1]: without their normalisation, and stretched where they are of another range."""
    from geomdl.data import unit_interval
    from geomdl.plots.mosaic import as_rgb, middle_slices

    values = np.asarray(unit_interval(images)).astype(np.float64)
    done = dataset.preprocessing
    if done is not None and done.std:
        values = values * np.asarray(done.std)
    if done is not None and done.mean:
        values = values + np.asarray(done.mean)
    values = np.nan_to_num(values)
    if values.min() < -1e-6 or values.max() > 1 + 1e-6:
        values = (values - values.min()) / max(float(values.max() - values.min()), 1e-12)
    pictures = as_rgb(values[..., :3] if values.shape[-1] >= 3 else values)
    return middle_slices(pictures) if pictures.ndim == 5 else pictures
