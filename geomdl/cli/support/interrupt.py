"""Ctrl-C and SIGTERM end a run after a step and a checkpoint, not in the middle of one."""

import signal
import sys
from types import FrameType, TracebackType

from geomdl.training.loop.interruption import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if not self._running:
            raise Interrupted
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        print(f"\ngeomdl: {name}: stopping after this step, with a checkpoint (again: at once)", file=sys.stderr)
