"""What a change of a run's config means, in sentences for whoever has asked for it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from geomdl.training.configuration.config import RunConfig
from geomdl.training.loop.parts import Parts
from geomdl.training.loop.standing import Standing
from geomdl.training.workdir.history import Change

_LENGTH = ("training.steps", "training.epochs", "training.batch_size")


def meaning(change: Change, parts: Parts, standing: Standing, facts: Mapping[str, Any]) -> list[str]:
    """Returns what a change means.

    Args:
      change: of the config.
      parts: of the new config.
      standing: where the run goes on, under the new config.
      facts: of the run so far, see `geomdl.training.workdir.run_facts`.
    """
    step, keys = standing.step, change.keys
    lines = [f"the config has changed, from step {step} on: {'; '.join(change.lines)}"]
    lines += _length(parts, step, facts)
    lines += _patience(change, parts, standing, facts)
    if "training.monitor" in keys:
        metric = parts.config.training.monitored(parts.task)
        lines.append(f"checkpoints are compared by {metric}, also the earlier ones, whose {metric} metrics.jsonl has")
    if not change.comparable:
        lines.append("what was measured before is of other data or another task, and is not compared with what comes")
    lines += _rate(change, parts, step, facts)
    if any(key.startswith("optimizer.") for key in keys):
        lines.append("the optimiser goes on with what it has gathered: its moments, momenta and counts")
    if "training.ema" in keys:
        lines.append(_average(change, parts, step))
    if any(key.startswith("model.") for key in keys):
        lines.append(f"the weights of step {step} have the shapes of the changed model, and are used in it")
    if "seed" in keys:
        lines.append("the new seed decides about order, augmentation and dropout; the weights began with the old one")
    return lines


def _length(parts: Parts, step: int, facts: Mapping[str, Any]) -> list[str]:
    before, now = facts.get("total_steps"), parts.total_steps
    if before == now:
        return []
    left = "no step is left" if now == step else f"{now - step} are left"
    return [f"the run ends at step {now}, before it was {'unknown' if before is None else before}; {left}"]


def _patience(change: Change, parts: Parts, standing: Standing, facts: Mapping[str, Any]) -> list[str]:
    options, since = parts.config.training, standing.patience.evaluations_since
    metric = options.monitored(parts.task)
    if standing.patience.stopped and standing.step < parts.total_steps:
        return [
            f"no step is taken: {metric} has not improved for {since} evaluations, and training.patience is "
            f"{options.patience}; None, or more, lets the run go on"
        ]
    lines = ["the run had stopped early, and goes on"] if facts.get("stopped_early") else []
    if "training.patience" in change.keys:
        when = (
            "at its last step" if options.patience is None else f"after {options.patience} evaluations without a better"
        )
        lines.append(
            f"the run ends {when}{'' if options.patience is None else f' {metric}, of which there were {since}'}"
        )
    return lines


def _rate(change: Change, parts: Parts, step: int, facts: Mapping[str, Any]) -> list[str]:
    """How the learning rate of the next step changes."""
    total = facts.get("total_steps")
    if not isinstance(total, int) or step >= parts.total_steps:
        return []
    try:
        old = RunConfig.from_config_dict(dict(change.config))
        before = float(np.asarray(old.schedule.build(old.optimizer.learning_rate, total)(step)))
    except Exception:  # of a schedule of one's own, which is not what it was; it is only to be told
        return []
    now = float(np.asarray(parts.schedule(step)))
    return [] if before == now else [f"the learning rate of step {step + 1} is {now:.3g}, before it was {before:.3g}"]


def _average(change: Change, parts: Parts, step: int) -> str:
    before = change.config.get("training", {}).get("ema")
    if before is None:
        return f"the average of the parameters begins with those of step {step}"
    if parts.config.training.ema is None:
        return "evaluations use the parameters themselves; checkpoints from before keep their average"
    return "the average of the parameters goes on with the new decay"
