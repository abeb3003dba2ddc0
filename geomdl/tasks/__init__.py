"""What is being learnt: the loss, the predictions and the layout of a batch.

`TASKS` maps the name of a task to its config class, whose fields are the keys of a run's ``task`` section.
"""

from geomdl.tasks.classification import (
    LOSSES,
    Classification,
    ClassificationConfig,
    masked_mean,
    perceptron_loss,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from geomdl.tasks.overlap import overlap, pixel_counts
from geomdl.tasks.segmentation import Segmentation, SegmentationConfig
from geomdl.tasks.task import Batch, Task, TaskConfig, Totals

TASKS: dict[str, type[TaskConfig]] = {"classification": ClassificationConfig, "segmentation": SegmentationConfig}
"""Every task by name; the fields of its config are the keys that ``config.task`` takes."""

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
    "overlap",
    "perceptron_loss",
    "pixel_counts",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
]

__experimental__ = [
    "Batch", "Totals", "masked_mean", "overlap", "pixel_counts",
]  # fmt: skip
