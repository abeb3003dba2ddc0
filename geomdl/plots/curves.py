"""Curves with a band over seeds: accuracy against angle, against shift, against anything."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, MultipleLocator, PercentFormatter

from geomdl.plots.style import INK, MUTED, line
from geomdl.plots.tables import Row, Value, distinct


def seed_statistics(
    rows: Sequence[Row], x: str, y: str = "accuracy", over: str = "seed"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean, least and greatest value over the seeds at each x; several rows of one seed at one x are averaged first.

    Args:
      rows: rows of one model.
      x: column along the horizontal axis.
      y: column that is averaged.
      over: the column of the seeds.

    Returns:
      ``x``, mean, least, greatest, each of shape [points], with x ascending.

    >>> rows = [{"seed": 0, "angle": 90, "accuracy": 0.2}, {"seed": 1, "angle": 90, "accuracy": 0.4}]
    >>> [float(a.round(2)[0]) for a in seed_statistics(rows, "angle")]
    [90.0, 0.3, 0.2, 0.4]
    """
    by_point: dict[float, dict[Value, list[float]]] = {}
    for row in rows:
        by_point.setdefault(float(row[x]), {}).setdefault(row[over], []).append(float(row[y]))
    points = sorted(by_point)
    per_seed = [[np.mean(values) for values in by_point[p].values()] for p in points]
    return (
        np.array(points),
        np.array([np.mean(s) for s in per_seed]),
        np.array([np.min(s) for s in per_seed]),
        np.array([np.max(s) for s in per_seed]),
    )


def curves(
    axes: Axes,
    rows: Sequence[Row],
    *,
    x: str,
    y: str = "accuracy",
    by: str = "model",
    over: str = "seed",
    every: int = 0,
    extend: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] = lambda xs, ys: (xs, ys),
) -> None:
    """One curve per model: the mean over seeds, and a band from the least to the greatest seed.

    Args:
      axes: where to draw.
      rows: the table.
      x: column along the horizontal axis.
      y: column along the vertical axis.
      by: one curve per value of this column, in order of first appearance.
      over: the column of the seeds.
      every: a marker at every so many points; 0 for none.
      extend: changes the points before they are drawn, e.g. to close a circle.
    """
    for position, name in enumerate(distinct(rows, by)):
        xs, mean, low, high = seed_statistics([r for r in rows if r[by] == name], x, y, over)
        look = line(str(name), position)
        across, mean = extend(xs, mean)
        axes.plot(
            across,
            mean,
            color=look.colour,
            linestyle=look.dashes,
            marker=look.marker if every else "",
            markevery=max(1, every),
            label=str(name),
            zorder=2 + position / 100,
        )
        if np.any(high > low):
            band_low, band_high = extend(xs, low)[1], extend(xs, high)[1]
            axes.fill_between(across, band_low, band_high, color=look.colour, alpha=0.16, linewidth=0)


def _present(rows: Sequence[Row], what: str) -> None:
    if not rows:
        raise ValueError(f"no rows with accuracies at {what} to draw")


def _percent(axes: Axes, rows: Sequence[Row], y: str, chance: float | None) -> None:
    lowest = min(float(r[y]) for r in rows)
    floor = 0.0 if lowest < 0.55 else np.floor(lowest * 20) / 20 - 0.02
    axes.set_ylim(floor, 1 + 0.02 * (1 - floor))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y")
    if chance is not None and floor < chance:
        axes.axhline(chance, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        axes.annotate(
            "chance", (0, chance), (2, 1.5), ("axes fraction", "data"), "offset points", color=MUTED, fontsize=6
        )


def accuracy_against_angle(axes: Axes, rows: Sequence[Row], *, chance: float | None = None) -> None:
    """Accuracy on test images turned by each angle, with ticks and lines at the multiples of 90°.

    Args:
      axes: where to draw.
      rows: columns model, seed, angle (degrees, counter-clockwise), accuracy (in [0, 1]).
      chance: accuracy of guessing, drawn as a dotted line.

    Raises:
      ValueError: if there are no rows.
    """
    _present(rows, "angles")
    angles = [float(r["angle"]) for r in rows]
    whole_turn = min(angles) == 0 and 270 < max(angles) < 360

    def close(xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (np.append(xs, 360.0), np.append(ys, ys[0])) if whole_turn else (xs, ys)  # 360° is 0°

    for quarter in (90, 180, 270):
        if min(angles) < quarter < max(angles):
            axes.axvline(quarter, color=INK, linewidth=0.4, alpha=0.35, zorder=0)
    curves(axes, rows, x="angle", extend=close)
    axes.set_xlim(min(angles), 360 if whole_turn else max(angles))
    axes.xaxis.set_major_locator(MultipleLocator(90 if max(angles) - min(angles) > 120 else 15))
    if max(angles) - min(angles) > 120:
        axes.xaxis.set_minor_locator(MultipleLocator(45))
    axes.xaxis.set_major_formatter("{x:.0f}°")
    axes.set(xlabel="rotation of the test images", ylabel="test accuracy")
    _percent(axes, rows, "accuracy", chance)


def shift_size(row: Row) -> float:
    """The length of a shift in pixels along the longer axis: max(|rows|, |columns|)."""
    return max(abs(float(row["shift_rows"])), abs(float(row["shift_cols"])))


def accuracy_against_shift(axes: Axes, rows: Sequence[Row], *, chance: float | None = None) -> None:
    """Accuracy on shifted test images against the size of the shift, all directions of one size averaged.

    Args:
      axes: where to draw.
      rows: columns model, seed, shift_rows, shift_cols (pixels), accuracy (in [0, 1]); one mode of shifting only.
      chance: accuracy of guessing, drawn as a dotted line.

    Raises:
      ValueError: if there are no rows.
    """
    _present(rows, "shifts")
    sized = [{**row, "shift": shift_size(row)} for row in rows]
    curves(axes, sized, x="shift")
    axes.set_xlim(0, max(1.0, *(float(r["shift"]) for r in sized)))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set(xlabel="shift (pixels)", ylabel="test accuracy")
    _percent(axes, rows, "accuracy", chance)
