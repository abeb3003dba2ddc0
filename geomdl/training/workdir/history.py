"""The changes that the config of a run has gone through: what was asked before, and from which step on no longer.

They stand under ``history`` in config.json. A checkpoint notes how many of them it has seen, see `History.seen`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomdl.data import Dataset
from geomdl.paths import local_path
from geomdl.training.configuration.config import RunConfig, TrainingConfig
from geomdl.training.workdir.json_file import write_json
from geomdl.training.workdir.run_facts import read_facts
from geomdl.training.workdir.workdir import begun, changes_of, read_written

SEEN = "changes"
"""The note of a checkpoint that says how many changes of the config came before it; without it: none."""


@dataclass(frozen=True)
class Change:
    """One change of the config of a run.

    Attributes:
      step: the number of steps that had been taken.
      config: the config until then, as plain values.
      lines: the values that changed, ``training.steps: 8 there, 10 here``.
      epochs: passes over the training images that had been made; None where it is not known.
      comparable: whether the scores of earlier evaluations are of the same validation images and the same task.
    """

    step: int
    config: Mapping[str, Any]
    lines: tuple[str, ...]
    epochs: float | None
    comparable: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """The dotted paths of the values that changed."""
        return tuple(line.split(":")[0] for line in self.lines)


@dataclass(frozen=True)
class History:
    """The changes of a run's config, oldest first.

    Attributes:
      changes: all of them.
      pending: the last one has been asked for, and is not written down yet.
    """

    changes: tuple[Change, ...] = ()
    pending: bool = False

    @property
    def seen(self) -> int:
        """How many changes a checkpoint has seen that is made now."""
        return len(self.changes)

    def since(self, seen: int) -> tuple[Change, ...]:
        """The changes that a checkpoint has not seen."""
        return self.changes[seen:]

    @property
    def comparable_from(self) -> int:
        """Scores of evaluations up to this step are of other images or another task than today's."""
        return max((change.step for change in self.changes if not change.comparable), default=0)

    def total_steps(self, options: TrainingConfig, steps_per_epoch: int) -> int:
        """Returns the number of optimiser steps of the run.

        Epochs are passes over the training images: those that were made with other batches, or other images, count as
        the passes that they were.

        >>> before = Change(8, {}, ("training.batch_size: 8 there, 16 here",), epochs=1.0, comparable=True)
        >>> History((before,)).total_steps(TrainingConfig(epochs=3), steps_per_epoch=4)
        16
        """
        last = self.changes[-1] if self.changes else None
        if last is None or last.epochs is None or options.epochs is None:
            return options.total_steps(steps_per_epoch)
        more = last.step - last.epochs * steps_per_epoch
        if abs(more) < 1e-6:
            return options.total_steps(steps_per_epoch)
        return max(1, round(options.epochs * steps_per_epoch + more))


def read_history(path: Path | str, config: RunConfig, dataset: Dataset | None = None) -> History:
    """Reads the history of a run, with the change that going on with a config would be. Nothing is written.

    Args:
      path: of the work directory; there may be none yet.
      config: with which the run is to go on.
      dataset: of the config; None where nothing is to be changed.

    Raises:
      WorkdirError: when its config.json cannot be read.
    """
    path = local_path(path, "work directory")
    file = path / "config.json"
    if not file.is_file() or not begun(path):
        return History()
    written = read_written(file)
    changes = tuple(_change(entry) for entry in written.get("history", ()) if isinstance(entry, Mapping))
    lines = changes_of(file, config)
    if not lines or dataset is None:
        return History(changes)
    facts = read_facts(path / "run.json")
    step = max((int(p.name) for p in (path / "checkpoints").glob("[0-9]*") if p.name.isdigit()), default=0)
    change = Change(
        step,
        written["config"],
        tuple(lines),
        _epochs(changes, step, written["config"], facts, dataset),
        _comparable(written["config"], config, facts, dataset, lines),
    )
    return History((*changes, change), pending=True)


def write_change(path: Path, config: RunConfig, history: History) -> None:
    """Puts a changed config into config.json, and the one before into its ``history``."""
    file, change = path / "config.json", history.changes[-1]
    written = read_written(file)
    entry = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "step": change.step,
        "epochs": change.epochs,
        "comparable": change.comparable,
        "changes": list(change.lines),
        "config": change.config,
    }
    entries = [*written.get("history", []), entry]
    write_json(file, {**written, "config": config.to_dict(), "history": entries})


def _change(entry: Mapping[str, Any]) -> Change:
    """A change from config.json; of those that earlier versions wrote less is known."""
    lines = tuple(str(line) for line in entry.get("changes", ()))
    comparable = bool(entry.get("comparable", not _of_scores(lines)))
    epochs = entry.get("epochs")
    epochs = float(epochs) if isinstance(epochs, int | float) else None
    return Change(int(entry.get("step", 0)), entry.get("config", {}), lines, epochs, comparable)


def _of_scores(lines: Sequence[str]) -> bool:
    return any(line.startswith(("data.", "task.")) for line in lines)


def _epochs(
    changes: Sequence[Change], step: int, old: Mapping[str, Any], facts: Mapping[str, Any], dataset: Dataset
) -> float | None:
    """The passes over the training images at a step, of which the latest were made under the old config."""
    before, passed = (changes[-1].step, changes[-1].epochs) if changes else (0, 0.0)
    batch = old.get("training", {}).get("batch_size", TrainingConfig.batch_size)
    images = facts.get("images", {}).get("train", len(dataset.train))
    if passed is None or not isinstance(images, int) or not isinstance(batch, int) or images < batch or batch < 1:
        return None
    return passed + (step - before) / (images // batch)


def _comparable(
    old: Mapping[str, Any], new: RunConfig, facts: Mapping[str, Any], dataset: Dataset, lines: Sequence[str]
) -> bool:
    """Whether an evaluation under the old config measured the same images by the same task.

    Where only a file has another place now, what is known of its content decides.
    """
    if any(line.startswith("task.") for line in lines):
        return False
    if not any(line.startswith("data.") for line in lines):
        return True
    there, here = str(facts.get("provenance")), dataset.provenance
    return without_names(there, old.get("data", {})) == without_names(here, new.to_dict()["data"])


def without_names(provenance: str, data: Mapping[str, Any]) -> str:
    """Returns what is known of a data set without the names of its files, which may lie elsewhere, by other names.

    Args:
      provenance: of the data set.
      data: its config, as plain values.
    """
    for value in data.values():
        if isinstance(value, str) and "/" in value:
            provenance = provenance.replace(Path(value).name, "")
    return provenance
