"""Applies a trained model to images: classes with probabilities, label maps, boxes, or values.

  geomdl predict --workdir=runs/c4 photos/ scan.png --out=predictions.csv
  geomdl predict --workdir=runs/nuclei slides/*.tif --out=maps --overlays=pictures --window=512
  geomdl predict --workdir=exported/c4 images.npz --average=C4

Images are files, folders, patterns, and .npy or .npz files of several; they are prepared as those of the run were.
Classes, labels and values become a table, CSV or JSON lines by the suffix of --out, and CSV on the console without it.
Label maps become a PNG for each image in the folder --out, and the table has the share of each class.
The boxes of a detector, in pixels of the image as it is, are one row each (image, class, score, x1, y1, x2, y2) in CSV,
and one line for each image in JSON lines.

A run on point clouds takes .ply, .xyz, .npy and .npz files of them in the same way:

  geomdl predict --workdir=runs/tetris scans/*.ply more.npz --out=predictions.csv

A run on volumes takes NIfTI files (.nii, .nii.gz), .npy and .npz files. Label maps of NIfTI files become NIfTI files
with the axes and the affine of these, so that viewers show them in their place; those of arrays .npz files:

  geomdl predict --workdir=runs/livers scans/*.nii.gz --out=maps --average=O
"""

import argparse
import csv
import itertools
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_path
from geomdl.cli.support.path_option import PathOption


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "images", nargs="+", metavar="FILE", action=PathOption,
        help="an image, a point cloud or a volume, a folder, a pattern, an array of them",
    )  # fmt: skip
    parser.add_argument("--workdir", required=True, action=PathOption, help="of the run, or a folder of geomdl export")
    parser.add_argument("--checkpoint", default="best", help="best (the default), latest, or a step")
    parser.add_argument("--out", action=PathOption, help="FILE.csv or FILE.jsonl; of label maps a folder")
    parser.add_argument(
        "--average", metavar="GROUP", help="averages over a group of rotations and reflections, as C4, or O"
    )
    parser.add_argument("--window", type=int, help="label maps of large images by windows of so many pixels a side")
    parser.add_argument("--batch-size", type=int, help="images at once (64; of volumes 4)")
    parser.add_argument(
        "--fit", choices=("cover", "contain", "stretch", "crop", "pad"),
        help="brings every image to the size of the images of training",
    )  # fmt: skip
    parser.add_argument("--overlays", action=PathOption, help="folder for pictures of the images with their label maps")
    parser.add_argument("--skip-broken", action="store_true", help="leaves out files that cannot be read; counts them")
    add_data_path(parser)
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Predicts; 2 if files were left out and nothing is left."""
    from geomdl.cli.support.chunks import chunks
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.errors import invalid
    from geomdl.inference import load
    from geomdl.inference.image_sources import read_in_order
    from geomdl.inference.volume_files import write_label_map

    quiet_libraries()
    predictor = load(arguments.workdir, arguments.checkpoint, data_path=arguments.data_path)
    inputs = predictor.inputs
    sources = inputs.sources(arguments.images)
    maps = predictor.reading.kind == "map"
    if arguments.overlays and not maps:
        raise invalid("--overlays", arguments.overlays, "a folder, for networks whose outputs are label maps")
    if arguments.overlays:
        inputs.require_images("--overlays", arguments.overlays)
    if arguments.fit:
        predictor = predictor.resizing(arguments.fit)
    names = _map_names([source.name for source in sources]) if maps else {}
    left_out, done = [], 0
    batch_size = inputs.usual_batch if arguments.batch_size is None else arguments.batch_size
    with _Table(arguments.out, maps) as write:
        for chunk in chunks(read_in_order(sources, skip=arguments.skip_broken), batch_size):
            left_out += [error for _, _, error in chunk if error is not None]
            there = [(name, image) for name, image, error in chunk if error is None]
            if not there:
                continue
            found = predictor.predict(
                [image for _, image in there],
                batch_size=batch_size,
                average=arguments.average,
                window=arguments.window,
                names=[name for name, _ in there],
            )
            write(found)
            done += len(found)
            if maps and (arguments.out or arguments.overlays):
                for (name, image), labels in zip(there, found.labels, strict=True):
                    if inputs.what == "volume":
                        write_label_map(labels, name, Path(arguments.out) / names[name])
                    else:
                        _write_map(labels, arguments.out, arguments.overlays, names[name], predictor, image)
    for error in left_out:
        print(f"geomdl: left out: {error}", file=sys.stderr)
    where = f", written to {arguments.out}" if arguments.out else ""
    skipped = f", {len(left_out)} left out" if left_out else ""
    print(f"geomdl: {done} {inputs.what}s{skipped}{where}", file=sys.stderr)
    return 0 if done else 2


class _Table:
    """The table that predictions are written to, as a context."""

    def __init__(self, out: str | None, maps: bool) -> None:
        from geomdl.errors import invalid
        from geomdl.paths import local_path

        self.path: Path | None = None
        if out is not None:
            place = local_path(out, "--out")
            if maps:
                if place.suffix:
                    raise invalid("--out", out, "a folder, which gets a label map for each image", str(place.stem))
                place.mkdir(parents=True, exist_ok=True)
                place /= "predictions.csv"
            elif place.suffix not in (".csv", ".jsonl"):
                raise invalid("--out", out, "FILE.csv or FILE.jsonl", f"{place}.csv")
            place.parent.mkdir(parents=True, exist_ok=True)
            self.path = place
        self.opened: IO[str] = sys.stdout
        self.writer: csv.DictWriter | None = None

    def __enter__(self) -> "_Table":
        if self.path is not None:
            self.opened = self.path.open("w", newline="", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self.path is not None:
            self.opened.close()

    def __call__(self, found: Any) -> None:
        if self.path is not None and self.path.suffix == ".jsonl":
            for record in found.records():
                self.opened.write(json.dumps(record, ensure_ascii=False) + "\n")
            return
        rows = list(found.rows())
        if self.writer is None:
            self.writer = csv.DictWriter(self.opened, found.columns or list(rows[0]))
            self.writer.writeheader()
        for row in rows:
            self.writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def _map_names(names: list[str]) -> dict[str, str]:
    """File names for label maps, without suffix: those of the images, from their common folder on."""
    from geomdl.data.sources.space.nifti import is_nifti, without_ending

    places = [Path(name).absolute() for name in names]
    common = os.path.commonpath([place.parent for place in places])
    made: dict[str, str] = {}
    taken: set[str] = set()
    for name, place in zip(names, places, strict=True):
        relative = place.relative_to(common)
        ending = relative if name.endswith("]") or is_nifti(place) else relative.with_suffix("")
        stem = without_ending(str(ending))
        numbered = (stem if i == 1 else f"{stem}_{i}" for i in itertools.count(1))
        made[name] = next(candidate for candidate in numbered if candidate not in taken)
        taken.add(made[name])
    return made


def _write_map(labels: Any, out: str | None, overlays: str | None, name: str, predictor: Any, image: Any) -> None:
    """Writes a label map, and a picture of it, as far as they are asked for."""
    import numpy as np
    from PIL import Image

    many = len(predictor.classes) > 256
    if out is not None:
        file = Path(out) / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels.astype(np.uint16 if many else np.uint8)).save(file)
    if overlays is not None:
        file = Path(overlays) / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(predictor.overlay(image, labels)).save(file)
