"""Matrices as coloured cells with their numbers in them: match maps, errors per layer and group element, confusion."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.image import AxesImage

from geomdl.errors import unknown

SCALES = ("linear", "log")


def truncated(value: float, decimals: int = 2) -> str:
    """A number cut off (not rounded) after some decimals, as lecture notes print 7/9 as 0.77.

    Args:
      value: the number.
      decimals: how many are kept.

    >>> truncated(7 / 9), truncated(-5 / 9), truncated(0.99999999), truncated(-0.001)
    ('0.77', '-0.55', '1.00', '0.00')
    """
    scale = 10**decimals
    cut = math.trunc(round(value * scale, 4)) / scale
    return f"{cut + 0.0:.{decimals}f}"


def compact(value: float) -> str:
    """A number that is not negative in at most four characters, for errors that span orders of magnitude.

    Args:
      value: the number.

    >>> compact(0.123), compact(2.6), compact(0.0012), compact(3e-7), compact(0.0)
    ('.12', '2.6', '1e-3', '3e-7', '0')
    """
    if value == 0:
        return "0"
    if value >= 0.995:
        return f"{value:.1f}" if value < 99.5 else f"{value:.0f}"
    if value >= 0.0095:
        return f"{value:.2f}".removeprefix("0")
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def heatmap(
    axes: Axes,
    values: Sequence[Sequence[float]] | np.ndarray,
    *,
    limits: tuple[float, float] | None = None,
    scale: Literal["linear", "log"] = "linear",
    colours: str = "RdBu_r",
    lines: str = "white",
    numbers: str | Callable[[float], str] | None = None,
    number_size: float = 5.0,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> AxesImage:
    """Draws a matrix, row 0 on top.

    Args:
      axes: where to draw.
      values: matrix of shape [rows, columns].
      limits: values of the two ends of the colours; from the data when None.
      scale: ``"linear"``, or ``"log"`` for errors that span orders of magnitude (zeros take the lowest colour).
      colours: a matplotlib colour map.
      lines: colour of the lines between the cells.
      numbers: format string or function for the number in each cell; None for no numbers.
      number_size: font size of the numbers.
      row_labels: one per row; no ticks without them.
      column_labels: one per column.

    Returns:
      The image, for a colour bar.

    Raises:
      ValueError: if the scale has another name, or values are not a matrix.
    """
    matrix = np.asarray(values, float)
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if matrix.ndim != 2:
        raise ValueError(f"a heat map needs a matrix, not an array of shape {matrix.shape}")
    shown = matrix
    if scale == "log":
        positive = matrix[matrix > 0]
        low, high = limits or ((positive.min(), positive.max()) if positive.size else (0.1, 1.0))
        norm: Normalize = LogNorm(low, high if high > low else 10 * low)
        shown = np.maximum(matrix, low)
    else:
        norm = Normalize(*(limits or (matrix.min(), matrix.max())))
    image = axes.imshow(shown, cmap=colours, norm=norm, aspect="equal")
    rows, columns = matrix.shape
    axes.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    axes.grid(which="minor", color=lines, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_xticks(range(columns) if column_labels else [], column_labels or [])
    axes.set_yticks(range(rows) if row_labels else [], row_labels or [])
    axes.spines[:].set_visible(False)
    if numbers is not None:
        cmap = matplotlib.colormaps[colours]
        for (r, c), value in np.ndenumerate(matrix):
            red, green, blue, _ = cmap(float(norm(shown[r, c])))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            text = numbers(float(value)) if callable(numbers) else numbers.format(value)
            axes.text(c, r, text, ha="center", va="center", fontsize=number_size, color="white" if dark else "#1a1a1a")
    return image
