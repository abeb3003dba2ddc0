"""Average precision of detectors against the angle of the test images, on drawn shapes and on blood cells.

    geomdl reproduce box_angles

Reads ``angles.csv`` and ``summary.csv``; writes ``box_angles.png`` and ``box_angles.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from geomdl.plots import MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce box_angles"
TITLES = {"shapes": "Drawn shapes, learnt upright; oriented boxes", "cells": "Blood cells; upright boxes"}
FAMILY = {"plain": "CNN", "plain, augmented": "CNN + augmentation", "C4": "C4", "C8": "C8"}


def draw(out: Path) -> list[Path]:
    angles = read_csv(out / "angles.csv", ("data", "detector", "seed", "angle", "map50"), COMMAND)
    summary = read_csv(out / "summary.csv", ("data", "detector", "seed", "parameters", "test_images"), COMMAND)
    datasets = [str(name) for name in distinct(angles, "data")]
    detectors = [str(name) for name in distinct(angles, "detector")]
    with style():
        fig = figure("double", height=3.2)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.22, 2.6, 0.38), squeeze=False)[:, 0]
        panels = body.subplots(1, len(datasets), squeeze=False)[0]
        for letter, data, axes in zip("ab", datasets, panels, strict=False):
            draw_angles(axes, [r for r in angles if r["data"] == data], detectors)
            panel(axes, letter, TITLES[data])
        panels[0].set_ylabel("mAP at IoU 0.5")
        handles, labels = panels[0].get_legend_handles_labels()
        head.legend(handles, labels, loc="center", ncols=len(detectors))
        seeds = len(distinct(summary, "seed"))
        images = {data: next(r["test_images"] for r in summary if r["data"] == data) for data in datasets}
        counts = " and ".join(f"{images[data]} test images ({data})" for data in datasets)
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01, 0.4,
            f"FCOS of about {parameters:,.0f} parameters; {counts}; "
            + ("one seed" if seeds == 1 else f"means of {seeds} seeds, bands from the least to the greatest")
            + ".\nImages are black outside the largest disc; angles that are no quarter turns are resampled. The"
            " augmented detector learns images turned by every angle.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "box_angles")


def draw_angles(axes: Axes, rows: Sequence[Row], detectors: Sequence[str]) -> None:
    """A curve for each detector."""
    degrees = sorted({float(r["angle"]) for r in rows})
    for name in (n for n in detectors if any(r["detector"] == n for r in rows)):
        values = np.array([
            [float(r["map50"]) for r in rows if r["detector"] == name and float(r["angle"]) == a] for a in degrees
        ])  # fmt: skip
        look = line(FAMILY[name])
        closed = [*degrees, 360.0]
        low, middle, high = (np.append(f(values, axis=1), f(values[0])) for f in (np.min, np.mean, np.max))
        if values.shape[1] > 1:
            axes.fill_between(closed, low, high, color=look.colour, alpha=0.15, linewidth=0)
        axes.plot(closed, middle, color=look.colour, linestyle=look.dashes, label=name)
        quarter = [i for i, a in enumerate(closed) if a % 90 == 0]
        axes.plot([closed[i] for i in quarter], middle[quarter], look.marker, color=look.colour, markersize=3)
    axes.set_xticks(range(0, 361, 45))
    axes.set_xlabel("angle of the test images in degrees")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y")
