"""Scores of networks that have learnt upright volumes: upright, in the 24 turns of a cube, in random orientations.

    GEOMDL_DATA=FOLDER geomdl reproduce volumes --preset=full

Reads ``accuracy.csv``; writes ``volumes.png`` and ``volumes.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from geomdl.plots import INK, MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce volumes"
COLUMNS = ("data", "network", "seed", "upright", "turned", "worst", "random", "volumes")
TITLES = {"solids": "Drawn solids", "glands": "Adrenal glands"}
SCORES = {"solids": "accuracy", "glands": "area under the ROC curve"}
CHANCE = {"solids": 0.25, "glands": 0.5}


def draw(out: Path) -> list[Path]:
    rows = read_csv(out / "accuracy.csv", COLUMNS, COMMAND)
    data = [str(name) for name in distinct(rows, "data")]
    with style():
        fig = figure("double", height=2.9)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.2, 2.5, 0.4), squeeze=False)[:, 0]
        panels = body.subplots(1, len(data), squeeze=False)[0]
        for letter, name, axes in zip("ab", data, panels, strict=False):
            own = [r for r in rows if r["data"] == name]
            draw_data(axes, own, CHANCE[name])
            axes.set_ylabel(SCORES[name])
            panel(axes, letter, f"{TITLES[name]} ({own[0]['volumes']} test volumes)")
        handles = [
            Line2D([], [], color=MUTED, marker="o", markerfacecolor="white", linestyle="", label="upright"),
            Patch(facecolor=MUTED, label="mean of the 24 turns"),
            Line2D([], [], color=INK, marker="_", linestyle="", label="worst turn"),
            Patch(facecolor="white", edgecolor=MUTED, label="random orientations"),
        ]
        head.legend(handles=handles, loc="center", ncols=4)
        seeds = len(distinct(rows, "seed"))
        foot.text(
            0.01, 0.5,
            ("One seed" if seeds == 1 else f"Means of {seeds} seeds, bars from the least to the greatest")
            + ". Dotted: chance. All networks learn upright volumes, but “CNN + turns”, which\n"
            "sees them in the 24 turns.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "volumes")


def draw_data(axes: Axes, rows: Sequence[Row], chance: float) -> None:
    """Two bars for each network, the turns of the cube and random orientations, and marks."""
    networks = [str(n) for n in distinct(rows, "network")]
    for place, network in enumerate(networks):
        own = [r for r in rows if r["network"] == network]
        colour = line(network, place).colour
        for shift, key, filled in ((-0.2, "turned", True), (0.2, "random", False)):
            values = [float(r[key]) for r in own]
            middle = float(np.mean(values))
            axes.bar(place + shift, middle, color=colour if filled else "white", edgecolor=colour, width=0.38)
            if len(values) > 1:
                spread = [[middle - min(values)], [max(values) - middle]]
                axes.errorbar(place + shift, middle, yerr=spread, color="black", elinewidth=0.7, capsize=1.5)
        worst, upright = (float(np.mean([float(r[key]) for r in own])) for key in ("worst", "upright"))
        axes.plot([place - 0.39, place - 0.01], [worst] * 2, color=INK, linewidth=1.0)
        axes.plot(place, upright, marker="o", markersize=3, color=colour, markerfacecolor="white", zorder=3)
    axes.axhline(chance, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(networks)), networks)
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y")
