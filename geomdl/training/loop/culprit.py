"""Which training images a step that was not finite had seen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from geomdl.training.distributed.processes import first
from geomdl.training.workdir.workdir import write_json


class Ordered(Protocol):
    """A loader that knows its order."""

    def indices(self, step: int) -> np.ndarray:
        """The places of the images of a step in the training split."""
        ...


def culprit(loader: Ordered, step: int, directory: Path) -> str:
    """Names the images of a step, and writes all of their places to ``nonfinite.json``.

    Args:
      loader: of the run.
      step: counted from 1.
      directory: the work directory.
    """
    places: Sequence[int] = np.asarray(loader.indices(step - 1)).tolist()
    shown = ", ".join(map(str, places[:8])) + (", …" if len(places) > 8 else "")
    if first():
        write_json(directory / "nonfinite.json", {"step": step, "training_images": places})
    return f"step {step}, whose training images are {shown} (all in {directory / 'nonfinite.json'})"
