"""The pipeline of X's and O's as a figure: image, features, match maps, ReLU, pooling, votes, with all numbers."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from geomdl.plots.heatmap import heatmap, truncated
from geomdl.plots.style import INK, MUTED

PLUS_MINUS = (-1.0, 1.0)


def cell_number(value: float) -> str:
    """Two decimals, cut off, with a real minus sign.

    >>> cell_number(-5 / 9)
    '−0.55'
    """
    return truncated(value).replace("-", "−")


def _sign(value: float) -> str:
    return "1" if value > 0 else "−1"


def _arrow(fig: Figure, start: Axes, end: Axes) -> None:
    arrow = ConnectionPatch(
        (1, 0.5), (0, 0.5), "axes fraction", "axes fraction", axesA=start, axesB=end,
        arrowstyle="-|>", mutation_scale=5, linewidth=0.6, color=MUTED, shrinkA=2, shrinkB=2,
    )  # fmt: skip
    arrow.set_in_layout(False)
    fig.add_artist(arrow)


def pipeline(
    fig: Figure,
    image: np.ndarray,
    features: Mapping[str, np.ndarray],
    matches: Mapping[str, np.ndarray],
    rectified: Mapping[str, np.ndarray],
    pooled: Mapping[str, np.ndarray],
    votes: Mapping[str, float],
) -> None:
    """Draws image → features → match maps → ReLU → pooled → votes from left to right, one feature per line.

    Args:
      fig: an empty figure, about 7 × 5 inches.
      image: values ±1 of shape [rows, columns].
      features: by name, values ±1 of shape [3, 3]; the other maps have the same names.
      matches: match maps, values in [−1, 1].
      rectified: after ReLU.
      pooled: after pooling.
      votes: vote in [0, 1] of each class.
    """
    widths, heights = [1.25, 0.5, 1.75, 1.75, 1.05, 0.75], [0.12, *[1.75] * len(features)]
    grid = fig.add_gridspec(1 + len(features), 6, width_ratios=widths, height_ratios=heights)
    titles = ("image", "feature", "match: mean of products", "ReLU: max(0, match)", "2×2 max pool", "votes")
    for column, title in enumerate(titles):
        head = fig.add_subplot(grid[0, column])
        head.axis("off")
        head.text(0.5, 0, title, ha="center", va="baseline", fontsize=8, transform=head.transAxes)
    picture = fig.add_subplot(grid[1:, 0])
    _pixels(picture, image)
    for row, name in enumerate(features, start=1):
        cells = [fig.add_subplot(grid[row, column]) for column in range(1, 5)]
        _pixels(cells[0], features[name])
        cells[0].set_xlabel(name, fontsize=6.5, labelpad=3)
        for axes, stage in zip(cells[1:], (matches, rectified, pooled), strict=True):
            heatmap(axes, stage[name], limits=PLUS_MINUS, numbers=cell_number, number_size=4.9)
        for start, end in itertools.pairwise(cells):
            _arrow(fig, start, end)
    _ballot(fig.add_subplot(grid[1:, 5]), votes)


def _pixels(axes: Axes, values: np.ndarray) -> None:
    """Ink (1) on paper (−1)."""
    heatmap(axes, values, limits=(-1.0, 1.35), colours="Greys", lines="#c9c9c9", numbers=_sign, number_size=4.2)
    axes.spines[:].set(visible=True, color="#c9c9c9", linewidth=0.6)


def _ballot(axes: Axes, votes: Mapping[str, float]) -> None:
    winner = max(votes, key=lambda name: votes[name])
    names = list(votes)
    axes.bar(
        names, [votes[n] for n in names], color=["#0072B2" if n == winner else "#bbbbbb" for n in names], width=0.62
    )
    for position, name in enumerate(names):
        weight = "bold" if name == winner else "normal"
        axes.text(position, votes[name] + 0.015, f"{votes[name]:.2f}", ha="center", va="bottom", weight=weight)
    axes.set(ylim=(0, 1.12), yticks=[])
    axes.set_box_aspect(1.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", length=0, labelsize=9, labelcolor=INK)
