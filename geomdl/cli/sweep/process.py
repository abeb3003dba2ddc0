"""Runs `geomdl` in a child process: its output goes to a log, and signals are passed on to it."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from geomdl.cli.support.interrupt import SIGNALS

# Linux ends the process when ours is killed, so that none is left behind holding a work directory.
_CODE = """
import signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
from geomdl.cli.main import main
sys.exit(main())
"""
_INTERRUPTED = (130, 75)  # stopped on request, to be gone on with


def run(arguments: Sequence[str], log: Path, title: str) -> int:
    """Gives a command and waits for it.

    The process is in a session of its own: Ctrl-C in a terminal reaches it once, through us, and it stops in its own
    way, after a checkpoint.

    Args:
      arguments: of `geomdl`.
      log: gets what the command prints, behind what is there.
      title: shown before the last line of the log while the command runs, on a terminal.

    Returns:
      The exit status; minus the signal when one killed it.

    Raises:
      KeyboardInterrupt: when we were told to stop, once the process has ended.
    """
    received: list[int] = []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        received.append(number)
        process.send_signal(number)

    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in heard}
    try:
        status = _wait(process, log, title)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise KeyboardInterrupt
    return status


def _wait(process: subprocess.Popen[bytes], log: Path, title: str) -> int:
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if sys.stderr.isatty():
                print(f"\r\x1b[K{title}: {last_line(log)}"[:200], end="", file=sys.stderr, flush=True)
        finally:
            if process.returncode is not None and sys.stderr.isatty():
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def last_line(log: Path) -> str:
    """Returns the last line of a log."""
    lines = log.read_bytes()[-4000:].decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("geomdl: ") if lines else "(nothing was printed)"


def meaning(status: int) -> str:
    """Returns an exit status in words.

    >>> meaning(2), meaning(-9)
    ('exit status 2', 'killed by SIGKILL (out of memory?)')
    """
    if status >= 0:
        return "stopped on request" if status in _INTERRUPTED else f"exit status {status}"
    name = signal.Signals(-status).name
    return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
