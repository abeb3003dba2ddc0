"""The confusion matrix of a classifier over a split."""

import numpy as np

from geomdl.data import ClassTarget, Split, eval_batches
from geomdl.data.class_indices import require_classes
from geomdl.evaluators.metrics import even_batch_size
from geomdl.evaluators.predict import Predict
from geomdl.numbers import whole_number
from geomdl.tasks import Task


def confusion_matrix(predict: Predict, split: Split, task: Task, classes: int, *, batch_size: int = 256) -> np.ndarray:
    """Counts images by their true (row) and predicted (column) class.

    Args:
      predict: images → logits.
      split: with one class per image.
      task: makes classes of logits.
      classes: how many there are, among labels and predictions.
      batch_size: images per batch.

    Raises:
      ValueError: for labels or predictions that are none of the classes.

    Returns:
      ``[classes, classes]`` whole numbers.

    >>> import jax.numpy as jnp
    >>> from geomdl.tasks import Classification
    >>> split = Split(np.zeros((3, 2, 2, 1), np.float32), np.array([0, 1, 1], np.int32))
    >>> confusion_matrix(lambda images: jnp.tile(jnp.array([0.0, 1.0]), (len(images), 1)), split, Classification(2), 2)
    array([[0, 1],
           [0, 2]])
    """
    classes = whole_number("classes", classes)
    split.require({"label": ClassTarget(classes)})
    counts = np.zeros((classes, classes), np.int64)
    for batch in eval_batches(split, even_batch_size(len(split), batch_size)):
        predicted = np.asarray(task.predictions(predict(batch["image"])))
        kept = np.asarray(batch["mask"]) > 0
        require_classes(predicted[kept], classes, "prediction")
        np.add.at(counts, (np.asarray(batch["label"])[kept], predicted[kept]), 1)
    return counts
