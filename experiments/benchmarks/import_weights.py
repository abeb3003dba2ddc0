"""Seconds and memory of importing weights of ResNet-50 (a file of 102 MB), in a fresh process each time.

    python -m experiments.benchmarks.import_weights [--rounds=5]

Targets: at most 5 s, and at most 2.5 times the size of the file in memory. The file has random weights under
torchvision's names. "load": the network is built and its weights are read (`geomdl.models.load_weights`); "import":
they are written to a work directory too, as by ``geomdl import``. The clock starts, and memory is counted from, when
the libraries are imported and the device answers; memory is the largest resident set of the process (VmHWM of Linux)
beyond what it was then. Medians; seconds by the clock, and of all threads. Writes
experiments/results/benchmarks/import_weights.csv.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from flax import nnx

from geomdl.environment import circumstances
from geomdl.plots import Row, write_csv

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
SHAPE, CLASSES, MEGABYTE = (224, 224, 3), 1000, 1e6


def make(file: Path) -> None:
    """Writes a file of weights of ResNet-50."""
    from geomdl.models import ImageNetResNetConfig, save_weights

    save_weights(ImageNetResNetConfig(depth=50).build(SHAPE, CLASSES, rngs=nnx.Rngs(0)), file)


def measure(file: Path) -> dict[str, float]:
    """Seconds and bytes of loading, and of importing, in this process."""
    import jax
    import orbax.checkpoint  # noqa: F401

    from geomdl.data import Preprocessing
    from geomdl.models import ImageNetResNetConfig, load_weights
    from geomdl.training import RunConfig, save_as_run

    jax.block_until_ready(jax.device_put(np.zeros(3)))
    config = RunConfig.from_config_dict({"model": {"name": "resnet50"}, "training": {"steps": 1}})
    before, started, cpu, found = _resident(), time.perf_counter(), time.process_time(), {}
    model = ImageNetResNetConfig(depth=50).shapes(SHAPE, CLASSES)
    load_weights(model, file)
    found["load_seconds"], found["load_bytes"] = time.perf_counter() - started, _largest() - before
    found["load_cpu"] = time.process_time() - cpu
    with tempfile.TemporaryDirectory() as folder:
        save_as_run(
            model, config, f"{folder}/run", image_shape=SHAPE, classes=tuple(map(str, range(CLASSES))),
            preprocessing=Preprocessing(3, SHAPE[:2]), provenance="drawn at random",
        )  # fmt: skip
        found["import_seconds"], found["import_bytes"] = time.perf_counter() - started, _largest() - before
        found["import_cpu"] = time.process_time() - cpu
    return found


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _largest() -> float:
    """Of this process alone: ``ru_maxrss`` counts the one that started it too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default=str(RESULTS / "import_weights.csv"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(Path(given.one))))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "resnet50.safetensors"
        make(file)
        command = [sys.executable, "-m", "experiments.benchmarks.import_weights", f"--one={file}"]
        rounds = []
        for _ in range(given.rounds):
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
            rounds.append(json.loads(done.stdout.splitlines()[-1]))
        size = file.stat().st_size
    rows: list[Row] = []
    for what in ("load", "import"):
        of = {k: statistics.median(r[f"{what}_{k}"] for r in rounds) for k in ("seconds", "cpu", "bytes")}
        seconds, cpu, memory = of["seconds"], of["cpu"], of["bytes"]
        rows.append(
            {
                "what": what, "file_mb": round(size / MEGABYTE, 1), "seconds": round(seconds, 2),
                "cpu_seconds": round(cpu, 2), "memory_mb": round(memory / MEGABYTE, 1),
                "memory_over_file": round(memory / size, 2),
                "rounds": given.rounds, "target": "5 s; 2.5 × the file", **circumstances(),
            }
        )  # fmt: skip
        print(f"{what}: {seconds:.2f} s, {memory / size:.2f} × the file")
    write_csv(Path(given.out), rows)


if __name__ == "__main__":
    main()
