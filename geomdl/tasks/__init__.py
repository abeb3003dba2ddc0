"""What is being learnt: the loss, the predictions and the layout of a batch.

`TASKS` maps the name of a task to its config class, whose fields are the keys of a run's ``task`` section.
"""

from geomdl.registry import Registry
from geomdl.tasks.classification import (
    LOSSES,
    Classification,
    ClassificationConfig,
    masked_mean,
    perceptron_loss,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from geomdl.tasks.segmentation import Segmentation, SegmentationConfig
from geomdl.tasks.task import Batch, Task, TaskConfig, Totals
from geomdl.tasks.task_class import task_class

TASKS = Registry("task.name", group="geomdl.tasks", adapt=task_class)
TASKS.register("classification", ClassificationConfig)
TASKS.register("segmentation", SegmentationConfig)

__all__ = [
    "LOSSES",
    "TASKS",
    "Batch",
    "Classification",
    "ClassificationConfig",
    "Segmentation",
    "SegmentationConfig",
    "Task",
    "TaskConfig",
    "Totals",
    "masked_mean",
    "perceptron_loss",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
]
