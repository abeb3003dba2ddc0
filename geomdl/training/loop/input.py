"""Reading the images of a step, with an error that says what is left when that fails."""

from typing import Any

from geomdl.data.loading.loaders import Loader
from geomdl.training.checkpoints.checkpoint import Checkpoints


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
