"""Going on with a run whose config has changed: what its checkpoints mean under the new config, or why they do not fit.

Nothing is written here: a change is refused before it has any effect.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

from geomdl.tasks import Task
from geomdl.training.checkpoints.checkpoint import CheckpointError, Checkpoints, Judge
from geomdl.training.configuration.config import HEADLINE, RunConfig
from geomdl.training.loop.parts import Parts
from geomdl.training.loop.standing import Patience, Standing
from geomdl.training.reporting.writers import Record
from geomdl.training.step.optimizer_state import carried_over, difference
from geomdl.training.workdir.history import SEEN, Change, History
from geomdl.training.workdir.workdir import WorkdirError


@dataclass(frozen=True)
class Continuation:
    """Reads the checkpoints of a run under the config that it goes on with.

    Args:
      parts: of the config.
      initial: where a run with the config stands before the first step.
      history: of the run.
      records: of the run so far.
    """

    parts: Parts
    initial: Standing
    history: History
    records: Sequence[Record]

    def like(self, notes: Mapping[str, Any]) -> Any:
        """What a checkpoint with these notes holds, in the structure of the config that it was made with."""
        changes = self.history.since(notes.get(SEEN, 0))
        if not changes:
            return self.initial.saved()
        state, before = self.initial.state, self._config(changes[0])
        optimizer = before.optimizer.build(optax.constant_schedule(before.optimizer.learning_rate))
        opt_state = self.parts.strategy.place(
            jax.tree.map(jnp.copy, optimizer.init(self.parts.strategy.home(state.params)))
        )
        average = state.params if before.training.ema is not None else None
        return Standing(replace(state, opt_state=opt_state, average=average), self.initial.patience).saved()

    def standing(self, saved: dict[str, Any], notes: Mapping[str, Any]) -> Standing:
        """Where the run stands that has such a checkpoint.

        Raises:
          WorkdirError: when the optimiser keeps other numbers than the one that the checkpoint was made with.
        """
        changes = self.history.since(notes.get(SEEN, 0))
        standing = self.initial.restored(
            saved if not changes else {**saved, "state": self._state(saved["state"], changes)}
        )
        patience = standing.patience if not changes else self._patience(standing, changes)
        return replace(standing, patience=patience.under(self.parts.config.training.patience))

    def notes(self, notes: dict[str, Any]) -> dict[str, Any]:
        """The notes of a checkpoint, as far as they hold under the new config: a training record averages over one."""
        changed = self.history.since(notes.get(SEEN, 0))
        return {key: value for key, value in notes.items() if not (changed and key == "interval")}

    def examined(self, directory: Path) -> Standing:
        """Where the run stands from which the change of its config goes on.

        Args:
          directory: of its checkpoints.

        Raises:
          WorkdirError: when it cannot go on.
        """
        if not directory.is_dir() or not any(p.name.isdigit() for p in directory.iterdir()):
            return self.initial
        checkpoints = Checkpoints(directory)
        try:
            found = checkpoints.resume(lambda step: self.like(checkpoints.notes(step)))
            notes = {} if found is None else checkpoints.notes(found[0])
        except CheckpointError as error:
            raise self.refusal(str(error)) from error
        finally:
            checkpoints.close()
        standing = self.initial if found is None else self.standing(found[1], notes)
        total, step = self.parts.total_steps, standing.step
        if total < step:
            raise self.refusal(f"it would end at step {total}, and the run has taken {step} steps already")
        if not self.history.changes[-1].comparable and (total == step or standing.patience.stopped):
            raise self.refusal(
                f"no step is left to be taken after step {step}, and what was measured is of other data or another "
                "task; give more training.steps, or training.epochs, with it"
            )
        return standing

    def refusal(self, reason: str) -> WorkdirError:
        """The error for a change that cannot be made."""
        return WorkdirError(
            f"cannot go on with a changed config ({'; '.join(self.history.changes[-1].lines)}): {reason}; nothing was "
            "changed: the run goes on with the config that it has, and another --workdir trains with this one"
        )

    def _config(self, change: Change) -> RunConfig:
        try:
            return RunConfig.from_config_dict(dict(change.config))
        except ValueError as error:
            raise self.refusal(f"the config of the run cannot be used any more: {error}") from error

    def _state(self, saved: dict[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
        state = self.initial.state
        opt_state = carried_over(saved["opt_state"], state.opt_state)
        if opt_state is None:
            kept = difference(saved["opt_state"], state.opt_state)
            old, new = (
                self._config(changes[0]).to_dict()["optimizer"]["name"],
                self.parts.config.to_dict()["optimizer"]["name"],
            )
            which = f"optimizer.name={old!r}" if old == new else f"{old!r} (optimizer.name), not of {new!r}"
            raise self.refusal(f"the state of the optimiser is that of {which} with its options: {kept}")
        average = (
            {} if state.average is None else {"average": saved.get("average", jax.tree.map(jnp.copy, saved["params"]))}
        )
        return {
            "params": saved["params"],
            "rest": saved["rest"],
            "opt_state": opt_state,
            "step": saved["step"],
            **average,
        }

    def _patience(self, standing: Standing, changes: Sequence[Change]) -> Patience:
        """As if the monitored metric, images and task had been these from the start, as far as that can be known."""
        training, task = self.parts.config.training, self.parts.task
        if not all(change.comparable for change in changes):
            return Patience()
        if _monitor(changes[0], task) == training.monitored(task):
            return standing.patience
        patience = Patience()
        for step, score in _scores(self.parts.config, task, self.history, self.records).items():
            if step <= standing.step:
                patience = patience.after(score, None)
        return patience


def judged(config: RunConfig, task: Task, history: History, records: Sequence[Record]) -> Judge:
    """Returns what gives the score by which a checkpoint is compared with those that are made under a config.

    None is the score of one whose evaluation was of other images or another task; of one that was made while another
    metric was monitored it is the metric that metrics.jsonl has of its step.

    Args:
      config: of the run.
      task: what is learnt.
      history: of the run.
      records: of the run.
    """
    scores = _scores(config, task, history, records)

    def judge(step: int, saved: float | None, notes: dict[str, Any]) -> float | None:
        changes = history.since(notes.get(SEEN, 0))
        if not all(change.comparable for change in changes):
            return None
        same = not changes or _monitor(changes[0], task) == config.training.monitored(task)
        return saved if same else scores.get(step)

    return judge


def _monitor(change: Change, task: Task) -> str:
    """The metric that was monitored before a change."""
    name = change.config.get("training", {}).get("monitor", "loss")
    return task.headline if name == HEADLINE else name


def _scores(config: RunConfig, task: Task, history: History, records: Sequence[Record]) -> dict[int, float]:
    """The scores, by the metric that is monitored now, of the evaluations that can be compared, by their steps."""
    name, least = config.training.monitored(task), history.comparable_from
    found = [r for r in records if r["split"] == "validation" and r["step"] > least]
    values = {r["step"]: r.get(name) for r in found}
    return {
        step: config.training.score({name: float(value)}, task)
        for step, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
