"""The confusion matrix of a classifier."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from matplotlib.figure import Figure

from geomdl.plots.heatmap import compact, heatmap
from geomdl.plots.style import figure, style

_MOST_NUMBERS = 20  # classes up to which the cells have numbers


def confusion(counts: Int[np.ndarray, "classes classes"], classes: Sequence[str]) -> Figure:
    """Draws how often images of one class (row) were taken for another (column), as shares of the row.

    Args:
      counts: images, by true and predicted class.
      classes: their names.

    >>> confusion(np.array([[9, 1], [0, 5]]), ["cat", "dog"]).axes[0].get_xlabel()
    'predicted'
    """
    number = len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = list(classes) if number <= 30 else None
    with style():
        side = min(7.0, max(2.2, 0.28 * number))
        fig = figure(side, side)
        axes = fig.add_subplot()
        few = number <= _MOST_NUMBERS
        heatmap(
            axes,
            shares,
            limits=(0, 1),
            colours="Blues",
            numbers=(lambda share: compact(share) if share > 0 else "") if few else None,
            row_labels=labels,
            column_labels=labels,
        )
        if labels and max(map(len, labels)) > 2:
            axes.tick_params(axis="x", labelrotation=90)
        images = int(counts.sum())
        right = int(np.trace(counts))
        axes.set(xlabel="predicted", ylabel="true", title=f"{right} of {images} right")
    return fig
