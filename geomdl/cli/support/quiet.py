"""Keeps what libraries say off the terminal; what matters in it comes back as an error."""

import sys
import warnings
from typing import Any


def quiet_libraries() -> None:
    """Silences the absl logger, which Orbax and TensorFlow Datasets write to, and Orbax's closed event loops."""
    from absl import logging

    logging.set_verbosity(logging.FATAL)
    # Of a save that failed before they began.
    warnings.filterwarnings("ignore", r"coroutine '.*' was never awaited", RuntimeWarning)
    if sys.unraisablehook is not _hook:
        _before.append(sys.unraisablehook)
        sys.unraisablehook = _hook


def _hook(found: Any) -> None:
    """Prints an error that nobody can catch, but not those of writes that outlive a save that failed before them."""
    if not (isinstance(found.exc_value, RuntimeError) and str(found.exc_value) == "Event loop is closed"):
        _before[-1](found)


_before: list[Any] = []
