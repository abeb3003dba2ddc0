"""Left or right: accuracy on solids and their mirror images, upright and in the 24 turns of a cube.

    geomdl reproduce screws

Reads ``screws.csv``; writes ``screws.png`` and ``screws.pdf``. Measures nothing itself.
"""

from pathlib import Path

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from geomdl.plots import MUTED, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce screws"
COLUMNS = ("network", "seed", "upright", "turned", "mirrored", "volumes")


def draw(out: Path) -> list[Path]:
    rows = read_csv(out / "screws.csv", COLUMNS, COMMAND)
    networks = [str(n) for n in distinct(rows, "network")]
    with style():
        fig = figure("single", height=2.7)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.25, 2.3, 0.45), squeeze=False)[:, 0]
        axes = body.subplots()
        for place, network in enumerate(networks):
            own = [r for r in rows if r["network"] == network]
            colour = line(network, place).colour
            for shift, key, face in ((-0.2, "upright", "white"), (0.2, "turned", colour)):
                values = [float(r[key]) for r in own]
                middle = float(np.mean(values))
                axes.bar(place + shift, middle, color=face, edgecolor=colour, width=0.38)
                if len(values) > 1:
                    spread = [[middle - min(values)], [max(values) - middle]]
                    axes.errorbar(place + shift, middle, yerr=spread, color="black", elinewidth=0.7, capsize=1.5)
        axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(networks)), networks)
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(0, 1.04)
        axes.set_ylabel("told left from right")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(axis="y")
        panel(axes, "", f"{rows[0]['volumes']} screws and knots, with mirror images")
        handles = [Patch(facecolor="white", edgecolor=MUTED, label="upright"), Patch(facecolor=MUTED, label="24 turns")]
        head.legend(handles=handles, loc="center", ncols=2)
        seeds = len(distinct(rows, "seed"))
        foot.text(
            0.01, 0.5,
            ("One seed" if seeds == 1 else f"Means of {seeds} seeds, bars from the least to the greatest")
            + ".\nDotted: a guess, and all that a function can find that mirrors leave as it is.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "screws")
