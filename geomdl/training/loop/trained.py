"""A trained model, read from its work directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomdl.data import Dataset
from geomdl.tasks import Task
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.configuration.config import RunConfig
from geomdl.training.loop.parts import Parts
from geomdl.training.step.state import merge_model
from geomdl.training.workdir.workdir import WorkdirError, read_config


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was trained on.

    Attributes:
      model: with the weights of the checkpoint.
      config: of the run.
      dataset: of the run.
      task: what was learnt.
      step: of the checkpoint.
    """

    model: Any
    config: RunConfig
    dataset: Dataset
    task: Task
    step: int


def load_trained(workdir: Path | str, checkpoint: str | int = "best", *, dataset: Dataset | None = None) -> Trained:
    """Reads a model that was trained.

    Args:
      workdir: of the run.
      checkpoint: ``"best"``, ``"latest"`` or a step.
      dataset: what the run's ``config.data.load()`` gives, if it is at hand.

    Raises:
      ValueError: when there is no such run or checkpoint, or it cannot be read.
    """
    config = read_config(workdir)
    directory = Path(workdir) / "checkpoints"
    if not directory.is_dir():
        raise WorkdirError(f"work directory {workdir} has no checkpoint yet; train first")
    dataset = config.data.load() if dataset is None else dataset
    parts = Parts.build(config, dataset)
    structure, standing = parts.initial()
    checkpoints = Checkpoints(directory)
    try:
        step = checkpoints.find(checkpoint)
        state = standing.at(step, checkpoints).state
    finally:
        checkpoints.close()
    return Trained(merge_model(structure, state.deployed, state.rest), config, dataset, parts.task, step)
