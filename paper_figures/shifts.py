"""Consistency under shifts, per downsampling and padding, with the Red–Green table beside it.

    geomdl reproduce shifts

Reads ``consistency.csv``, ``summary.csv`` and ``red_green.csv``; writes ``shifts.png`` and ``shifts.pdf``. Measures
nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from geomdl.plots import (
    GRID,
    INK,
    MUTED,
    Line,
    Row,
    distinct,
    figure,
    mean_over,
    panel,
    read_csv,
    save,
    seed_statistics,
    style,
)

COMMAND = "geomdl reproduce shifts"
LOOKS = {
    "stride": Line("#7a7a7a", (0, (1, 1)), "X"),
    "max": Line("#D55E00", (0, (4, 1.5)), "o"),
    "average": Line("#E69F00", (0, (5, 1.5)), "D"),
    "blur": Line("#CC79A7", (0, (3, 1, 1, 1)), "s"),
    "APS": Line("#0072B2", "-", "^"),
    "LPS": Line("#56B4E9", (0, (5, 1)), "v"),
    "alias-free": Line("#009E73", "-", "P"),
}
LABELS = {"max": "max pooling", "average": "average pooling", "blur": "blur pooling"}


def draw(out: Path) -> list[Path]:
    columns = ("downsampling", "padding", "seed", "motion", "shift", "consistency")
    table = read_csv(out / "consistency.csv", columns, COMMAND)
    summary = read_csv(out / "summary.csv", ("downsampling", "padding", "seed", "parameters", "images"), COMMAND)
    positions = read_csv(
        out / "red_green.csv",
        ("padding", "seed", "similar", "dissimilar", "published_similar", "published_dissimilar"),
        COMMAND,
    )
    with style():
        fig = figure("double", height=4.3)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.25, 3.6, 0.45), squeeze=False)[:, 0]
        left, right = body.subfigures(1, 2, width_ratios=(4.5, 2.5), squeeze=False)[0]
        draw_curves(left, table)
        draw_red_green(right.subplots(), positions)
        handles, labels = left.axes[0].get_legend_handles_labels()
        head.legend(handles, labels, loc="center", ncols=len(labels), columnspacing=1.2, handlelength=2.4)
        foot.text(0.01, 0.5, _note(summary, positions), fontsize=6, color=MUTED, va="center", linespacing=1.3)
    return save(fig, out, "shifts")


def draw_curves(fig: SubFigure, table: Sequence[Row]) -> None:
    """Rows: the padding; columns: circular shifts and crops. One curve per downsampling."""
    low = min(float(r["consistency"]) for r in table)
    floor = np.floor(10 * low) / 10
    grid = fig.subplots(2, 2, width_ratios=(1.9, 1), sharey=True, squeeze=False)
    titles = {"circular": "Circular shifts", "crop": "Crops"}
    for row, padding in enumerate(("circular", "zeros")):
        for column, motion in enumerate(("circular", "crop")):
            axes = grid[row, column]
            own = [r for r in table if (r["padding"], r["motion"]) == (padding, motion)]
            for name in distinct(own, "downsampling"):
                _curve(axes, [r for r in own if r["downsampling"] == name], str(name))
            longest = max(float(r["shift"]) for r in own)
            axes.set_xlim(0, longest + 0.1)
            axes.set_ylim(floor, 1 + 0.03 * (1 - floor))
            axes.xaxis.set_major_locator(MultipleLocator(1))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.grid(axis="y")
            for whole in range(1, int(longest) + 1):
                axes.axvline(whole, color=GRID, linewidth=0.5, zorder=0)
            words = "circular padding" if padding == "circular" else "zero padding"
            panel(axes, "abcd"[2 * row + column], f"{titles[motion]}, {words}" if column == 0 else titles[motion])
            axes.set_xlabel("shift (pixels)" if row == 1 else "")
            axes.set_ylabel("classes that stay" if column == 0 else "")


def _curve(axes: Axes, rows: Sequence[Row], name: str) -> None:
    x, mean, least, most = seed_statistics(rows, "shift", "consistency")
    x, mean, least, most = (
        np.concatenate([[start], a]) for start, a in zip((0, 1, 1, 1), (x, mean, least, most), strict=True)
    )
    look, top = LOOKS[name], list(LOOKS).index(name)
    fractional = any(not float(s).is_integer() for s in x)
    wholes = [i for i, s in enumerate(x) if float(s).is_integer() and s > 0]
    axes.plot(
        x,
        mean,
        color=look.colour,
        linestyle=look.dashes,
        linewidth=1.1,
        marker=look.marker,
        markersize=3.2,
        markevery=wholes if fractional else slice(1, None),
        label=LABELS.get(name, name),
        zorder=2 + top / 10,
        clip_on=False,
    )
    if np.any(most > least):
        axes.fill_between(x, least, most, color=look.colour, alpha=0.14, linewidth=0)


def draw_red_green(axes: Axes, rows: Sequence[Row]) -> None:
    """The table: ours over the published accuracies, on similar and dissimilar test images."""
    panel(axes, "e", "Red–Green: absolute position")
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(8.4, -0.6))
    places = {"similar": 0.69, "dissimilar": 1.0}
    axes.text(0, 0.4, "padding", fontsize=6.5)
    for key, x in places.items():
        axes.text(x, 0.4, key, ha="right", fontsize=6.5)
    for y, width in ((-0.3, 0.9), (0.65, 0.5)):
        axes.axhline(y, color=INK, linewidth=width)
    means = mean_over(rows, "seed", ["padding"])
    for place, row in enumerate(means):
        y = 1.35 + 1.5 * place
        axes.text(0, y, str(row["padding"]), fontsize=7)
        axes.text(0, y + 0.55, "published", fontsize=6, color=MUTED)
        for key, x in places.items():
            own = [float(r[key]) for r in rows if r["padding"] == row["padding"]]
            spread = f" ± {100 * np.std(own):.1f}" if len(own) > 1 else ""
            bold = "bold" if row["similar"] == row["dissimilar"] else "normal"
            axes.text(x, y, f"{100 * float(row[key]):.1f}{spread}", ha="right", weight=bold, fontsize=7)
            published = f"{100 * float(row[f'published_{key}']):.1f}"
            axes.text(x, y + 0.55, published, ha="right", fontsize=6, color=MUTED)
    end = 1.35 + 1.5 * len(means) - 0.55
    axes.axhline(end, color=INK, linewidth=0.9)
    axes.text(
        0,
        end + 0.25,
        "Test accuracy (%). Similar: squares placed as in\ntraining; dissimilar: in the other half of the image.\n"
        "Bold: no difference.",
        fontsize=6,
        color=MUTED,
        va="top",
    )


def _note(summary: Sequence[Row], positions: Sequence[Row]) -> str:
    def count(rows: Sequence[Row]) -> str:
        seeds = len(distinct(rows, "seed"))
        return "one seed" if seeds == 1 else f"mean of {seeds} seeds"

    parameters = np.mean([float(r["parameters"]) for r in summary])
    return (
        f"Share of {summary[0]['images']} test digits of 24 × 24 pixels whose predicted class is that of the unmoved"
        f" digit ({count(summary)}; bands: least\nto greatest; markers: whole pixels). CNNs with two halvings, about"
        f" {parameters:,.0f} parameters, trained on digits that are not shifted.\nRed–Green: {count(positions)};"
        " published: Kayhan & van Gemert 2020, whose similar test images are training images."
    )
