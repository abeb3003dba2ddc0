"""Overlap of predicted and true label maps: IoU and Dice from counts of pixels."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from geomdl.data.class_indices import class_indices
from geomdl.errors import invalid


def pixel_counts(predicted: ArrayLike, labels: ArrayLike, num_classes: int) -> dict[str, Int[Array, " classes"]]:
    """For every class k: the pixels labelled k, predicted as k, and both. Pixels with a negative label do not count.

    Args:
      predicted: classes ``[batch, height, width]``, of any integer type.
      labels: classes ``[batch, height, width]``, of any integer type; negative where unknown.
      num_classes: how many classes there are.

    Raises:
      ValueError: for numbers that are not whole, or two different shapes.

    >>> counts = pixel_counts(jnp.array([[[0, 1, 1]]]), jnp.array([[[0, 1, -1]]]), num_classes=2)
    >>> [counts[name].tolist() for name in ("labelled", "predicted", "both")]
    [[1, 1], [1, 1], [1, 1]]
    """
    predicted, labels = (class_indices(y, None, what) for y, what in ((predicted, "prediction"), (labels, "label map")))
    if predicted.shape != labels.shape:
        raise invalid("shape of the predictions", predicted.shape, f"{labels.shape}, that of the label maps")
    classes = jnp.arange(num_classes, dtype=jnp.int32)
    counted = labels >= 0

    def count(which: Array) -> Array:
        return jnp.sum(which, axis=tuple(range(labels.ndim)), dtype=jnp.int32)

    is_label = labels[..., None] == classes
    is_predicted = (predicted[..., None] == classes) & counted[..., None]
    return {
        "labelled": count(is_label),
        "predicted": count(is_predicted),
        "both": count(is_label & is_predicted),
    }


def overlap(counts: Mapping[str, Any]) -> tuple[Float[np.ndarray, " classes"], Float[np.ndarray, " classes"]]:
    """IoU = |A ∩ B| / |A ∪ B| and Dice = 2 |A ∩ B| / (|A| + |B|) of every class.

    A class that is neither labelled nor predicted anywhere has no overlap: 0/0 is NaN. `numpy.nanmean` leaves it out.

    Args:
      counts: as from `pixel_counts`, added up over a split.

    >>> overlap({"labelled": [4, 0], "predicted": [2, 0], "both": [2, 0]})
    (array([0.5, nan]), array([0.66666667,        nan]))
    """
    labelled, predicted, both = (np.asarray(counts[name], np.float64) for name in ("labelled", "predicted", "both"))
    return _ratio(both, labelled + predicted - both), _ratio(2 * both, labelled + predicted)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
