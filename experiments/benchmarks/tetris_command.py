"""From the start of a command to all pieces of Tetris: seconds of `geomdl train --config=configs/tetris_points.py`.

    python -m experiments.benchmarks.tetris_command

Target: at most 60 s on two cores, and all test pieces, turned and shifted, right. The command runs in a process and a
folder of its own, and compiles everything. Seconds of the processors say what it needs; seconds by the clock are more
on a machine that does other work. Writes experiments/results/benchmarks/tetris_command.csv.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from experiments.benchmarks.train_step import RESULTS
from geomdl.environment import circumstances
from geomdl.plots import Row, write_csv

ROOT = Path(__file__).parents[2]
CONFIG = "configs/tetris_points.py"


def measure(folder: Path) -> Row:
    """Runs the command, and evaluates the run; a row of the table."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "JAX_PLATFORMS": "cpu",
    }
    geomdl = [sys.executable, "-m", "geomdl"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    train = [*geomdl, "train", f"--config={ROOT / CONFIG}", f"--workdir={folder / 'run'}"]
    subprocess.run(train, check=True, env=environment, cwd=folder)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*geomdl, "evaluate", f"--workdir={folder / 'run'}"], check=True, env=environment, cwd=folder)
    found = json.loads((folder / "run" / "evaluation" / "test.json").read_text())
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "config": CONFIG,
        "steps": found["checkpoint"],
        "test_pieces": found["images"],
        "accuracy": found["accuracy"],
        "cpu_seconds": float(f"{used:.3g}"),
        "seconds": float(f"{seconds:.3g}"),
        "load_of_the_machine": round(os.getloadavg()[0], 1),
        **circumstances(),
    }


def main() -> None:
    """Measures, and writes the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        row = measure(Path(folder))
    write_csv(RESULTS / "tetris_command.csv", [row])
    print(row)


if __name__ == "__main__":
    main()
