"""Accuracy upright, on average and under the worst of many rotations and shifts, by which symmetry is built in.

    geomdl reproduce worst_cases

Reads ``worst.csv``; writes ``worst_cases.png`` and ``worst_cases.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from geomdl.plots import MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce worst_cases"
TITLES = {
    "rotations": "Rotations, ±30°",
    "shifts": "Shifts, ±3 pixels",
    "both": "Both, on a grid",
    "random": "Both, 10 at random",
}


def draw(out: Path) -> list[Path]:
    columns = ("network", "seed", "transformations", "number", "natural", "average", "worst", "constant", "images")
    rows = read_csv(out / "worst.csv", columns, COMMAND)
    networks = [str(n) for n in distinct(rows, "network")]
    with style():
        fig = figure("double", height=2.9)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.2, 2.5, 0.4), squeeze=False)[:, 0]
        panels = body.subplots(1, len(TITLES), sharey=True)
        for letter, (name, title), axes in zip("abcd", TITLES.items(), panels, strict=True):
            own = [r for r in rows if r["transformations"] == name]
            draw_set(axes, own, networks)
            panel(axes, letter, f"{title} ({own[0]['number']:.0f})")
        panels[0].set_ylabel("accuracy")
        head.legend(
            handles=[
                Patch(facecolor=MUTED, label="worst case"),
                Line2D([], [], color=MUTED, marker="_", linestyle="", label="average"),
                Line2D([], [], color=MUTED, marker="o", markerfacecolor="white", linestyle="", label="unmoved"),
            ],
            loc="center",
            ncols=3,
        )
        seeds = len(distinct(rows, "seed"))
        foot.text(
            0.01, 0.4,
            f"{rows[0]['images']} test digits; "
            + ("one seed" if seeds == 1 else f"means of {seeds} seeds, bars from the least to the greatest")
            + ". The worst case counts an image only if every transformation of it is\nanswered right; the dotted line "
            "is the best constant answer. About 12,000 parameters each; all but the augmented CNN learn upright, "
            "centred digits.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "worst_cases")


def draw_set(axes: Axes, rows: Sequence[Row], networks: Sequence[str]) -> None:
    """A bar for each network: the worst case; marks for the average and for unmoved images."""
    for place, network in enumerate(networks):
        own = [r for r in rows if r["network"] == network]
        worst, average, natural = ([float(r[key]) for r in own] for key in ("worst", "average", "natural"))
        colour = line(network, place).colour
        middle = float(np.mean(worst))
        axes.bar(place, middle, color=colour, width=0.72)
        if len(own) > 1:
            spread = [[middle - min(worst)], [max(worst) - middle]]
            axes.errorbar(place, middle, yerr=spread, color="black", elinewidth=0.7, capsize=2)
        axes.plot([place - 0.36, place + 0.36], [np.mean(average)] * 2, color="black", linewidth=1.0)
        axes.plot(place, np.mean(natural), marker="o", markersize=3, color=colour, markerfacecolor="white", zorder=3)
    axes.axhline(float(np.mean([float(r["constant"]) for r in rows])), color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(networks)), [n.replace("CNN + augmentation", "CNN, augm.") for n in networks])
    axes.tick_params(axis="x", rotation=55, length=0)
    for tick in axes.get_xticklabels():
        tick.set_horizontalalignment("right")
        tick.set_rotation_mode("anchor")
    axes.set_ylim(0, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y")
