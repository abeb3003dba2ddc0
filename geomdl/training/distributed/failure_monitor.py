"""Monitors the processes of a run: when one fails, the others, which would wait forever, end with its message."""

import json
import os
import sys
import threading
import time
from typing import Any

import jax

from geomdl.training.distributed.processes import alone, client, one_line

STATUS = 1
"""The exit status of a process that ends because another has failed."""

_KEY = "geomdl/failed"
_INTERVAL = 0.5  # seconds between two looks
_GRACE = 3.0  # seconds in which a process may end by itself: most errors are found by all


class FailureMonitor:
    """Looks, in a thread, whether another process has failed; then says so, and ends this one.

    This one may stand in a computation with the other, which nothing but its end can interrupt. What it was saving is
    left unfinished; the checkpoint before stays.
    """

    def __init__(self) -> None:
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(client(),), daemon=True)
        if not alone():
            self._thread.start()

    def tell(self, error: BaseException) -> None:
        """Tells the others that this process ends with an error."""
        if alone():
            return
        self.leave()
        try:
            client().key_value_set(_KEY, json.dumps([jax.process_index(), one_line(error)]))
        except Exception:  # another was faster, or the coordinator has gone
            return
        if jax.process_index() == 0:  # the message goes with this process
            time.sleep(2 * _INTERVAL)

    def leave(self) -> None:
        """Stops looking."""
        self._left.set()

    def _look(self, coordinator: Any) -> None:
        while not self._left.wait(_INTERVAL):
            try:
                found = coordinator.key_value_try_get(_KEY)
            except Exception:  # nothing is there
                continue
            if self._left.wait(_GRACE):
                return
            process, reason = json.loads(found)
            print(
                f"geomdl: error: process {process} has failed ({reason}); the same command goes on from the latest "
                "checkpoint once that is mended",
                file=sys.stderr,
                flush=True,
            )
            os._exit(STATUS)
