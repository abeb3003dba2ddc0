"""The progress of a study through its runs: a bar on a terminal, lines in a log file."""

import sys
from collections.abc import Iterator, Sequence
from typing import Generic, TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")


class RunProgress(Generic[T]):
    """Goes through the runs of a study, and shows which one is at work.

    On a terminal there is a bar with the time left; on anything else every run is a line.

    Args:
      runs: what is gone through.
      title: of the study.
      stream: where to draw; standard error by default.

    >>> with RunProgress(["cnn", "gcnn"], "quickstart", sys.stdout) as progress:
    ...     for name in progress:
    ...         progress.note(name)
    quickstart: 1 of 2, cnn
    quickstart: 2 of 2, gcnn
    """

    def __init__(self, runs: Sequence[T], title: str, stream: TextIO | None = None) -> None:
        self._runs, self._title = runs, title
        self._stream = sys.stderr if stream is None else stream
        self._done = 0
        self._bar = tqdm(runs, desc=title, unit="run", file=self._stream) if self._stream.isatty() else None

    def __enter__(self) -> "RunProgress[T]":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __iter__(self) -> Iterator[T]:
        for number, run in enumerate(self._bar if self._bar is not None else self._runs, start=1):
            self._done = number
            yield run

    def note(self, text: str) -> None:
        """Says what the run is that has begun."""
        if self._bar is not None:
            self._bar.set_postfix_str(text)
        else:
            print(f"{self._title}: {self._done} of {len(self._runs)}, {text}", file=self._stream, flush=True)
