"""The training images of a step: read, with an error that says what is left when that fails; and named afterwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from geomdl.data.loading.loaders import Loader
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.distributed.processes import first
from geomdl.training.workdir.json_file import write_json


class InputFailed(RuntimeError):
    """Training images that cannot be read any more: a file has gone or is damaged, or a reader has crashed."""


def fetched(loader: Loader, step: int, checkpoints: Checkpoints) -> Any:
    """Returns what the loader fetches for a step, counted from 0.

    Raises:
      InputFailed: names the step, the reason and the latest checkpoint.
    """
    try:
        return loader.fetch(step)
    except Exception as error:
        kept = checkpoints.latest
        saved = "no checkpoint was saved" if kept is None else f"the checkpoint of step {kept} is kept"
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputFailed(
            f"cannot read the training images of step {step + 1} ({reason}); {saved}; "
            "once the data is there, give the same command again to go on from it"
        ) from error


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
