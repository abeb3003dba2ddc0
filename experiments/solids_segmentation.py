"""U-Nets that segment drawn solids, learnt upright: in the 24 turns of the cube and in random orientations.

    python -m experiments.solids_segmentation --out=FOLDER --seeds=0,1,2

Trains ``configs/solids_unet.py`` and ``configs/solids_group_unet_o.py`` with each seed, and writes
experiments/results/volumes/segmentation.csv, with mean IoU of

* ``upright``: the 30 validation volumes, upright as those of training;
* ``upright_turns_mean``, ``upright_turns_worst``: these under the 24 turns of the cube;
* ``random``: the 60 test volumes, in any orientation;
* ``random_turns_mean``, ``random_turns_worst``: these under the 24 turns;
* ``change``: the largest change of the scores of upright volumes under the turns, relative to their size.

Runs that are finished in the folder are not repeated.
"""

import argparse
import importlib
import json
import time
from pathlib import Path

from flax import nnx

from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.evaluators import cube_sweep, predictor
from geomdl.models import count_parameters
from geomdl.plots import Row, write_csv
from geomdl.training import RunConfig, train

CONFIGS = ("solids_unet", "solids_group_unet_o")
TABLE = Path(__file__).parent / "results" / "volumes" / "segmentation.csv"
COMMAND = "python -m experiments.solids_segmentation"
COLUMNS = ("config", "seed", "parameters", "upright", "upright_turns_worst", "random", "random_turns_worst")


def measured(config: str, seed: int, workdir: Path) -> Row:
    """The row of a run, which is trained where it is not finished."""
    values = importlib.import_module(f"configs.{config}").get_config()
    values.seed = seed
    run, started = RunConfig.from_config_dict(values), time.perf_counter()
    dataset = run.data.load()
    model = train(run, workdir, dataset=dataset).model
    seconds = round(time.perf_counter() - started, 1)
    about: Row = {"config": f"configs/{config}.py", "seed": seed, "steps": values.training.steps}
    found = scores(model, run, dataset)
    return {**about, "parameters": count_parameters(model), **found, "train_seconds": seconds, **circumstances()}


def scores(model: nnx.Module, run: RunConfig, dataset: Dataset) -> Row:
    """IoU of a network, upright and turned."""
    task, row = run.task.for_dataset(dataset), dict[str, float]()
    for name, split in (("upright", dataset.validation), ("random", dataset.test)):
        rows = cube_sweep(predictor(model), split, task, "O", batch_size=30)
        found = [r["iou"] for r in rows]
        row |= {name: found[0], f"{name}_turns_mean": sum(found) / len(found), f"{name}_turns_worst": min(found)}
        if name == "upright":
            row["change"] = float(f"{max(r['change'] for r in rows):.2g}")
    return {key: value if key == "change" else round(value, 6) for key, value in row.items()}


def main() -> None:
    """Trains, measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where runs are kept")
    parser.add_argument("--seeds", default="0,1,2", help="of the runs")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for seed in map(int, arguments.seeds.split(",")):
        for config in CONFIGS:
            workdir = arguments.out / f"{config}-seed{seed}"
            found = workdir / "scores.json"
            if not found.exists():
                found.write_text(json.dumps(measured(config, seed, workdir)))
            rows.append(json.loads(found.read_text()))
            write_csv(TABLE, rows)


if __name__ == "__main__":
    main()
