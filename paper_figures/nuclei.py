"""Nuclei by U-Nets of equal parameters: overlap, worst angle and consistency against the number of training images.

    GEOMDL_NUCLEI=FILE.npz geomdl reproduce nuclei

Reads ``results.csv`` and ``costs.csv``; writes ``nuclei.png`` and ``nuclei.pdf``. Trains nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from geomdl.plots import INK, MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "GEOMDL_NUCLEI=FILE.npz geomdl reproduce nuclei"
PANELS = (
    ("iou", "IoU of the nuclei, as they are"),
    ("iou_worst_angle", "at the worst of eight angles"),
    ("consistency", "consistency under rotation"),
)
FAMILY = {"U-Net": "CNN", "C4 U-Net": "C4", "D4 U-Net": "D4", "C8 U-Net": "C8"}


def draw(out: Path) -> list[Path]:
    results = read_csv(
        out / "results.csv", ("network", "rotations", "train_size", "seed", *(m for m, _ in PANELS)), COMMAND
    )
    costs = read_csv(out / "costs.csv", ("network", "parameters", "relative_step_time"), COMMAND)
    networks = [str(n) for n in distinct(results, "network")]
    with style():
        fig = figure("double", height=2.9)
        body, foot = fig.subfigures(2, 1, height_ratios=(2.4, 0.5), squeeze=False)[:, 0]
        for letter, axes, (measure, title) in zip("abc", body.subplots(1, 3), PANELS, strict=True):
            panel(axes, letter, title)
            _lines(axes, results, networks, measure)
        foot.legend(handles=_legend(networks, costs), loc="upper center", ncols=3, fontsize=6)
        seeds = len(distinct(results, "seed"))
        foot.text(
            0.01,
            0.08,
            f"About {np.mean([float(r['parameters']) for r in costs]):,.0f} parameters each, images of 64 × 64 pixels;"
            f" {f'means over {seeds} seeds, with all of them as points' if seeds > 1 else 'one seed'}.",
            fontsize=6,
            color=MUTED,
        )
    return save(fig, out, "nuclei")


def _lines(axes: Axes, results: Sequence[Row], networks: Sequence[str], measure: str) -> None:
    """A line per network and augmentation; the seeds as faint points."""
    sizes = sorted({int(r["train_size"]) for r in results})
    for name in networks:
        look = line(FAMILY[name])
        for rotations, dashes in (("no", "-"), ("yes", (0, (3, 1.5)))):
            rows = [r for r in results if (r["network"], r["rotations"]) == (name, rotations)]
            there = [s for s in sizes if any(r["train_size"] == s for r in rows)]
            means = [np.mean([float(r[measure]) for r in rows if r["train_size"] == s]) for s in there]
            axes.plot(
                there, means, color=look.colour, linestyle=dashes, marker=look.marker, linewidth=1.0, markersize=3
            )
            points = [(int(r["train_size"]), float(r[measure])) for r in rows]
            axes.plot(*zip(*points, strict=True), ".", color=look.colour, markersize=1.5, alpha=0.5)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(s) for s in sizes])
    axes.minorticks_off()
    axes.set_xlabel("training images")


def _legend(networks: Sequence[str], costs: Sequence[Row]) -> list[Line2D]:
    times = {str(r["network"]): float(r["relative_step_time"]) for r in costs}
    handles = [
        Line2D([], [], color=line(FAMILY[n]).colour, marker=line(FAMILY[n]).marker, label=f"{n}, step {times[n]:.1f}×")
        for n in networks
    ]
    return [
        *handles,
        Line2D([], [], color=INK, linestyle="-", label="no augmentation"),
        Line2D([], [], color=INK, linestyle=(0, (3, 1.5)), label="random rotations"),
    ]
