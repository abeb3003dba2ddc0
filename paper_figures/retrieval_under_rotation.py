"""Mean average precision of retrieval against the angle of the queries, and how many keep their neighbours.

    geomdl reproduce retrieval_under_rotation

Reads ``precision.csv``, ``neighbours.csv`` and ``summary.csv``; writes ``retrieval_under_rotation`` as PNG and PDF.
Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator, PercentFormatter

from geomdl.plots import (
    GRID,
    INK,
    MUTED,
    Row,
    curves,
    distinct,
    figure,
    line,
    mean_over,
    panel,
    read_csv,
    save,
    style,
)

COMMAND = "geomdl reproduce retrieval_under_rotation"


def draw(out: Path) -> list[Path]:
    columns = ("model", "seed", "angle", "mean_average_precision")
    precision = read_csv(out / "precision.csv", columns, COMMAND)
    same = read_csv(out / "neighbours.csv", ("model", "seed", "angle", "same"), COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters", "images", "gallery"), COMMAND)
    models = [str(m) for m in distinct(precision, "model")]
    seeds = len(distinct(precision, "seed"))
    with style():
        fig = figure("double", height=3.0)
        head, main, foot = fig.subfigures(3, 1, height_ratios=(0.25, 2.4, 0.36), squeeze=False)[:, 0]
        left, right = main.subplots(1, 2, width_ratios=(2.2, 1))
        draw_precision(left, precision)
        panel(left, "a", "Mean average precision, gallery upright")
        draw_same(right, same, models)
        panel(right, "b", "Same neighbours at 90°")
        head.legend(*left.get_legend_handles_labels(), loc="center", ncols=len(models), columnspacing=1.2)
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01,
            0.5,
            f"{summary[0]['images']} test digits among {int(summary[0]['gallery']):,} training digits, by the cosine of"
            f" penultimate features.\nAbout {parameters:,.0f} parameters each;"
            f" {'one seed' if seeds == 1 else f'{seeds} seeds, bands from the least to the greatest'}.",
            fontsize=6,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "retrieval_under_rotation")


def draw_precision(axes: Axes, rows: Sequence[Row]) -> None:
    """One curve for each network."""
    for angle in range(45, 360, 45):
        axes.axvline(angle, color=INK if angle % 90 == 0 else GRID, linewidth=0.4, alpha=0.35, zorder=0)
    curves(axes, rows, x="angle", y="mean_average_precision", extend=_closed)
    axes.set_xlim(0, 360)
    axes.xaxis.set_major_locator(MultipleLocator(90))
    axes.xaxis.set_major_formatter("{x:.0f}°")
    axes.set(xlabel="rotation of the queries", ylabel="mean average precision", ylim=(0, 1))
    axes.grid(axis="y")


def draw_same(axes: Axes, rows: Sequence[Row], models: Sequence[str]) -> None:
    """The share of queries whose ten neighbours are those of the upright query, up to ties."""
    at = mean_over([r for r in rows if r["angle"] == 90], over="seed", by=["model"])
    shares = {str(r["model"]): float(r["same"]) for r in at}
    for place, model in enumerate(reversed(models)):
        axes.barh(place, shares[model], height=0.6, color=line(model, len(models) - 1 - place).colour)
        axes.text(shares[model] + 0.02, place, f"{shares[model]:.0%}", va="center", fontsize=6.5, color=INK)
    axes.set_yticks(range(len(models)), [m.replace(" + ", "\n+ ") for m in reversed(models)])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.2)
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))


def _closed(xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.append(xs, 360.0), np.append(ys, ys[0])  # 360° is 0°
