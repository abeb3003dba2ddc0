"""Accuracy against the number of training images, by what is built into the network; and a gain that is known.

    geomdl reproduce sample_efficiency

Reads ``accuracy.csv``, ``regression.csv`` and ``gains.csv``; writes ``sample_efficiency.png`` and
``sample_efficiency.pdf``. Trains nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, PercentFormatter

from geomdl.plots import MUTED, Line, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce sample_efficiency"
DATA = {"digits": "turned digits", "eurosat": "EuroSAT"}
TASKS = {"C2": "#56B4E9", "C4": "#0072B2", "C8": "#332288", "D4": "#009E73"}
LEARNERS = {"plain": ((0, (4, 1.5)), "o", "white"), "invariant": ("-", "s", None)}


def draw(out: Path) -> list[Path]:
    table = read_csv(out / "accuracy.csv", ("data", "network", "images", "seed", "accuracy"), COMMAND)
    curves = read_csv(out / "regression.csv", ("space", "group", "learner", "samples", "repeat", "error"), COMMAND)
    gains = read_csv(out / "gains.csv", ("space", "group", "order", "gain", "gain_low", "gain_high"), COMMAND)
    data = [str(d) for d in distinct(table, "data")]
    with style():
        fig = figure("double", height=3.0)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.25, 2.3, 0.45), squeeze=False)[:, 0]
        panels = body.subplots(1, len(data) + 2, width_ratios=[1.15] * len(data) + [1, 0.75])
        for letter, name, axes in zip("abcd", data, panels, strict=False):
            draw_accuracy(axes, [r for r in table if r["data"] == name])
            panel(axes, letter, f"Accuracy, {DATA[name]}")
        panels[0].set_ylabel("accuracy on test images")
        draw_regression(panels[-2], [r for r in curves if r["space"] == "circle"])
        panel(panels[-2], "abcd"[len(data)], "Regression")
        draw_gains(panels[-1], gains)
        panel(panels[-1], "abcd"[len(data) + 1], "Gain")
        head.legend(*panels[0].get_legend_handles_labels(), loc="center", ncols=6, columnspacing=1.3)
        seeds = len(distinct(table, "seed"))
        foot.text(
            0.01, 0.5,
            ("One seed" if seeds == 1 else f"Mean of {seeds} seeds, band from the least to the greatest")
            + "; 16 × 16 pixels, 300 steps for every network. Regression of invariant\nfunctions on the circle "
            "with a kernel (open) and with its average over the group (filled). Gains with 95 % intervals, the dashed "
            "line is\nthe order of the group; on the torus, unlike the circle, the groups leave points fixed.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "sample_efficiency")


def draw_accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    """One curve for each network, over the number of images."""
    counts = sorted({int(r["images"]) for r in rows})
    for i, network in enumerate(map(str, distinct(rows, "network"))):
        look = line(network, i)
        found = [[float(r["accuracy"]) for r in rows if (r["network"], r["images"]) == (network, n)] for n in counts]
        low, high, middle = (np.array([f(values) for values in found]) for f in (min, max, np.mean))
        axes.fill_between(counts, low, high, color=look.colour, alpha=0.13, linewidth=0)
        axes.plot(counts, middle, color=look.colour, linestyle=look.dashes, marker=look.marker, label=network)
    _log(axes, counts, "images to learn from")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y")


def draw_regression(axes: Axes, rows: Sequence[Row]) -> None:
    """Mean error of both learners against the number of samples, for each group."""
    for group in map(str, distinct(rows, "group")):
        for learner, (dashes, marker, face) in LEARNERS.items():
            own = [r for r in rows if (r["group"], r["learner"]) == (group, learner)]
            counts = sorted({int(r["samples"]) for r in own})
            errors = [np.mean([float(r["error"]) for r in own if r["samples"] == n]) for n in counts]
            look = Line(TASKS[group], dashes, marker)
            axes.plot(counts, errors, color=look.colour, linestyle=dashes, marker=marker, markerfacecolor=face)
        axes.plot([], [], color=TASKS[group], label=group)
    _log(axes, [32, 128, 512, 2048], "samples")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("squared error")
    axes.legend(loc="lower left", handlelength=1.2)


def draw_gains(axes: Axes, rows: Sequence[Row]) -> None:
    """The gain of each task with its interval, against the order of the group."""
    orders = sorted({int(r["order"]) for r in rows})
    axes.plot(orders, orders, color=MUTED, linestyle=(0, (4, 1.5)), linewidth=0.9)
    for r in rows:
        torus = r["space"] == "torus"
        x, y = int(r["order"]) * (1.06 if torus else 0.97), float(r["gain"])
        spread = [[y - float(r["gain_low"])], [float(r["gain_high"]) - y]]
        axes.errorbar(
            [x], [y], yerr=spread, color=TASKS[str(r["group"])], marker="D" if torus else "o", capsize=2, elinewidth=0.9
        )
    for marker, name in (("o", "circle"), ("D", "torus")):
        axes.plot([], [], color=MUTED, linestyle="", marker=marker, label=name)
    _log(axes, orders, "order of the group")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(orders))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:.0f}")
    axes.legend(loc="upper left", handlelength=1.0)


def _log(axes: Axes, ticks: Sequence[int], label: str) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}" if n < 1000 else f"{n / 1000:.0f}k")
    axes.set_xlabel(label)
