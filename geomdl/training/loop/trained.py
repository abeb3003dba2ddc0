"""A trained model, read from its work directory."""

import dataclasses
import functools
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geomdl.data import DATASETS, Dataset, Preprocessing
from geomdl.data.sources.given import GivenData
from geomdl.errors import invalid
from geomdl.paths import holds_path, local_path, run_folder
from geomdl.tasks import Task
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.checkpoints.weights_file import WEIGHTS, read_variables, write_variables
from geomdl.training.configuration.config import RunConfig
from geomdl.training.loop.continuation import judged
from geomdl.training.loop.parts import build_model
from geomdl.training.reporting.writers import read_metrics
from geomdl.training.step.state import merge_model, split_model
from geomdl.training.workdir.history import read_history, without_names
from geomdl.training.workdir.json_file import write_json
from geomdl.training.workdir.own_files import changed_files
from geomdl.training.workdir.run_facts import described, known_preprocessing, read_facts
from geomdl.training.workdir.workdir import WorkdirError, read_config, read_written

_OF_THE_RUN = ("parameter_shapes", "files", "advice", "advice_at_start")
"""Facts in run.json that a network is used without."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was trained on.

    Attributes:
      model: with the weights of the checkpoint.
      config: of the run.
      task: what was learnt.
      step: of the checkpoint.
      image_shape: (height, width, channels) of the images, or (depth, height, width, channels) of volumes.
      data: the data set of the run, if it is at hand.
      provenance: of the data that the run was trained on, without names of files; None where it is not known.
      preprocessing: what makes of any image what the model takes.
      classes: the names of the classes.
    """

    model: Any
    config: RunConfig
    task: Task
    step: int
    image_shape: tuple[int, ...]
    data: Dataset | None = None
    provenance: str | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    classes: tuple[str, ...] = ()

    @property
    def plane_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that a run was trained on, for what takes images only.

        Raises:
          ValueError: for a run on signals or volumes.
        """
        if len(self.image_shape) != 3:
            allowed = "runs on images (height, width, channels); geomdl evaluate and geomdl predict take these too"
            raise invalid("shape of what the run was trained on", self.image_shape, allowed)
        return self.image_shape[0], self.image_shape[1], self.image_shape[2]

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The data set of the run; read when it is first asked for.

        Raises:
          ValueError: when it cannot be read.
        """
        dataset = self.config.data.prepared_as(self.preprocessing).load() if self.data is None else self.data
        here = without_names(dataset.provenance, self.config.to_dict()["data"])
        if self.provenance is not None and here != self.provenance:
            _log.warning("these are not the data of the run: %s; those of the run: %s", here, self.provenance)
        return dataset


def load_trained(
    workdir: Path | str,
    checkpoint: str | int = "best",
    *,
    dataset: Dataset | None = None,
    data_path: Path | str | None = None,
    data_dir: Path | str | None = None,
) -> Trained:
    """Reads a model that was trained. Its data are read when they are asked for.

    Args:
      workdir: of the run.
      checkpoint: ``"best"``, ``"latest"`` or a step.
      dataset: what the run's ``config.data.load()`` gives, if it is at hand, or the one that it was trained on.
      data_path: where the file or folder of the data lies now, if it has moved.
      data_dir: where prepared data sets lie now, in place of the folder that the config names, where it names one.

    Raises:
      ValueError: when there is no such run or checkpoint, or it cannot be read.
    """
    config = read_config(workdir)
    old = config.to_dict()["data"]
    if data_path is not None:
        config = moved(config, data_path)
    elif data_dir is not None and old.get("data_dir") is not None:
        config = moved(config, data_dir, "--data_dir")
    path = run_folder(workdir)
    directory, weights = path / "checkpoints", path / WEIGHTS
    if not directory.is_dir() and not weights.is_file():
        raise WorkdirError(f"work directory {workdir} has no checkpoint yet; train first")
    facts = read_facts(path / "run.json")
    if isinstance(config.data, GivenData) and dataset is not None and (other := GivenData.of(dataset)) != config.data:
        _log.warning("these are not the data of the run: %s; those of the run: %s", other, config.data)
    data = dataset or described(config, facts) or config.data.load()
    task = config.task.for_dataset(data)
    structure, params, rest = split_model(build_model(config, data))
    if directory.is_dir():
        step, *variables = _of_checkpoint(path, config, task, checkpoint, params, rest)
    else:
        step, *variables = read_variables(weights, checkpoint, params, rest)
    model = merge_model(structure, *variables)
    there = dataset if dataset is not None else data if len(data.train) else None
    known = facts.get("provenance") if dataset is None else None
    provenance = without_names(known, old) if isinstance(known, str) else None
    preprocessing = known_preprocessing(facts) or data.preprocessing or Preprocessing(data.image_shape[-1])
    for line in changed_files(config, facts):
        _log.warning(line)
    return Trained(model, config, task, step, data.image_shape, there, provenance, preprocessing, tuple(data.classes))


def _of_checkpoint(
    path: Path, config: RunConfig, task: Task, checkpoint: str | int, params: Any, rest: Any
) -> tuple[int, Any, Any]:
    """The step, the parameters and the other variables of a checkpoint of a run."""
    history = read_history(path, config)
    records = read_metrics(path / "metrics.jsonl") if history.changes and (path / "metrics.jsonl").exists() else []
    judge = judged(config, task, history, records) if history.changes else None
    checkpoints = Checkpoints(path / "checkpoints", judge=judge)
    try:
        step = checkpoints.find(checkpoint)
        return step, *checkpoints.restore_model(step, params, rest)
    finally:
        checkpoints.close()


def save_compact(workdir: Path | str, folder: Path | str, checkpoint: str | int = "best") -> Path:
    """Writes what is needed of a run to use its network: ``config.json``, ``run.json`` and ``weights.safetensors``.

    The folder is read as the work directory is, by every function and command that reads a trained network; it holds
    one set of weights in place of checkpoints, no records, and no paths of this machine.

    Args:
      workdir: of the run.
      folder: gets the files; made if it is not there.
      checkpoint: ``"best"``, ``"latest"`` or a step.

    Raises:
      ValueError: when there is no such run or checkpoint, or the folder is the work directory of another.

    >>> import tempfile
    >>> folder = save_compact("pretrained:digits_gcnn_c1", tempfile.mkdtemp())
    >>> load_trained(folder).image_shape
    (20, 20, 1)
    """
    source, target = run_folder(workdir), local_path(folder, "folder")
    if (target / "checkpoints").exists():
        raise invalid("folder", str(folder), "one that is no work directory of a run")
    trained = load_trained(source, checkpoint)
    written = read_written(source / "config.json")
    sections = {**written["config"], "model": {k: v for k, v in written["config"]["model"].items() if k != "init_from"}}
    sections["data"] = {key: None if holds_path(key) else value for key, value in sections["data"].items()}
    facts = {key: value for key, value in read_facts(source / "run.json").items() if key not in _OF_THE_RUN}
    _, params, rest = split_model(trained.model)
    target.mkdir(parents=True, exist_ok=True)
    write_variables(target / WEIGHTS, trained.step, params, rest)
    kept = {key: written[key] for key in ("versions", "hardware") if key in written}
    write_json(target / "config.json", {"config": sections, **kept})
    write_json(target / "run.json", facts)
    return target


def moved(config: RunConfig, place: Path | str, option: str = "--data_path") -> RunConfig:
    """Returns the config of a run whose data lie elsewhere now.

    Args:
      config: of the run.
      place: the file or folder of the data.
      option: by which it was given, for errors.

    Raises:
      ValueError: there is no such file or folder, or the data set has no place, or several.
    """
    found = local_path(place, option)
    if not found.exists():
        raise invalid(option, str(place), "a file or folder that is there")
    fields: Any = config.data
    keys = [f.name for f in dataclasses.fields(fields) if f.init and holds_path(f.name)]
    given = [key for key in keys if getattr(config.data, key) is not None] or keys
    if len(given) != 1:
        has = (
            f"those of {DATASETS.name_of(config.data)} have {'no path' if not keys else 'several: ' + ', '.join(keys)}"
        )
        raise invalid(option, str(place), f"for runs whose data have one path, but {has}")
    return dataclasses.replace(config, data=dataclasses.replace(fields, **{given[0]: os.path.abspath(found)}))
