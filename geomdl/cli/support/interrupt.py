"""Ctrl-C, SIGTERM and SIGHUP end a run after a step and a checkpoint, not in the middle of one."""

import contextlib
import signal
import sys
from types import FrameType, TracebackType

from geomdl.training.loop.interruption import Interrupted

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What a run is asked to stop with; SIGHUP comes when its terminal is closed, and is no signal of Windows."""


class Interruption:
    """Notes a signal while it is entered, for the training loop to ask about.

    Until the loop first asks there is nothing to finish, and the signal raises `Interrupted` at once. A second signal
    ends the process at once, whatever it is doing.
    """

    def __init__(self) -> None:
        self._running = False
        self._asked = False

    def asked(self) -> bool:
        """Whether there was a signal."""
        self._running = True
        return self._asked

    def __enter__(self) -> "Interruption":
        # What was ignored stays so: nohup is there for a run to outlive its terminal.
        heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        for each in self._before:
            signal.signal(each, signal.SIG_DFL)
        if not self._running:
            raise Interrupted
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        with contextlib.suppress(OSError):  # the terminal may have gone
            print(f"\ngeomdl: {name}: stopping after this step, with a checkpoint (again: at once)", file=sys.stderr)
