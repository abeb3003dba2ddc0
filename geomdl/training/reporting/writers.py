"""Where the numbers of a run go: metrics.jsonl, TensorBoard, the terminal."""

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
from tqdm import tqdm

from geomdl.errors import shortened
from geomdl.training.distributed.processes import first
from geomdl.training.reporting.outside import is_number, is_whole
from geomdl.training.workdir.workdir import WorkdirError

Record = dict[str, Any]
"""``{"step": 100, "split": "train", "loss": 0.3, ...}``."""


class Writer(Protocol):
    """Takes the records of a run as they come."""

    def write(self, record: Record) -> None:
        """Takes one record."""
        ...

    def close(self) -> None:
        """Finishes what was begun."""
        ...


class Progress(Writer, Protocol):
    """A writer that also hears of every step."""

    def start(self, done: int, total: int, batch_size: int) -> None:
        """The run goes from step ``done`` to step ``total``."""
        ...

    def step(self) -> None:
        """One more step was given to the device."""
        ...


class JsonlWriter:
    """One JSON object per line, each on disk before the next step is taken.

    Args:
      path: of the file.
      step: the step that the run goes on from. Records of later steps, and a last line that was cut off when the run
        was killed, are removed: they will be written again.

    Raises:
      WorkdirError: when a line before the last is no record.
    """

    def __init__(self, path: Path, step: int = 0) -> None:
        kept = [r for r in read_metrics(path) if r["step"] <= step] if path.exists() else []
        partial = path.with_name(path.name + ".partial")
        partial.write_text("".join(_line(r) for r in kept), encoding="utf-8")
        partial.replace(path)
        self._path = path
        self._file = path.open("ab", buffering=0)

    def write(self, record: Record) -> None:
        """Appends one line.

        Raises:
          WorkdirError: when it cannot be written, as on a full disk.
        """
        rest = _line(record).encode()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise WorkdirError(
                f"cannot write to {self._path} ({error.strerror}); nothing else was changed; when there is room to "
                "write, give the same command again to go on"
            ) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def read_metrics(path: Path | str) -> list[Record]:
    """Returns the records of a metrics.jsonl; blank lines, and a last one that was cut off, are left out.

    Args:
      path: of the file.

    Raises:
      WorkdirError: when there is no such file, or a line is no record: something else, or without numbers.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise WorkdirError(
            f"{path}, the records of the run, is missing; put it back, or train again in another work directory"
        ) from None
    except UnicodeDecodeError as error:
        raise WorkdirError(f"cannot read {path}, the records of the run ({error}); nothing was changed") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    records: list[Record] = []
    for place, (number, line) in enumerate(lines, start=1):
        record: Any = {}
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            if place == len(lines):
                break  # it was cut off
        fault = _fault(record)
        if fault:
            raise WorkdirError(f"line {number} of {path} is not a record of a run ({fault}); nothing was changed")
        records.append(record)
    return records


def _fault(record: Any) -> str | None:
    """What is wrong with a line of metrics.jsonl; None for a record."""
    if not isinstance(record, dict) or not {"step", "split"} <= set(record):
        return "it has no step and split"
    if not is_whole(record["step"]):
        return f"step is {shortened(repr(record['step']), 40)}, not a whole number"
    if not isinstance(record["split"], str):
        return f"split is {shortened(repr(record['split']), 40)}, not a name"
    for key, value in record.items():
        if key != "split" and not is_number(value):
            return f"{key} is {shortened(repr(value), 40)}, not a number"
    return None


def _line(record: Record) -> str:
    return (
        json.dumps({k: v if not isinstance(v, float) or math.isfinite(v) else None for k, v in record.items()}) + "\n"
    )


class _Forgiving:
    """Events for TensorBoard as far as they can be written: on a full disk the thread that writes them would end, and
    the run wait for it for ever."""

    def __init__(self, events: Any) -> None:
        self._events = events

    def write_event(self, event: Any) -> None:
        with contextlib.suppress(OSError):
            self._events.write_event(event)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._events.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._events.close()


class TensorBoardWriter:
    """Scalars named ``split/metric``.

    Args:
      directory: of the event files.
      step: the step that the run goes on from; TensorBoard forgets what it has of later ones.
    """

    def __init__(self, directory: Path, step: int = 0) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(directory), purge_step=step + 1 if step else None)
        files: Any = self._writer._get_file_writer()  # has no public name
        events = files.event_writer
        events._ev_writer = events._worker._record_writer = _Forgiving(events._ev_writer)

    def write(self, record: Record) -> None:
        """Adds every number of the record."""
        for name, value in record.items():
            if name not in ("step", "split") and isinstance(value, int | float):
                self._writer.add_scalar(f"{record['split']}/{name}", value, record["step"])

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Adds a picture, ``[height, width, 3]`` uint8."""
        self._writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Writes everything to disk."""
        self._writer.close()


def open_writers(
    metrics: Path, tensorboard: Path, step: int
) -> tuple[list[Writer], Callable[[str, np.ndarray, int], None]]:
    """Returns the writers of a run, and what takes its pictures; in process 0, elsewhere nothing is written.

    Args:
      metrics: the file metrics.jsonl.
      tensorboard: the directory of the event files.
      step: the step that the run goes on from.
    """
    if not first():
        return [], lambda name, pixels, step: None
    events = TensorBoardWriter(tensorboard, step)
    return [JsonlWriter(metrics, step), events], events.image


class ProgressBar:
    """A bar with images per second and the time left, and one line for every evaluation.

    Args:
      stream: where to draw; on anything but a terminal there is no bar, only the lines.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[Any] | None = None
        self._batch_size = 0
        self._total = 0

    def start(self, done: int, total: int, batch_size: int) -> None:
        """Shows the bar."""
        self._batch_size, self._total = batch_size, total
        self._bar = tqdm(
            total=total * batch_size,
            initial=done * batch_size,
            file=self._stream,
            disable=not self._stream.isatty(),
            unit="img",
            unit_scale=True,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}% |{bar}| {rate_fmt}, {remaining} left{postfix}",
        )

    def step(self) -> None:
        """Moves the bar by one batch."""
        if self._bar is not None:
            self._bar.update(self._batch_size)

    def write(self, record: Record) -> None:
        """Shows the training loss in the bar, and an evaluation as a line above it."""
        if record["split"] == "train":
            if self._bar is not None:
                self._bar.set_postfix_str(f"loss {record['loss']:.4f}", refresh=False)
        else:
            line = f"step {record['step']}/{self._total}  {record['split']} {format_metrics(record)}"
            tqdm.write(line, file=self._stream)

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def format_metrics(metrics: Mapping[str, Any]) -> str:
    """Returns metrics on one line.

    >>> format_metrics({"step": 100, "split": "validation", "loss": 0.12345, "accuracy": 0.97})
    'loss 0.1235, accuracy 0.9700'
    """
    return ", ".join(f"{k} {v:.4f}" for k, v in metrics.items() if isinstance(v, float))
