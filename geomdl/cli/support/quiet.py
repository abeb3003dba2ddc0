"""Keeps what libraries say off the terminal; what matters in it comes back as an error."""

import sys
from types import TracebackType
from typing import Any


def quiet_libraries() -> None:
    """Silences the absl logger, which Orbax and TensorFlow Datasets write to, and Orbax's closed event loops."""
    from absl import logging

    logging.set_verbosity(logging.FATAL)
    if sys.excepthook is not _hook:
        _before.append(sys.excepthook)
        sys.excepthook = _hook


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Prints an error that nobody catches, but not those of writes that outlive a save that has failed before them."""
    if not (isinstance(error, RuntimeError) and str(error) == "Event loop is closed"):
        (_before[-1] if _before else sys.__excepthook__)(kind, error, trace)


_before: list[Any] = []
