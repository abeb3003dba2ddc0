"""Overlap of predicted and true label maps: IoU and Dice from counts of pixels."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def pixel_counts(
    predicted: Int[Array, "batch height width"], labels: Int[Array, "batch height width"], num_classes: int
) -> dict[str, Int[Array, " classes"]]:
    """For every class k: the pixels labelled k, predicted as k, and both. Pixels with a negative label do not count.

    Args:
      predicted: classes.
      labels: classes; negative where unknown.
      num_classes: how many classes there are.

    >>> counts = pixel_counts(jnp.array([[[0, 1, 1]]]), jnp.array([[[0, 1, -1]]]), num_classes=2)
    >>> [counts[name].tolist() for name in ("labelled", "predicted", "both")]
    [[1, 1], [1, 1], [1, 1]]
    """
    classes = jnp.arange(num_classes, dtype=labels.dtype)
    counted = labels >= 0

    def count(which: Array) -> Array:
        return jnp.sum(which, axis=(0, 1, 2), dtype=jnp.int32)

    is_label = labels[..., None] == classes
    is_predicted = (predicted.astype(labels.dtype)[..., None] == classes) & counted[..., None]
    return {
        "labelled": count(is_label),
        "predicted": count(is_predicted),
        "both": count(is_label & is_predicted),
    }


def overlap(counts: Mapping[str, Any]) -> tuple[Float[np.ndarray, " classes"], Float[np.ndarray, " classes"]]:
    """IoU = |A ∩ B| / |A ∪ B| and Dice = 2 |A ∩ B| / (|A| + |B|) of every class.

    A class that is neither labelled nor predicted anywhere counts as found: 0/0 is 1.

    Args:
      counts: as from `pixel_counts`, added up over a split.

    >>> overlap({"labelled": [4, 0], "predicted": [2, 0], "both": [2, 0]})
    (array([0.5, 1. ]), array([0.66666667, 1.        ]))
    """
    labelled, predicted, both = (np.asarray(counts[name], np.float64) for name in ("labelled", "predicted", "both"))
    return _ratio(both, labelled + predicted - both), _ratio(2 * both, labelled + predicted)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), 1.0)
