"""Measures the trained model of a work directory.

  geomdl evaluate --workdir=runs/c4
  geomdl evaluate --workdir=runs/c4 --split=validation --checkpoint=latest --evaluators=metrics,rotation

Prints the numbers, and writes them to WORKDIR/evaluation/SPLIT.json; sweeps also as one CSV each.
"""

import argparse

from geomdl.cli.compilation_cache import add_compilation_cache
from geomdl.cli.data_dir import add_data_dir, use_data_dir
from geomdl.errors import unknown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--workdir", required=True, help="directory of the run")
    parser.add_argument("--checkpoint", default="best", help="best (the default), latest, or a step")
    parser.add_argument("--split", default="test", help="test (the default), validation or train")
    parser.add_argument("--evaluators", help="comma-separated; all if not given")
    add_data_dir(parser)
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> None:
    """Evaluates and prints."""
    use_data_dir(arguments)
    if arguments.split not in ("train", "validation", "test"):
        raise unknown("split", arguments.split, ["train", "validation", "test"])
    from pathlib import Path

    from geomdl.cli.quiet import quiet_libraries
    from geomdl.evaluators import EVALUATORS, RotationSweep, ShiftSweep, predictor, with_batch_size
    from geomdl.plots.tables import write_csv
    from geomdl.training.loop import load_trained
    from geomdl.training.workdir import write_json

    names = arguments.evaluators.split(",") if arguments.evaluators else list(EVALUATORS)
    for name in names:
        if name not in EVALUATORS:
            raise unknown("evaluator", name, list(EVALUATORS))
    quiet_libraries()
    trained = load_trained(arguments.workdir, arguments.checkpoint)
    predict, split = predictor(trained.model), getattr(trained.dataset, arguments.split)
    folder = Path(arguments.workdir) / "evaluation"
    folder.mkdir(exist_ok=True)
    numbers: dict[str, float] = {}
    for name in names:
        evaluator = with_batch_size(EVALUATORS[name](), trained.config.training.eval_batch_size)
        if isinstance(evaluator, RotationSweep | ShiftSweep):
            rows = evaluator.rows(predict, split, trained.task)
            write_csv(folder / f"{arguments.split}_{name}.csv", rows)
            numbers |= evaluator.summary(rows)
        else:
            numbers |= evaluator(predict, split, trained.task)
    file = folder / f"{arguments.split}.json"
    write_json(file, {"checkpoint": trained.step, "split": arguments.split, "images": len(split), **numbers})
    print(
        f"{arguments.workdir}, step {trained.step}, {len(split)} images of {trained.dataset.name} ({arguments.split})"
    )
    width = max(len(key) for key in numbers)
    for key, number in numbers.items():
        print(f"  {key:<{width}}  {number:.3g}" if "invariance" in key else f"  {key:<{width}}  {number:.4f}")
    print(f"written to {file}")
