"""Test error on regenerated MNIST-rot of the benchmark network of Weiler & Cesa (2019), for several groups.

    python experiments/mnist_rot.py --data_dir=PREPARED --groups=C1,C4,C8 --parameters=40000 --epochs=8

Protocol: 10,000 training, 2,000 validation, 50,000 test digits, each turned by its own uniform angle (regenerated from
MNIST with a recorded seed: these are not the published files); no augmentation, no test-time augmentation; the
checkpoint with the best validation accuracy is tested once. ``--width`` counts the regular fields of the first
convolution (16 in the paper), the other layers keep their proportions; ``--parameters`` chooses the width for which
each group's network comes nearest to that many parameters. Writes ``results.csv``, one row per group and seed; rows
that are there are not run again. The published runs take 30 epochs at width 16 on a GPU.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = ["group", "size", "epochs", "seed", "parameters", "validation_accuracy", "test_error_percent", "test_images"]
COLUMNS += ["train_minutes", "config", "hardware", "versions"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="prepared TensorFlow Datasets folder with mnist")
    parser.add_argument("--groups", default="C1,C4,C8")
    parser.add_argument("--seeds", default="0")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--width", type=float)
    size.add_argument("--parameters", type=int)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", default="out/mnist_rot")
    arguments = parser.parse_args()

    from geomdl.environment import circumstances
    from geomdl.evaluators import Metrics, predictor
    from geomdl.models import count_parameters
    from geomdl.training import ProgressBar, RunConfig, train

    sys.path.insert(0, str(ROOT))
    from configs.mnist_rot_benchmark_c16 import get_config

    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    table = out / "results.csv"
    rows = list(csv.DictReader(table.open(encoding="utf-8"))) if table.exists() else []
    dataset = None
    for seed in map(int, arguments.seeds.split(",")):
        for group in arguments.groups.split(","):
            wide = arguments.width is not None
            size = {"width": arguments.width} if wide else {"match_parameters": arguments.parameters}
            named = " ".join(f"{k} {v:g}" for k, v in size.items())
            key = {"group": group, "size": named, "epochs": str(arguments.epochs), "seed": str(seed)}
            if any(all(row[name] == value for name, value in key.items()) for row in rows):
                continue
            values = get_config().to_dict()
            values["seed"] = seed
            values["data"]["data_dir"] = arguments.data_dir
            values["model"] |= {"group": group, **size}
            values["training"]["epochs"] = arguments.epochs
            config = RunConfig.from_config_dict(values)
            dataset = dataset or config.data.load()
            started = time.perf_counter()
            workdir = out / "runs" / "-".join(key.values()).replace(" ", "-")
            result = train(config, workdir, dataset=dataset, progress=ProgressBar(sys.stderr))
            minutes = (time.perf_counter() - started) / 60
            task = config.task.for_dataset(dataset)
            accuracy = Metrics()(predictor(result.model), dataset.test, task)["accuracy"]
            row = {
                **key,
                "parameters": count_parameters(result.model),
                "validation_accuracy": f"{result.best['accuracy']:.4f}",
                "test_error_percent": f"{100 * (1 - accuracy):.2f}",
                "test_images": len(dataset.test),
                "train_minutes": f"{minutes:.1f}",
                "config": "configs/mnist_rot_benchmark_c16.py with these group, size, epochs, seed",
                **circumstances(),
            }
            rows.append({name: str(value) for name, value in row.items()})
            with table.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
            print(
                f"{group}: {row['test_error_percent']} % test error, {row['parameters']} parameters, {minutes:.1f} min"
            )


if __name__ == "__main__":
    main()
