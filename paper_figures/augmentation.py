"""Augmentation against equivariance: accuracy over all angles, spread of the scores, cost, ensembles.

    geomdl reproduce augmentation

Reads ``methods.csv`` and ``ensembles.csv``; writes ``augmentation.png`` and ``augmentation.pdf``. Trains nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from geomdl.plots import MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce augmentation"
MARKERS = {"none": "o", "rotations": "D", "quarter turns": "s", "test-time averaging": "^"}
NAMES = {"none": "no augmentation", "rotations": "random rotations"}


def draw(out: Path) -> list[Path]:
    columns = ("network", "augmentation", "seed", "mean", "worst_angle", "spread", "evaluations")
    methods = read_csv(out / "methods.csv", (*columns, "relative_training_time"), COMMAND)
    ensembles = read_csv(out / "ensembles.csv", ("members", "seed", "mean", "spread_quarter_turns"), COMMAND)
    with style():
        fig = figure("double", height=3.0)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.42, 2.3, 0.42), squeeze=False)[:, 0]
        accuracy, spread, many = body.subplots(1, 3, width_ratios=(1, 1, 1.1))
        draw_accuracy(accuracy, methods)
        panel(accuracy, "a", "Accuracy")
        draw_spread(spread, methods)
        panel(spread, "b", "Spread and cost")
        draw_ensembles(many, ensembles)
        panel(many, "c", "Ensembles of CNNs")
        for network in distinct(methods, "network"):
            look = line(str(network))
            accuracy.plot([], [], color=look.colour, linewidth=4, label=network)
        for name, marker in MARKERS.items():
            shown = NAMES.get(name, name)
            accuracy.plot([], [], color=MUTED, linestyle="", marker=marker, markerfacecolor="white", label=shown)
        head.legend(*accuracy.get_legend_handles_labels(), loc="center", ncols=6, columnspacing=1.2)
        seeds = len(distinct(methods, "seed"))
        foot.text(
            0.01, 0.5,
            ("One seed" if seeds == 1 else f"Means of {seeds} seeds")
            + "; about 8,000 parameters, 1,000 upright digits, 600 steps. Spread: standard deviation of the scores "
            "over 24 angles\n(c: four quarter turns), relative to that between images. Cost: networks evaluated for an "
            "answer times training time relative\nto the CNN's. Ensembles are trained with quarter turns; limit: "
            "regression with the kernel of infinitely wide networks.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "augmentation")


def _means(rows: Sequence[Row], *columns: str) -> list[tuple[str, str, list[float]]]:
    found = []
    for network in map(str, distinct(rows, "network")):
        for way in MARKERS:
            own = [r for r in rows if (r["network"], r["augmentation"]) == (network, way)]
            found.append((network, way, [float(np.mean([float(r[c]) for r in own])) for c in columns]))
    return found


def draw_accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    """Accuracy at the worst angle against the mean over the angles."""
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    for network, way, (mean, worst) in _means(rows, "mean", "worst_angle"):
        axes.plot(
            mean, worst, marker=MARKERS[way], color=line(network).colour, markerfacecolor="white", markersize=5.5,
            markeredgewidth=1.4,
        )  # fmt: skip
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("mean over all angles")
    axes.set_ylabel("worst angle")
    axes.grid()


def draw_spread(axes: Axes, rows: Sequence[Row]) -> None:
    """The spread against the cost."""
    for network, way, (spread, evaluations, time) in _means(rows, "spread", "evaluations", "relative_training_time"):
        axes.plot(
            evaluations * time, spread, marker=MARKERS[way], color=line(network).colour, markerfacecolor="white",
            markersize=5.5, markeredgewidth=1.4,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yscale("log")
    axes.set_xlabel("evaluations × training time (CNN = 1)")
    axes.set_ylabel("spread over all angles")
    axes.grid(axis="y")


def draw_ensembles(axes: Axes, rows: Sequence[Row]) -> None:
    """The spread over quarter turns against the number of members, and 1/√members."""
    sizes = sorted({int(str(r["members"])) for r in rows if str(r["members"]).isdigit()})
    found = [[float(r["spread_quarter_turns"]) for r in rows if str(r["members"]) == str(n)] for n in sizes]
    middle = np.array([np.mean(values) for values in found])
    look = line("CNN")
    low, high = ([f(values) for values in found] for f in (min, max))
    axes.fill_between(sizes, low, high, color=look.colour, alpha=0.15, linewidth=0)
    axes.plot(sizes, middle, color=look.colour, marker="s", label="ensemble")
    axes.plot(sizes, middle[0] / np.sqrt(sizes), color=MUTED, linestyle=":", linewidth=0.9, label="1/√members")
    limit = np.mean([float(r["spread_quarter_turns"]) for r in rows if r["members"] == "limit"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.1, 0.2]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_xlabel("members")
    axes.set_ylabel("spread over quarter turns")
    axes.legend(loc="lower left", title=f"limit: {limit:.0e}", title_fontsize=6.5)
    axes.grid(axis="y")
