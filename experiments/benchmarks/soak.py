"""Kills a run with SIGKILL again and again, and compares its end with that of a run that nothing interrupted.

  python -m experiments.benchmarks.soak --kills=50 --out=experiments/results/benchmarks/soak.csv

A small network (dropout, augmentation, Adam, early checkpoints) is trained by `geomdl train` in fresh processes, with
the persistent compilation cache. Every process but the last of a round is killed at a random instant: while it starts,
takes steps, evaluates, or saves. When a round is done, its parameters (latest and best checkpoint), optimiser state and
metrics.jsonl must equal those of the uninterrupted run bit by bit; rounds are run until there were enough kills. In
every other round an evaluation leaves a checkpoint only when the latest is half a second old, and there are no others.
"""

import argparse
import collections
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS, EVAL_EVERY, CHECKPOINT_EVERY = 600, 40, 15
AIMS = ("start", "steps", "evaluation", "saving")
PER_ROUND = 9  # kills at most, so that there are several rounds
COLUMNS = ("kill", "round", "aim", "seconds_after_start", "latest_step", "state_of_directory")
CONFIG = f"""
from ml_collections import ConfigDict

def get_config():
    return ConfigDict(dict(
        seed=3,
        data=dict(name="digits", size=12, train_size=300, test_size=100, validation_size=300),
        augmentation=dict(flip=True, shift=1),
        model=dict(name="cnn", width=4, depth=1, kernel_size=3, dropout=0.3),
        optimizer=dict(name="adam", learning_rate=0.003, weight_decay=1e-4),
        schedule=dict(name="cosine", warmup_steps=10),
        training=dict(batch_size=32, steps={STEPS}, eval_every={EVAL_EVERY}, checkpoint_every={CHECKPOINT_EVERY},
                      checkpoint_seconds=0, log_every=7, eval_batch_size=15, ema=0.99),
    ))
"""


def command(folder: Path, workdir: Path) -> list[str]:
    """The command of a run; its directory's name says whether checkpoints follow the clock."""
    by_clock = ["--config.training.checkpoint_seconds=0.5", "--config.training.checkpoint_every=None"]
    return [
        *(sys.executable, "-c", "import sys; from geomdl.cli.main import main; sys.exit(main())"),
        *("train", f"--config={folder / 'config.py'}", f"--workdir={workdir}", "--quiet"),
        f"--compilation_cache={folder / 'cache'}",
        *(by_clock if workdir.name.endswith("clock") else []),
    ]


def begin(folder: Path, workdir: Path) -> subprocess.Popen[bytes]:
    """Starts, or goes on with, a run."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command(folder, workdir), stdout=log, stderr=log, env=environment)


def last_record(workdir: Path) -> dict[str, Any]:
    """The last whole record of metrics.jsonl."""
    try:
        lines = (workdir / "metrics.jsonl").read_text(errors="replace").split("\n")[:-1]
        return json.loads(lines[-1])
    except (OSError, IndexError, ValueError):
        return {}


def evaluating(workdir: Path) -> bool:
    """Whether the step of the last record is to be evaluated, and has not been."""
    record = last_record(workdir)
    return record.get("split") == "train" and record["step"] % EVAL_EVERY == 0


def saving(workdir: Path) -> bool:
    """Whether there is an unfinished checkpoint, or one that is being removed."""
    names = os.listdir(workdir / "checkpoints") if (workdir / "checkpoints").is_dir() else []
    return any(not name.isdigit() for name in names)


def wait_for(aim: str, workdir: Path, process: subprocess.Popen[bytes], draw: random.Random) -> None:
    """Returns at a random instant of the kind that is aimed at, or when the process has ended."""
    if aim == "start":
        deadline = time.monotonic() + draw.uniform(0, 8)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return
    before = (workdir / "metrics.jsonl").stat().st_mtime_ns if (workdir / "metrics.jsonl").exists() else 0
    while process.poll() is None:  # until this process writes
        if (workdir / "metrics.jsonl").exists() and (workdir / "metrics.jsonl").stat().st_mtime_ns != before:
            break
        time.sleep(0.005)
    happens = {"evaluation": evaluating, "saving": saving}.get(aim, lambda _: True)
    for _ in range(draw.randint(1, 3)):
        while process.poll() is None and happens(workdir) and aim != "steps":
            time.sleep(0.0005)
        while process.poll() is None and not happens(workdir):
            time.sleep(0.0005)
        if aim == "steps":
            time.sleep(draw.uniform(0, 0.3))
    time.sleep(draw.uniform(0, 0.03))


def latest(workdir: Path) -> int:
    """The step of the latest checkpoint."""
    return max((int(p.name) for p in (workdir / "checkpoints").glob("[0-9]*") if p.name.isdigit()), default=0)


def found(workdir: Path) -> str:
    """What a killed process has left behind."""
    if not (workdir / "checkpoints").is_dir():
        return "not begun"
    names = os.listdir(workdir / "checkpoints")
    whole = [name for name in names if name.isdigit()]
    states = {
        "unfinished checkpoint": any("tmp" in name for name in names),
        "half-removed checkpoint": any(name.endswith(".unwanted") for name in names),
        "no digests yet": any(not (workdir / "checkpoints" / name / "digests.json").exists() for name in whole),
        "evaluating": evaluating(workdir),
        "torn record": not (workdir / "metrics.jsonl").read_text(errors="replace").endswith("\n")
        if (workdir / "metrics.jsonl").exists()
        else False,
    }
    return ", ".join(name for name, there in states.items() if there) or "between steps"


def end_state(workdir: Path) -> tuple[list[Any], list[dict[str, Any]]]:
    """The arrays of the latest and the best checkpoint, with the optimiser's, and the records without the speed."""
    import jax
    import numpy as np

    from geomdl.training import Checkpoints, read_config
    from geomdl.training.loop.parts import Parts

    config = read_config(workdir)
    _, standing = Parts.build(config, config.data.load()).initial()
    checkpoints = Checkpoints(workdir / "checkpoints")
    trees = [checkpoints.restore(checkpoints.find(which), standing.saved()) for which in ("latest", "best")]
    checkpoints.close()
    records = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    plain = [{k: v for k, v in r.items() if k != "images_per_second"} for r in records]
    return [np.asarray(a) for a in jax.tree.leaves(trees)], plain


def same(one: Path, other: Path) -> bool:
    """Whether two runs have ended alike, bit by bit."""
    (arrays, records), (others, other_records) = end_state(one), end_state(other)
    bits = [a.tobytes() == b.tobytes() and a.dtype == b.dtype for a, b in zip(arrays, others, strict=True)]
    return all(bits) and records == other_records


def main() -> None:
    """Runs the soak, prints what happened and writes the CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    draw, rows, rounds, started = random.Random(arguments.seed), [], 0, time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "config.py").write_text(CONFIG)
        straight = ("straight-clock", "straight-steps")
        for name in straight:
            require(begin(folder, folder / name).wait() == 0, folder, "the uninterrupted run failed")
        while len(rows) < arguments.kills:
            rounds += 1
            before = len(rows)
            workdir = folder / f"round-{rounds}-{'steps' if rounds % 2 else 'clock'}"
            while True:
                enough = len(rows) >= min(arguments.kills, before + PER_ROUND)
                aim, began = "none" if enough else draw.choice(AIMS), time.monotonic()
                process = begin(folder, workdir)
                if aim == "none":
                    process.wait()
                else:
                    wait_for(aim, workdir, process, draw)
                if process.poll() is not None:
                    break
                process.send_signal(signal.SIGKILL)
                process.wait()
                values = (len(rows) + 1, rounds, aim, round(time.monotonic() - began, 2), latest(workdir))
                rows.append(dict(zip(COLUMNS, (*values, found(workdir)), strict=True)))
                print(" ".join(f"{v!s:>10}" for v in rows[-1].values()), flush=True)
            require(process.returncode == 0, folder, f"round {rounds} ended with status {process.returncode}")
            require(same(folder / straight[rounds % 2], workdir), folder, f"round {rounds} ended with other numbers")
            print(f"round {rounds}: equal, bit by bit", flush=True)
    states = collections.Counter(state for row in rows for state in row["state_of_directory"].split(", "))
    print(f"{len(rows)} kills in {rounds} rounds of {STEPS} steps, all equal ({time.monotonic() - started:.0f} s)")
    print(", ".join(f"{name}: {count}" for name, count in states.most_common()))
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        with arguments.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)


def require(held: bool, folder: Path, message: str) -> None:
    """Ends the soak with a message and the last lines of the log unless a condition holds."""
    if not held:
        raise SystemExit(message + "\n" + "\n".join((folder / "log.txt").read_text().splitlines()[-5:]))


if __name__ == "__main__":
    main()
