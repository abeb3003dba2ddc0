"""Time to construct networks, weights drawn, each in a fresh process; escnn's example network side by side.

    python -m experiments.benchmarks.construction [--escnn-python=PATH] [--rounds=5] [--networks=C8 example,...]

Targets: the C8 example network in at most 0.1 times escnn's time; the D16→C16 final network in at most 3 s;
E(2)-WRN-28-10 in at most 10 s. The clock starts after the libraries are imported and the device answers, and stops when
all weights are there: kernel spaces are solved and initial draws compiled anew in every process ("first"). A second
construction in the same process finds the solved spaces in memory ("again"). The two sides take turns; the table gives
medians, and the ratio that of the rounds. Writes experiments/results/benchmarks/construction.csv.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from experiments.benchmarks.worker import Worker, start
from geomdl.environment import circumstances
from geomdl.plots import Row, write_csv

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
NETWORKS: dict[str, tuple[str, dict[str, Any], tuple[int, int, int]]] = {
    "C8 example": ("steerable_example", {"group": "C8"}, (29, 29, 1)),
    "D16→C16 final": (
        "mnist_final",
        {"group": "D16", "restrict_to": "C16", "equal_parameters": True},
        (28, 28, 1),
    ),
    "C16 quotient final": (
        "mnist_final",
        {"group": "C16", "field_mixture": "5 regular + 2 quotient(C2) + 2 quotient(C4) + 4 trivial"},
        (28, 28, 1),
    ),
    "E(2)-WRN-28-10": ("e2_wrn", {}, (33, 33, 3)),
    "E(2)-WRN-16-8": ("e2_wrn", {"depth": 16, "width": 8, "initial_stride": 2}, (97, 97, 3)),
}
"""The model of a config, its keys, and the shape of its images."""

TARGETS = {"C8 example": "0.1 × escnn", "D16→C16 final": "3 s", "E(2)-WRN-28-10": "10 s"}


def build(name: str) -> dict[str, float]:
    """Seconds of the first and of a second construction in this process, and the number of parameters."""
    import jax
    from flax import nnx

    from geomdl.models import MODELS, count_parameters

    model, keys, shape = NETWORKS[name]
    jax.block_until_ready(jax.device_put(0.0))
    seconds, parameters = [], 0
    for _ in range(2):
        started = time.perf_counter()
        network = MODELS[model](**keys).build(shape, 10, rngs=nnx.Rngs(0))
        jax.block_until_ready(nnx.state(network))
        seconds.append(time.perf_counter() - started)
        parameters = count_parameters(network)
    return {"first": seconds[0], "again": seconds[1], "parameters": parameters}


def in_fresh_process(name: str) -> dict[str, float]:
    """`build` in a process of its own."""
    command = [sys.executable, "-m", "experiments.benchmarks.construction", f"--one={name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    return json.loads(done.stdout.splitlines()[-1])


def measure(name: str, rounds: int, escnn_python: str | None) -> Row:
    """A row of the table."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(in_fresh_process(name))
        if escnn_python is not None and name == "C8 example":
            worker = Worker(escnn_python)
            answer = worker.ask(
                "build", group="C8", fields=(24, 48, 48, 96, 96, 64), seed=0, batch=1, size=29, blur=0.66
            )
            theirs.append(answer["seconds"])
            worker.close()
    ratios = [a["first"] / b for a, b in zip(ours, theirs, strict=False)]
    return {
        "network": name,
        "parameters": int(ours[0]["parameters"]),
        "rounds": rounds,
        "first_s": round(statistics.median(o["first"] for o in ours), 3),
        "first_least_s": round(min(o["first"] for o in ours), 3),
        "again_s": round(statistics.median(o["again"] for o in ours), 3),
        "escnn_s": round(statistics.median(theirs), 3) if theirs else "",
        "over_escnn": round(statistics.median(ratios), 3) if ratios else "",
        "target": TARGETS.get(name, ""),
    }


def sentence(row: Row) -> str:
    """A row in words."""
    text = f"{row['network']}: {row['first_s']} s, again {row['again_s']} s; {row['parameters']:,} parameters"
    if row["over_escnn"] != "":
        text += f"; {row['over_escnn']} times escnn's {row['escnn_s']} s"
    return text + (f" (target: {row['target']})" if row["target"] else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--escnn-python", help="the Python of an environment with escnn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--out", type=Path, default=RESULTS / "construction.csv")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(build(given.one)))
        return
    worker = start(given.escnn_python)
    python = None if worker is None else given.escnn_python or sys.executable
    about = circumstances(worker.versions if worker else None)
    if worker is not None:
        worker.close()
    rows: list[Row] = []
    for name in given.networks.split(","):
        rows.append({**measure(name, given.rounds, python), **about})
        print(sentence(rows[-1]), flush=True)
        write_csv(given.out, rows)
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
