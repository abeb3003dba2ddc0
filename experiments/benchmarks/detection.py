"""What decoding costs beside the forward pass of a detector, and suppression of 5,000 boxes beside torchvision's.

    python -m experiments.benchmarks.detection --torch=PYTHON --out=experiments/results/benchmarks/detection.csv

*Decoding*: each round times a compiled detector on 8 images, then the decoding of its outputs (candidates, the 200 of
the highest scores, class-wise suppression, 100 detections); the ratio is that of the two. *Suppression*: `nms` of one
class at IoU 0.5 with room for all boxes, and with room for 100, on one core; PYTHON is an interpreter with torch and
torchvision, which times `torchvision.ops.nms` on the same boxes with one thread. Seconds of the processors, which other
work on the machine hardly changes, and of the clock. Medians with the least and the greatest.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.boxes import nms
from geomdl.data import BoxTarget
from geomdl.environment import circumstances
from geomdl.evaluators import predictor
from geomdl.models import MODELS
from geomdl.plots import Row, write_csv
from geomdl.tasks import Detection

BATCH, BOXES, CLASSES = 8, 5000, ("a", "b", "c", "d")
_FCOS = {"channels": 8, "features": 32, "levels": 3, "tower": 1, "equal": "parameters"}
DETECTORS = {
    "FCOS, C1": ("fcos", {**_FCOS}),
    "FCOS, C4": ("fcos", {**_FCOS, "group": "C4"}),
    "oriented FCOS, C4": ("oriented_fcos", {**_FCOS, "group": "C4"}),
    "YOLO v1, C4": ("yolo_v1", {"channels": 8, "group": "C4", "equal": "parameters"}),
}
SIDES = (64, 128)
ARRANGEMENTS = {"spread": 0, "in 100 places": 100, "in 20 places": 20}

_TORCH = """
import json, sys, time
import numpy as np, torch, torchvision
torch.set_num_threads(1)
boxes, scores = (torch.tensor(np.load(sys.argv[1])[key]) for key in ("boxes", "scores"))
found = []
for _ in range(int(sys.argv[2]) + 1):
    wall, used = time.perf_counter(), time.process_time()
    kept = torchvision.ops.nms(boxes, scores, 0.5)
    found.append((time.perf_counter() - wall, time.process_time() - used))
print(json.dumps({"times": found[1:], "kept": kept.tolist(), "version": torchvision.__version__}))
"""


def decoding(rounds: int) -> list[Row]:
    """The time of decoding by that of the forward pass."""
    rows: list[Row] = []
    for name, (model_name, options) in DETECTORS.items():
        for side in SIDES:
            model = MODELS[model_name](**options).build((side, side, 1), len(CLASSES), rngs=0)
            oriented = model_name == "oriented_fcos"
            task = Detection(CLASSES, BoxTarget(len(CLASSES), oriented=oriented), threshold=0.0)
            x = jnp.asarray(np.random.default_rng(0).random((BATCH, side, side, 1)), jnp.float32)
            forward, decode = predictor(model), jax.jit(task.predictions)
            outputs = jax.block_until_ready(forward(x))
            jax.block_until_ready(decode(outputs))
            ratios, walls = [], []
            for _ in range(rounds):
                passed, decoded = _seconds(lambda f=forward, x=x: f(x)), _seconds(lambda d=decode, o=outputs: d(o))
                ratios.append(decoded[1] / passed[1])
                walls.append(decoded[0] / passed[0])
            rows.append(_row(f"decoding / forward pass, {name}", f"{BATCH} images {side}x{side}", ratios, walls))
    return rows


def suppression(torch: str | None, rounds: int) -> list[Row]:
    """Milliseconds of both, and their ratio."""
    rows: list[Row] = []
    for name, places in ARRANGEMENTS.items():
        boxes, scores = drawn(places)
        jax_boxes, jax_scores = jnp.asarray(boxes), jnp.asarray(scores)
        medians: dict[str, float] = {}
        for room in (BOXES, 100):
            run = lambda b=jax_boxes, s=jax_scores, m=room: nms(b, s, max_outputs=m)  # noqa: E731
            kept = np.asarray(run())
            times = [_seconds(run) for _ in range(rounds)]
            what = f"nms, room for {room}: milliseconds"
            size = f"{BOXES} boxes {name}, {int((kept >= 0).sum())} stay"
            rows.append(_row(what, size, [1000 * u for _, u in times], [1000 * w for w, _ in times]))
            medians[str(room)] = float(np.median([u for _, u in times]))
        if torch is not None:
            theirs = _torchvision(torch, boxes, scores, rounds)
            kept = np.asarray(nms(jax_boxes, jax_scores, max_outputs=BOXES))
            if kept[kept >= 0].tolist() != theirs["kept"]:
                raise RuntimeError(f"{name}: torchvision keeps other boxes")
            wall, used = ([1000 * t[i] for t in theirs["times"]] for i in (0, 1))
            rows.append(_row(f"torchvision {theirs['version']}: milliseconds", f"{BOXES} boxes {name}", used, wall))
            ratio = [1000 * medians[str(BOXES)] / float(np.median(used))]
            rows.append(_row(f"nms, room for {BOXES}: times torchvision's", f"{BOXES} boxes {name}", ratio, ratio))
    return rows


def drawn(places: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of 20 to 60 pixels on 1,000 × 1,000, spread evenly or about so many places, and their scores."""
    rng = np.random.default_rng(0)
    centre = rng.uniform(0, 1000, (BOXES, 2))
    if places:
        centre = centre[rng.integers(0, places, BOXES)] + rng.normal(0, 4, (BOXES, 2))
    sides = rng.uniform(20, 60, (BOXES, 2))
    boxes = np.concatenate([centre - sides / 2, centre + sides / 2], 1).astype(np.float32)
    return boxes, rng.permutation(BOXES).astype(np.float32) / BOXES  # no ties


def _torchvision(python: str, boxes: np.ndarray, scores: np.ndarray, rounds: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "boxes.npz"
        np.savez(file, boxes=boxes, scores=scores)
        said = subprocess.run(
            [python, "-c", _TORCH, str(file), str(rounds)], check=True, capture_output=True, text=True
        )
    return json.loads(said.stdout)


def _seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Of the clock, and of the processors."""
    wall, used = time.perf_counter(), time.process_time()
    jax.block_until_ready(function())
    return time.perf_counter() - wall, time.process_time() - used


def _row(what: str, size: str, values: list[float], clock: list[float]) -> Row:
    row: Row = {
        "what": what,
        "size": size,
        "rounds": len(values),
        "median": float(f"{np.median(values):.4g}"),
        "least": float(f"{min(values):.4g}"),
        "greatest": float(f"{max(values):.4g}"),
        "median_of_clock": float(f"{np.median(clock):.4g}"),
        **circumstances(),
    }
    print({key: value for key, value in row.items() if key not in ("hardware", "versions")}, flush=True)
    return row


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", default=None, help="an interpreter with torch and torchvision")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", default="experiments/results/benchmarks/detection.csv")
    arguments = parser.parse_args()
    rows = suppression(arguments.torch, arguments.rounds) + decoding(arguments.rounds)
    write_csv(Path(arguments.out), rows)


if __name__ == "__main__":
    main()
