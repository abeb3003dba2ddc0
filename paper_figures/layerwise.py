"""Heat maps of the relative equivariance error, layer by rotation, before and after training on upright digits.

    geomdl reproduce layerwise

Reads ``errors.csv`` and ``summary.csv``; writes ``layerwise.png`` and ``layerwise.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import SubFigure

from geomdl.plots import MUTED, Row, compact, distinct, figure, heatmap, panel, read_csv, save, style

COMMAND = "geomdl reproduce layerwise"
STATES = ("untrained", "trained")
LIMITS = (1e-7, 1.0)
COLOURS = "cividis"


def draw(out: Path) -> list[Path]:
    errors = read_csv(out / "errors.csv", ("model", "state", "seed", "position", "layer", "angle", "error"), COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters", "images"), COMMAND)
    models = [str(m) for m in distinct(errors, "model")]
    seeds = len(distinct(errors, "seed"))
    with style():
        fig = figure("double", height=6.3)
        maps, foot = fig.subfigures(2, 1, height_ratios=(5.9, 0.4), squeeze=False)[:, 0]
        draw_maps(maps, errors, models)
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01,
            0.5,
            rf"Error $\|f_k(R_\theta x) - \rho_k(R_\theta)f_k(x)\|\,/\,\|\rho_k(R_\theta)f_k(x)\|$ after layer k, on"
            f" {summary[0]['images']} test digits of 20 × 20 pixels;\n"
            f"{'one seed' if seeds == 1 else f'median of {seeds} seeds'}; about {parameters:,.0f} parameters each,"
            " trained on upright digits. Size of the feature maps after the name of a layer that changes it."
            "\nResampled: the error of turning the image there and back, without a network.",
            fontsize=6,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "layerwise")


def draw_maps(fig: SubFigure, errors: Sequence[Row], models: Sequence[str]) -> None:
    """One heat map per network and state, rows the layers, columns the angles, under one colour bar."""
    grid = fig.subplots(len(STATES), len(models), squeeze=False)
    image = None
    for row, state in enumerate(STATES):
        for column, model in enumerate(models):
            axes = grid[row, column]
            own = [r for r in errors if (r["model"], r["state"]) == (model, state)]
            layers, angles, values = matrix(own)
            image = heatmap(
                axes,
                values,
                limits=LIMITS,
                scale="log",
                colours=COLOURS,
                numbers=compact,
                number_size=4.4,
                row_labels=layers,
                column_labels=[f"{a:g}°" for a in angles],
            )
            axes.tick_params(labelsize=5.5)
            axes.tick_params(axis="x", labelsize=4.8)
            panel(axes, "abcdef"[row * len(models) + column], f"{model}, {state}")
    if image is not None:
        bar = fig.colorbar(image, ax=grid, shrink=0.5, aspect=30, pad=0.015)
        bar.set_label("relative equivariance error")
        bar.outline.set_visible(False)  # type: ignore[operator]


def matrix(rows: Sequence[Row]) -> tuple[list[str], list[float], np.ndarray]:
    """The layers in order, the angles, and the median error over seeds ``[layers, angles]``."""
    layers = dict(sorted({int(r["position"]): str(r["layer"]) for r in rows}.items()))
    angles = sorted({float(r["angle"]) for r in rows})
    values = np.zeros((len(layers), len(angles)))
    for i, position in enumerate(layers):
        for j, angle in enumerate(angles):
            found = [float(r["error"]) for r in rows if (r["position"], float(r["angle"])) == (position, angle)]
            values[i, j] = np.median(found)
    return list(layers.values()), angles, values
