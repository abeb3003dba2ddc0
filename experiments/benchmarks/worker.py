"""escnn beside geomdl in one run: a process that waits while the other measures."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("escnn_worker.py")
MISSING = (
    "escnn is not importable here: measuring geomdl's side only. pip install escnn (it needs gfortran) into this or"
    " another environment, and name that one's Python: --escnn-python=PATH"
)


class Worker:
    """A process that runs `escnn_worker.py`.

    Args:
      python: the interpreter of an environment with escnn.

    Raises:
      RuntimeError: when the process does not answer.
    """

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, "-W", "ignore", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.versions = self.ask("versions")

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends one command and waits for its answer; what else is printed is passed over."""
        source, sink = self.process.stdout, self.process.stdin
        if source is None or sink is None:
            raise RuntimeError("escnn's process has no pipes")
        sink.write(json.dumps({"do": do, **arguments}) + "\n")
        sink.flush()
        for line in source:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise RuntimeError(f"escnn's process ended at the command {do} with status {self.process.wait()}")

    def close(self) -> None:
        """Ends the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def start(python: str | None) -> Worker | None:
    """The worker, or None with a message when escnn is nowhere to be found."""
    if python is None and importlib.util.find_spec("escnn") is not None:
        python = sys.executable
    if python is None:
        print(MISSING)
        return None
    return Worker(python)
