"""What is being learnt: the loss, the predictions and the layout of a batch.

`TASKS` maps the name of a task to its config class, whose fields are the keys of a run's ``task`` section.
"""

from geomdl.tasks.classification import (
    LOSSES,
    Batch,
    Classification,
    ClassificationConfig,
    masked_mean,
    perceptron_loss,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)

TASKS: dict[str, type[ClassificationConfig]] = {"classification": ClassificationConfig}

__all__ = [
    "LOSSES",
    "TASKS",
    "Batch",
    "Classification",
    "ClassificationConfig",
    "masked_mean",
    "perceptron_loss",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
]
