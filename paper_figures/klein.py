"""Klein's ladder as a heat map: networks by families of transformations, error relative to the spread between inputs.

    geomdl reproduce klein

Reads ``spreads.csv`` and ``summary.csv``; writes ``klein.png`` and ``klein.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from geomdl.plots import (
    GRID,
    INK,
    MUTED,
    Row,
    compact,
    distinct,
    figure,
    heatmap,
    mean_over,
    panel,
    read_csv,
    save,
    style,
)

COMMAND = "geomdl reproduce klein"
LIMITS = (1e-3, 1.0)
COLOURS = "cividis"
STEPS = {
    "isometries": 5,
    "similarity": 1,
    "affine": 1,
    "projective": 1,
    "pixel values": 2,
}
"""The steps of the ladder, and how many families stand on each."""
EXACT = 1e-5


def draw(out: Path) -> list[Path]:
    columns = ("model", "seed", "family", "strength", "orbit_spread", "input_spread", "error")
    spreads = read_csv(out / "spreads.csv", columns, COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters", "images"), COMMAND)
    seeds = len(distinct(spreads, "seed"))
    mean = mean_over(spreads, over="seed", by=["model", "family"])
    with style():
        fig = figure("double", height=4.15)
        main, foot = fig.subfigures(2, 1, height_ratios=(3.85, 0.3), squeeze=False)[:, 0]
        ladder = main.subplots()
        draw_ladder(ladder, mean)
        panel(ladder, "a", "Spread on orbits / spread between digits")
        spread = ladder.inset_axes((1.03, 0.0, 0.3, 1.0))
        draw_spreads(spread, mean)
        panel(spread, "b", "Orbits (dots), digits (bars)")
        for axes in (ladder, spread):
            axes.set_title(axes.get_title(loc="left"), loc="left", pad=20)  # above the steps
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01,
            0.5,
            f"Class scores of {summary[0]['images']} test digits; about {parameters:,.0f} parameters each, trained on"
            f" upright digits, {'one seed' if seeds == 1 else f'mean of {seeds} seeds'}. Orange: exact up to float32"
            " rounding.",
            fontsize=6.5,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "klein")


def draw_ladder(axes: Axes, mean: Sequence[Row]) -> None:
    """The error of each network (rows) under each family (columns), framed where exact."""
    models, families = ([str(v) for v in distinct(mean, key)] for key in ("model", "family"))
    error = {(r["model"], r["family"]): float(r["error"]) for r in mean}
    strength = {str(r["family"]): str(r["strength"]) for r in mean}
    values = [[error[m, f] for f in families] for m in models]
    heatmap(
        axes,
        values,
        limits=LIMITS,
        scale="log",
        colours=COLOURS,
        numbers=compact,
        number_size=6,
        row_labels=models,
    )
    axes.set_aspect("auto")
    axes.set_xticks(
        range(len(families)),
        [f"{f}\n{strength[f]}" for f in families],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontsize=6,
        linespacing=1.0,
    )
    for (row, column), value in np.ndenumerate(np.array(values)):
        if value <= EXACT:
            axes.add_patch(
                Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor="#E69F00", linewidth=1.4)
            )
    left = 0
    for step, count in STEPS.items():
        axes.plot([left - 0.4, left + count - 0.6], [-0.68, -0.68], color=INK, linewidth=0.8, clip_on=False)
        axes.text(left + count / 2 - 0.5, -0.76, step, ha="center", va="bottom", fontsize=6)
        left += count
    axes.set(xlim=(-0.5, len(families) - 0.5), ylim=(len(models) - 0.5, -0.5))


def draw_spreads(axes: Axes, mean: Sequence[Row]) -> None:
    """Per network: the orbit spread of every family, and the spread between digits."""
    models = distinct(mean, "model")
    for row, model in enumerate(models):
        own = [r for r in mean if r["model"] == model]
        exact = [float(r["orbit_spread"]) for r in own if float(r["error"]) <= EXACT]
        others = [float(r["orbit_spread"]) for r in own if float(r["error"]) > EXACT]
        axes.axhline(row, color=GRID, linewidth=0.5, zorder=0)
        axes.plot(others, [row] * len(others), "o", color="#0072B2", markersize=3.5, alpha=0.6, markeredgewidth=0)
        axes.plot(exact, [row] * len(exact), "o", color="#E69F00", markersize=3.5, markeredgewidth=0)
        axes.plot(float(own[0]["input_spread"]), row, "|", color=INK, markersize=9, markeredgewidth=1.4)
    axes.set_xscale("log")
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("mean distance of scores", fontsize=6.5)
    axes.tick_params(labelsize=6)
