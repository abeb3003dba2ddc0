"""What checkpoints cost a run, and how soon a run that was stopped takes its next step.

    python -m experiments.benchmarks.checkpoint_overhead [--configs=digits_cnn,digits_gcnn_c4] [--epochs=6]

Targets: checkpoints at the default interval (one epoch, with the evaluation) take less than 2 % of the training time;
the first step after a restart, with a warm compilation cache, comes within 10 s of the start of the process. Each
config is trained in a fresh process for some epochs, once to fill the cache and to have something to go on from; then
that run is gone on with. "blocked" is the time in which the loop waits for a checkpoint: copying the state, and what is
not finished of the checkpoint before. Training time counts from the second step to the last, evaluations included.
Writes experiments/results/benchmarks/checkpoint_overhead.csv.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
CONFIGS = ("digits_cnn", "digits_gcnn_c4")
_CODE = "import sys; from experiments.benchmarks.checkpoint_overhead import child; child(*sys.argv[1:])"


class Clock:
    """A progress that notes when steps are given to the device."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def start(self, done: int, total: int, batch_size: int) -> None:
        """Nothing to note."""

    def step(self) -> None:
        """Notes the time."""
        self.times.append(time.time())

    def write(self, record: dict[str, Any]) -> None:
        """Nothing to note."""

    def close(self) -> None:
        """Nothing to note."""


def child(name: str, workdir: str, cache: str, epochs: str, began: str) -> None:
    """Trains in this process and prints what it measured."""
    from geomdl.cli.compilation_cache import use_compilation_cache

    use_compilation_cache(cache)
    from geomdl.cli.config_file import load_config
    from geomdl.cli.quiet import quiet_libraries
    from geomdl.training.checkpoint import Checkpoints
    from geomdl.training.config import RunConfig
    from geomdl.training.loop import train
    from geomdl.training.workdir import hardware, versions

    quiet_libraries()
    values = load_config(name, [f"--config.training.epochs={epochs}", "--config.training.patience=None"])
    blocked: list[float] = []
    save = Checkpoints.save

    def timed(self: Checkpoints, *args: Any, **kwargs: Any) -> None:
        started = time.perf_counter()
        save(self, *args, **kwargs)
        blocked.append(time.perf_counter() - started)

    Checkpoints.save = timed  # type: ignore[method-assign]
    clock = Clock()
    train(RunConfig.from_config_dict(values), workdir, progress=clock, allow_change=["training.epochs"])
    print(
        json.dumps(
            {
                "first_step": clock.times[1] - float(began),  # the second is given when the first is done
                "training": clock.times[-1] - clock.times[1],
                "steps": len(clock.times),
                "blocked": sum(blocked),
                "checkpoints": len(blocked),
                "hardware": ", ".join(f"{k} {v}" for k, v in hardware().items()),
                "versions": ", ".join(f"{k} {v}" for k, v in versions().items()),
            }
        )
    )


def measured(name: str, workdir: Path, cache: Path, epochs: int) -> dict[str, Any]:
    """What a fresh process measures."""
    arguments = [sys.executable, "-c", _CODE, name, str(workdir), str(cache), str(float(epochs)), str(time.time())]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measures, prints and writes the table."""
    from geomdl.plots.tables import Row, write_csv

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", default=",".join(CONFIGS))
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.configs.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            workdir, cache = Path(temporary) / "run", Path(temporary) / "cache"
            cold = measured(name, workdir, cache, 1)
            warm = measured(name, workdir, cache, arguments.epochs)
        share = warm["blocked"] / warm["training"]
        rows.append(
            {
                "config": name,
                "steps": warm["steps"],
                "checkpoints": warm["checkpoints"],
                "training_s": round(warm["training"], 2),
                "blocked_s": round(warm["blocked"], 3),
                "overhead_percent": round(100 * share, 2),
                "first_step_cold_s": round(cold["first_step"], 2),
                "first_step_resumed_s": round(warm["first_step"], 2),
                "load_average": round(os.getloadavg()[0], 1),
                "hardware": warm["hardware"],
                "versions": warm["versions"],
            }
        )
        print({k: v for k, v in rows[-1].items() if k not in ("hardware", "versions")}, flush=True)
    write_csv(RESULTS / "checkpoint_overhead.csv", rows)


if __name__ == "__main__":
    main()
