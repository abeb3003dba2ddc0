"""Measures the trained model of a work directory.

  geomdl evaluate --workdir=runs/c4
  geomdl evaluate --workdir=runs/c4 --split=validation --checkpoint=latest --evaluators=metrics,rotation
  geomdl evaluate --workdir=runs/unet --evaluators=metrics --overlays=runs/unet/overlays

Prints the numbers, and writes them to WORKDIR/evaluation/SPLIT.json; sweeps also as one CSV each.
With --overlays, what a network of segmentation predicts is written too: label maps, and pictures of the first images.
Of a detector: boxes as JSON lines, pictures of the worst images, precision against recall, the confusion matrix.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_dir, add_data_path, use_data_dir
from geomdl.cli.support.parser import Listed
from geomdl.cli.support.path_option import PathOption
from geomdl.errors import unknown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--workdir", required=True, action=PathOption, help="directory of the run")
    parser.add_argument("--checkpoint", default="best", help="best (the default), latest, or a step")
    parser.add_argument("--split", default="test", help="test (the default), validation or train")
    parser.add_argument("--evaluators", action=Listed, help="comma-separated; all that suit the task if not given")
    parser.add_argument(
        "--overlays", action=PathOption, help="folder for predicted label maps, and pictures of the first images"
    )
    add_data_dir(parser)
    add_data_path(parser)
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> None:
    """Evaluates and prints."""
    use_data_dir(arguments)
    require_split(arguments.split)
    from geomdl.cli.support.quiet import quiet_libraries

    names = evaluator_names(arguments.evaluators) if arguments.evaluators else None
    quiet_libraries()
    numbers, about, file = measure(
        arguments.workdir,
        arguments.checkpoint,
        arguments.split,
        names,
        overlays=arguments.overlays,
        data_path=arguments.data_path,
        data_dir=arguments.data_dir,
    )
    print(about)
    width = max(len(key) for key in numbers)
    for key, number in numbers.items():
        print(f"  {key:<{width}}  {number:.3g}" if "variance/" in key else f"  {key:<{width}}  {number:.4f}")
    if file is not None:
        print(f"written to {file}")


def require_split(split: str) -> None:
    """Raises ValueError unless there is such a split."""
    if split not in ("train", "validation", "test"):
        raise unknown("split", split, ["train", "validation", "test"])


def evaluator_names(text: str) -> list[str]:
    """Returns the evaluators between commas, by canonical names. Raises ValueError when there is no such evaluator."""
    from geomdl.evaluators import EVALUATORS

    return [EVALUATORS.find(name).name for name in text.split(",")]


def measure(
    workdir: str,
    checkpoint: str | int,
    split: str,
    evaluators: Sequence[str] | None,
    *,
    overlays: str | None = None,
    data_path: str | None = None,
    data_dir: str | None = None,
) -> tuple[dict[str, float], str, Path | None]:
    """Evaluates a checkpoint and writes what was found; returns the numbers, what they are of, and the file.

    Of networks that geomdl brings along nothing is written.

    Args:
      workdir: of the run.
      checkpoint: ``"best"``, ``"latest"`` or a step.
      split: of the data set.
      evaluators: their names; None for all that suit the task.
      overlays: folder for the predictions of a network of segmentation.
      data_path: where the file or folder of the run's data lies now, if it has moved.
      data_dir: where prepared data sets lie now, in place of the folder that the run's config names.
    """
    from geomdl.cli.support.overlays import write_overlays
    from geomdl.evaluators import (
        AxisSweep,
        BoxConsistency,
        CubeSweep,
        RotationConsistency,
        RotationSweep,
        ShiftSweep,
        evaluator_named,
        evaluators_for,
        predictor,
        with_batch_size,
        with_irreps,
    )
    from geomdl.paths import is_pretrained
    from geomdl.plots.tables import write_csv
    from geomdl.training.loop.loop import load_trained
    from geomdl.training.workdir.json_file import write_json

    trained = load_trained(workdir, checkpoint, data_path=data_path, data_dir=data_dir)
    predict, images = predictor(trained.model), getattr(trained.dataset, split)
    evaluators = evaluators_for(trained.task, trained.dataset.image_shape) if evaluators is None else evaluators
    written = write_overlays(predict, images, trained.task, Path(overlays)) if overlays else ""
    folder = None if is_pretrained(workdir) else Path(workdir) / "evaluation"
    if folder is not None:
        folder.mkdir(exist_ok=True)
    numbers: dict[str, float] = {}
    for name in evaluators:
        evaluator = with_batch_size(evaluator_named(name, trained.image_shape), trained.config.training.eval_batch_size)
        evaluator = with_irreps(evaluator, trained.config.irreps_of_features)
        if isinstance(
            evaluator, RotationSweep | ShiftSweep | RotationConsistency | BoxConsistency | CubeSweep | AxisSweep
        ):
            rows = evaluator.rows(predict, images, trained.task)
            if folder is not None:
                write_csv(folder / f"{split}_{name.rpartition(':')[2]}.csv", rows)
            numbers |= evaluator.summary(rows, trained.task)
        else:
            numbers |= evaluator(predict, images, trained.task)
    file = None if folder is None else folder / f"{split}.json"
    found = {"checkpoint": trained.step, "split": split, "evaluators": list(evaluators), "images": len(images)}
    if file is not None:
        write_json(file, {**found, **numbers})
    about = f"{workdir}, step {trained.step}, {len(images)} images of {trained.dataset.name} ({split})"
    return numbers, about + (f"\n{written}" if written else ""), file
