"""Accuracy on another task against the number of images, by what is trained of a network.

    GEOMDL_DATA=FOLDER geomdl reproduce transfer

Reads ``results.csv``; writes ``transfer.png`` and ``transfer.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from geomdl.plots import MUTED, Line, Row, distinct, figure, panel, read_csv, save, style

COMMAND = "GEOMDL_DATA=FOLDER geomdl reproduce transfer"
LOOKS = {
    "features": Line("#009E73", (0, (1, 1)), "s"),
    "fine-tuned": Line("#0072B2", "-", "o"),
    "from scratch": Line("#D55E00", (0, (5, 1.5)), "^"),
}


def draw(out: Path) -> list[Path]:
    rows = read_csv(out / "results.csv", ("network", "way", "images", "seed", "accuracy"), COMMAND)
    networks = [str(n) for n in distinct(rows, "network")]
    with style():
        fig = figure("double", height=2.9)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.22, 2.3, 0.4), squeeze=False)[:, 0]
        panels = body.subplots(1, len(networks), sharey=True, squeeze=False)[0]
        for letter, network, axes in zip("abcd", networks, panels, strict=False):
            draw_network(axes, [r for r in rows if r["network"] == network])
            panel(axes, letter, f"Network of the group {network}")
        panels[0].set_ylim(0, 1.05 * max(float(r["accuracy"]) for r in rows))
        panels[0].set_ylabel("accuracy on turned digits")
        head.legend(*panels[0].get_legend_handles_labels(), loc="center", ncols=len(LOOKS))
        seeds = len(distinct(rows, "seed"))
        foot.text(
            0.01, 0.5,
            "Networks of about 25,000 parameters that know upright Fashion-MNIST, for digits turned by angles of their "
            "own.\n2,000 test digits; "
            + ("one seed." if seeds == 1 else f"mean of {seeds} seeds, band from the least to the greatest."),
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "transfer")


def draw_network(axes: Axes, rows: Sequence[Row]) -> None:
    """One curve for each way, over the number of images."""
    counts = sorted({int(r["images"]) for r in rows})
    for way, look in LOOKS.items():
        found = [[float(r["accuracy"]) for r in rows if (r["way"], int(r["images"])) == (way, n)] for n in counts]
        low, high, middle = (np.array([f(values) for values in found]) for f in (min, max, np.mean))
        axes.fill_between(counts, low, high, color=look.colour, alpha=0.15, linewidth=0)
        axes.plot(counts, middle, color=look.colour, linestyle=look.dashes, marker=look.marker, label=way)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("images to learn from")
    axes.grid(axis="y")
