"""The config of a run whose data set was given in Python."""

import dataclasses

from geomdl.data import DATASETS, Dataset
from geomdl.data.sources.given import GivenData
from geomdl.tasks import TASKS, ClassificationConfig, usual_task
from geomdl.training.configuration.config import RunConfig


def with_given_data(config: RunConfig, dataset: Dataset | None) -> RunConfig:
    """Returns the config that says what a run is trained on.

    A config without data, or with those of another name than the data set has, gets what describes the data set; and
    the task that learns its labels, where none was chosen. A config that names what makes the data set stays as it is.

    Args:
      config: of the run.
      dataset: that was given; None: none was.
    """
    if dataset is None:
        return config
    name = DATASETS.name_of(config.data)
    own = ":" in name and not name.startswith("tfds:")
    if not isinstance(config.data, GivenData) and (own or dataset.name == name):
        return config
    task, usual = config.task, usual_task(dataset.label_kind, TASKS)
    kinds = getattr(task, "kinds", (dataset.label_kind,))
    if task == ClassificationConfig() and dataset.label_kind not in kinds and usual is not None:
        task = TASKS.find(usual).factory()
    return dataclasses.replace(config, data=GivenData.of(dataset), task=task)
