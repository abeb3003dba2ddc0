"""Lie derivatives: what the layers of each network add, layer after layer, and the networks compared.

    geomdl reproduce lie

Reads ``layers.csv``, ``total.csv`` and ``summary.csv``; writes ``lie.png`` and ``lie.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from geomdl.plots import GRID, INK, MUTED, Row, distinct, figure, line, mean_over, panel, read_csv, save, style

COMMAND = "geomdl reproduce lie"
STATES = ("untrained", "trained")
MOTIONS = {
    "translation": (("translate_x", "translate_y"), "#D55E00", "-", "o"),
    "rotation": (("rotate",), "#0072B2", "-", "s"),
    "scaling": (("scale",), "#009E73", (0, (4, 1)), "^"),
    "shear, stretch": (("shear", "stretch"), "#CC79A7", (0, (1, 1)), "D"),
}
"""Generators drawn together (root mean square), their colour, dashes and marker."""
PIXELS = {"contrast": ("contrast",), "brightness": ("brightness",)}


def draw(out: Path) -> list[Path]:
    columns = ("model", "seed", "state", "position", "layer", "generator", "added", "cumulative")
    layers = read_csv(out / "layers.csv", columns, COMMAND)
    total = read_csv(out / "total.csv", ("model", "seed", "state", "generator", "error"), COMMAND)
    summary = read_csv(out / "summary.csv", ("seed", "parameters", "images"), COMMAND)
    seeds = len(distinct(summary, "seed"))
    with style():
        fig = figure("double", height=6.6)
        top, bottom, foot = fig.subfigures(3, 1, height_ratios=(4.1, 2.15, 0.35), squeeze=False)[:, 0]
        draw_layers(top, mean_over(layers, over="seed", by=["model", "state", "position", "generator"]))
        compare = bottom.subplots()
        draw_total(compare, mean_over(total, over="seed", by=["model", "state", "generator"]))
        panel(compare, "i", "End to end (hollow: untrained, filled: trained)")
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01,
            0.5,
            f"Change of the class scores relative to their spread between {summary[0]['images']} test digits; motions"
            " by one pixel at the digits' edge, contrast by e⁰·¹, brightness by 0.1.\na–h: what the layers add to the"
            " Lie derivative, summed from the image to the scores (scales differ); grey: nonlinearities and strides."
            f" About {parameters:,.0f} parameters each,\n{'one seed' if seeds == 1 else f'mean of {seeds} seeds'}.",
            fontsize=6,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "lie")


def draw_layers(fig: SubFigure, rows: Sequence[Row]) -> None:
    """Per network and state: the sum of the contributions of the layers so far, one curve per motion."""
    models = distinct(rows, "model")
    grid = fig.subplots(len(STATES), len(models), squeeze=False, sharex="col")
    for i, state in enumerate(STATES):
        for j, model in enumerate(models):
            axes = grid[i, j]
            own = [r for r in rows if (r["model"], r["state"]) == (model, state)]
            steps(axes, own)
            panel(axes, "abcdefgh"[i * len(models) + j], f"{model}, {state}")
        grid[i, 0].set_ylabel("sum of contributions")
    fig.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(MOTIONS))


def steps(axes: Axes, rows: Sequence[Row]) -> None:
    """The cumulative contributions against the layers, with the layers that alias shaded."""
    names = {int(r["position"]): str(r["layer"]) for r in rows}
    for position, name in names.items():
        if "↓" in name or name in ("relu", "elu"):
            axes.axvspan(position - 0.5, position + 0.5, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    for label, (generators, colour, dashes, _) in MOTIONS.items():
        sums = [
            _rms([float(r["cumulative"]) for r in rows if r["position"] == k and r["generator"] in generators])
            for k in names
        ]
        axes.step([0, *names], [0, *sums], where="mid", color=colour, linestyle=dashes, linewidth=1.1, label=label)
    axes.set_xlim(0.4, len(names) + 0.6)
    axes.set_ylim(bottom=0)
    axes.set_xticks(list(names), list(names.values()), rotation=90, fontsize=5.5)
    axes.tick_params(axis="x", length=0)


def draw_total(axes: Axes, rows: Sequence[Row]) -> None:
    """The Lie derivative end to end: generators along the axis, one marker per network and state."""
    models = distinct(rows, "model")
    groups = {**{label: entry[0] for label, entry in MOTIONS.items()}, **PIXELS}
    for j, model in enumerate(models):
        look = line(str(model), j)
        for state in STATES:
            values = [
                _rms(
                    [
                        float(r["error"])
                        for r in rows
                        if (r["model"], r["state"]) == (model, state) and r["generator"] in generators
                    ]
                )
                for generators in groups.values()
            ]
            filled = state == "trained"
            axes.plot(
                np.arange(len(groups)) + (j - (len(models) - 1) / 2) * 0.13,
                values,
                look.marker,
                color=look.colour,
                markerfacecolor=look.colour if filled else "white",
                markersize=4.5,
                label=str(model) if filled else None,
            )
    for k in range(len(groups) - 1):
        axes.axvline(k + 0.5, color=GRID, linewidth=0.6, zorder=0)
    axes.set_yscale("log")
    axes.set_xticks(range(len(groups)), list(groups))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.set_ylabel("relative change\nof the scores")
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor=INK)


def _rms(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
