"""What is being learnt: the loss, the predictions and the layout of a batch.

`TASKS` maps the name of a task to its config class, whose fields are the keys of a run's ``task`` section.
"""

from geomdl.registry import Registry
from geomdl.tasks.accumulators import OverImages, TaskSums, accumulate, accumulators_of, split_metrics
from geomdl.tasks.average_precision import AveragePrecision, PrecisionRecall, match_detections
from geomdl.tasks.classification import (
    LOSSES,
    Classification,
    ClassificationConfig,
    masked_mean,
    perceptron_loss,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    top_k_accuracy,
)
from geomdl.tasks.detection import Detection, DetectionConfig
from geomdl.tasks.overlap import overlap, pixel_counts
from geomdl.tasks.regression import Regression, RegressionConfig
from geomdl.tasks.segmentation import Segmentation, SegmentationConfig
from geomdl.tasks.task import Accumulator, Batch, Outputs, Task, TaskConfig, Totals, usual_task
from geomdl.tasks.task_class import task_class

TASKS = Registry("task.name", group="geomdl.tasks", adapt=task_class)
"""Every task by name; the fields of its config are the keys that ``config.task`` takes."""
TASKS.register("classification", ClassificationConfig)
TASKS.register("segmentation", SegmentationConfig)
TASKS.register("regression", RegressionConfig)
TASKS.register("detection", DetectionConfig)

__all__ = [
    "LOSSES", "TASKS", "Accumulator", "AveragePrecision", "Batch", "Classification", "ClassificationConfig",
    "Detection", "DetectionConfig", "Outputs", "OverImages", "PrecisionRecall", "Regression", "RegressionConfig",
    "Segmentation", "SegmentationConfig", "Task", "TaskConfig", "TaskSums", "Totals", "accumulate", "accumulators_of",
    "masked_mean", "match_detections", "overlap", "perceptron_loss", "pixel_counts", "sigmoid_cross_entropy",
    "softmax_cross_entropy", "split_metrics", "top_k_accuracy", "usual_task",
]  # fmt: skip

__experimental__ = [
    "Accumulator", "AveragePrecision", "Batch", "Detection", "DetectionConfig", "OverImages", "PrecisionRecall",
    "TaskSums", "Totals", "accumulate", "accumulators_of", "masked_mean", "match_detections", "overlap",
    "pixel_counts", "split_metrics", "top_k_accuracy", "usual_task",
]  # fmt: skip
