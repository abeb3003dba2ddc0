"""What checkpoints cost a run, and how soon a run that was stopped takes its next step.

    python -m experiments.benchmarks.checkpoint_overhead [--configs=digits_cnn,digits_gcnn_c4] [--epochs=0,200]

Targets: checkpoints at the default interval (``training.checkpoint_seconds``) take less than 2 % of the training time;
the first step after a restart, with a warm compilation cache, comes within 10 s of the start of the process. Each
config is trained in a fresh process, which is asked to stop after ``STOP`` steps, to fill the cache and to have
something to go on from; then the same run is gone on with to its end: after the epochs that the config has
(``--epochs=0``), or many. "blocked" is the time in which the loop waits for a checkpoint before the last step: copying
the state, and what is not finished of the checkpoint before. "end" is what comes once, however long the run: the best
and the last model are written, and waited for. Training time counts from the second step to the end of that,
evaluations included.
Writes experiments/results/benchmarks/checkpoint_overhead.csv.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
CONFIGS = ("digits_cnn", "digits_gcnn_c4")
STOP = 50
"""Steps before the first process is asked to stop: more than an epoch, so that there was an evaluation."""

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


def child(name: str, workdir: str, cache: str, epochs: str, until: str, began: str) -> None:
    """Trains in this process, to the end or until so many steps, and prints what it measured."""
    from geomdl.cli.support.compilation_cache import use_compilation_cache

    use_compilation_cache(cache)
    from geomdl.cli.support.config_file import load_config
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.environment import circumstances
    from geomdl.training import Checkpoints, Interrupted, RunConfig, train

    quiet_libraries()
    length = [f"--config.training.epochs={epochs}"] if epochs else []
    values = load_config(name, [*length, "--config.training.patience=None"])
    calls: list[tuple[float, float]] = []
    within, written = [False], []

    def timed(action: Callable[..., None]) -> Callable[..., None]:
        def measured(*args: Any, **kwargs: Any) -> None:
            if within[0]:
                return action(*args, **kwargs)
            within[0], started = True, time.time()
            try:
                action(*args, **kwargs)
            finally:
                within[0] = False
                calls.append((started, time.time()))

        return measured

    def counted(self: Checkpoints, step: int, *args: Any) -> None:
        written.append(step)
        write(self, step, *args)

    write = Checkpoints._save  # the best of the evaluations before a checkpoint is written with it
    Checkpoints._save = counted  # type: ignore[method-assign]
    for method in ("save", "hold", "wait"):
        setattr(Checkpoints, method, timed(getattr(Checkpoints, method)))
    clock = Clock()
    config = RunConfig.from_config_dict(values)
    with contextlib.suppress(Interrupted):
        train(config, workdir, progress=clock, stop=lambda: bool(until) and len(clock.times) >= int(until))
    last = clock.times[-1]
    print(
        json.dumps(
            {
                "first_step": clock.times[1] - float(began),  # the second is given when the first is done
                "training": calls[-1][1] - clock.times[1],
                "steps": len(clock.times),
                "blocked": sum(end - begin for begin, end in calls if begin < last),
                "end": sum(end - begin for begin, end in calls if begin >= last),
                "checkpoints": len(written),
                **circumstances(),
            }
        )
    )


def measured(name: str, workdir: Path, cache: Path, epochs: int, until: int | None = None) -> dict[str, Any]:
    """What a fresh process measures."""
    length = str(float(epochs)) if epochs else ""
    arguments = [
        sys.executable,
        "-c",
        _CODE,
        name,
        str(workdir),
        str(cache),
        length,
        str(until or ""),
        str(time.time()),
    ]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measures, prints and writes the table."""
    from geomdl.plots import Row, write_csv

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", default=",".join(CONFIGS))
    parser.add_argument("--epochs", default="0,200", help="numbers of epochs; 0: those of the config")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.configs.split(","):
        for epochs in map(int, arguments.epochs.split(",")):
            with tempfile.TemporaryDirectory() as temporary:
                workdir, cache = Path(temporary) / "run", Path(temporary) / "cache"
                cold = measured(name, workdir, cache, epochs, until=STOP)
                warm = measured(name, workdir, cache, epochs)
            blocked, end, training = (warm[k] for k in ("blocked", "end", "training"))
            rows.append(
                {
                    "config": name,
                    "epochs": epochs or "its own",
                    "steps": warm["steps"],
                    "checkpoints": warm["checkpoints"],
                    "training_s": round(training, 2),
                    "blocked_s": round(blocked, 3),
                    "end_s": round(end, 3),
                    "overhead_percent": round(100 * blocked / training, 2),
                    "with_end_percent": round(100 * (blocked + end) / training, 2),
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
