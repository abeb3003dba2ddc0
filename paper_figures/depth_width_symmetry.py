"""Networks of the lectures and their twins: accuracy against parameters and depth, and the history of ImageNet.

    GEOMDL_DATA=FOLDER geomdl reproduce depth_width_symmetry

Reads ``results.csv`` and ``costs.csv``; writes ``depth_width_symmetry.png`` and ``.pdf``. Trains nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from geomdl.plots import INK, MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "GEOMDL_DATA=FOLDER geomdl reproduce depth_width_symmetry"
FAMILY = {"C1": "CNN", "C4": "C4", "D4": "D4"}
TITLES = {"eurosat": "EuroSAT", "rotated_fashion": "rotated Fashion-MNIST"}
HALO = [patheffects.withStroke(linewidth=1.5, foreground="white")]
"""Names are to be read where they cross a line; points stay above them."""
HISTORY = (
    (2010, 28.2, "NEC, shallow"),
    (2011, 25.8, "XRCE, shallow"),
    (2012, 16.4, "AlexNet, 8 layers"),
    (2013, 11.7, "Clarifai, 8"),
    (2014, 6.7, "GoogLeNet, 22"),
    (2015, 3.57, "ResNet, 152"),
)
"""Top-5 error in per cent of the winners of the ImageNet challenge, as published (Russakovsky et al. 2015, table 7;
He et al. 2016)."""


def draw(out: Path) -> list[Path]:
    results = read_csv(out / "results.csv", ("data", "network", "group", "seed", "accuracy"), COMMAND)
    costs = read_csv(out / "costs.csv", ("network", "group", "parameters", "depth"), COMMAND)
    data = [str(d) for d in distinct(results, "data")]
    with style():
        fig = figure("double", height=2.1 * len(data) + 0.7)
        body, foot = fig.subfigures(2, 1, height_ratios=(2.1 * len(data), 0.5), squeeze=False)[:, 0]
        grid = body.subplots(len(data), 3, squeeze=False)
        letters = iter("abcdefghi")
        for number, (row, name) in enumerate(zip(grid, data, strict=True)):
            rows = [r for r in results if r["data"] == name]
            for axes, measure, label in (
                (row[0], "parameters", "parameters"),
                (row[1], "depth", "depth: layers with weights"),
            ):
                panel(axes, next(letters), f"{TITLES[name]}: accuracy")
                _joined(axes, rows, costs, measure)
                axes.set_xlabel(label)
            panel(row[2], next(letters), ("ImageNet top-5 error, %", "consistency")[number])
            if number == 0:
                _history(row[2])
            else:
                _consistency(row[2], results)
        handles = [
            Line2D([], [], color=line(FAMILY[g]).colour, marker=line(FAMILY[g]).marker, linestyle="", label=words)
            for g, words in (("C1", "the paper's network (C1)"), ("C4", "its C4 twin"), ("D4", "its D4 twin"))
        ]
        foot.legend(handles=handles, loc="upper center", ncols=3, fontsize=6)
        counts = {len([r for r in results if (r["data"], r["network"], r["group"]) == key]) for key in
                  {(r["data"], r["network"], r["group"]) for r in results}}  # fmt: skip
        seeds = " to ".join(map(str, sorted({min(counts), max(counts)})))
        foot.text(
            0.01,
            0.02,
            f"Twins have as many parameters as their network{_others(costs)}.\n2,000 training images, no augmentation; "
            f"{'one seed' if seeds == '1' else f'means over {seeds} seeds'}. Networks of as many parameters, or of as "
            "many layers, are shown side by side.",
            fontsize=6,
            color=MUTED,
        )
    return save(fig, out, "depth_width_symmetry")


def _mean(rows: Sequence[Row], network: str, group: str, measure: str = "accuracy") -> float:
    found = [float(r[measure]) for r in rows if (r["network"], r["group"]) == (network, group)]
    return float(np.mean(found)) if found else float("nan")


def _joined(axes: Axes, rows: Sequence[Row], costs: Sequence[Row], measure: str) -> None:
    """Every network and its twins at one abscissa, joined; two of one abscissa beside each other, with names outward.

    Other names that would overlap stand below.
    """
    named: list[tuple[float, float]] = []
    networks = [str(n) for n in distinct(rows, "network")]
    places = {n: next(float(r[measure]) for r in costs if (r["network"], r["group"]) == (n, "C1")) for n in networks}
    for network in networks:
        alike = [n for n in networks if abs(np.log(places[n] / places[network])) < 0.02]
        side = 0 if len(alike) == 1 else -1 if network == alike[0] else 1
        x = places[network] * np.exp(0.06 * side)
        heights = {group: _mean(rows, network, group) for group in FAMILY}
        axes.plot([x] * len(heights), list(heights.values()), color=MUTED, linewidth=0.8, zorder=1)
        for group, y in heights.items():
            look = line(FAMILY[group])
            axes.plot(x, y, marker=look.marker, color=look.colour, markersize=4, linestyle="", zorder=2)
        top, bottom = np.nanmax(list(heights.values())), np.nanmin(list(heights.values()))
        crowded = any(abs(np.log(x / a)) < 0.33 and abs(top - b) < 0.06 for a, b in named)
        named.append((x, bottom if crowded else top))
        axes.annotate(
            network, named[-1], xytext=(-2 * side, -5 if crowded else 4), textcoords="offset points", fontsize=5,
            ha=("center", "left", "right")[side], va="top" if crowded else "baseline", color=INK, path_effects=HALO,
            zorder=1.5,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.15, y=0.15)
    ticks = [5, 10, 20, 40] if measure == "depth" else [70_000, 100_000, 150_000, 250_000]
    axes.set_xticks(ticks, [str(n) if measure == "depth" else f"{n // 1000}k" for n in ticks])
    axes.minorticks_off()


def _history(axes: Axes) -> None:
    years, errors, _ = zip(*HISTORY, strict=True)
    axes.plot(years, errors, color=INK, marker="o", markersize=3, linewidth=1.0)
    for year, error, words in HISTORY:
        axes.annotate(
            words, (year, error), xytext=(4, 3), textcoords="offset points", fontsize=5, color=INK, path_effects=HALO
        )
    axes.axhline(5.1, color=MUTED, linestyle=":", linewidth=0.8)
    axes.annotate("a person, 5.1", (2010, 5.1), xytext=(0, 2), textcoords="offset points", fontsize=5, color=MUTED)
    axes.set_xlim(2009.5, 2017)
    axes.set_ylim(0, 31)


def _consistency(axes: Axes, rows: Sequence[Row]) -> None:
    """The share of images with one class under all eight symmetries, of every network and data set."""
    networks = [str(n) for n in distinct(rows, "network")]
    for position, network in enumerate(networks):
        for group in FAMILY:
            look = line(FAMILY[group])
            axes.plot(
                _mean(rows, network, group, "consistency"), position, marker=look.marker, color=look.colour,
                markersize=4, linestyle="",
            )  # fmt: skip
    axes.set_yticks(range(len(networks)), networks)
    axes.set_ylim(-0.7, len(networks) - 0.3)
    axes.set_xlim(0, 1.05)


def _others(costs: Sequence[Row]) -> str:
    """The twins of which that does not hold, with their share: a width that is a small whole number has no choice."""
    plain = {r["network"]: float(r["parameters"]) for r in costs if r["group"] == "C1"}
    shares = [(r["network"], r["group"], float(r["parameters"]) / plain[r["network"]]) for r in costs]
    found = [f"{group} of {name} {share:.0%}" for name, group, share in shares if abs(share - 1) > 0.1]
    return f" (but for {', '.join(found)})" if found else ""
