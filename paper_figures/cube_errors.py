"""How much untrained networks of volumes change under the symmetries of the cube, and under random rotations.

    geomdl reproduce cube_errors

Reads ``errors.csv``; writes ``cube_errors.png`` and ``cube_errors.pdf``. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from geomdl.plots import INK, MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce cube_errors"
COLUMNS = ("network", "side", "motion", "element", "mirrors", "promised", "error", "volumes")
LEAST = 1e-8
"""Errors below are drawn there: an element that changes nothing at all has the error 0."""
LIMIT = 1e-5


def draw(out: Path) -> list[Path]:
    rows = read_csv(out / "errors.csv", COLUMNS, COMMAND)
    sides = sorted({int(r["side"]) for r in rows})
    with style():
        fig = figure("double", height=2.9)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.2, 2.5, 0.4), squeeze=False)[:, 0]
        panels = body.subplots(1, len(sides), sharey=True, squeeze=False)[0]
        for letter, side, axes in zip("abcd", sides, panels, strict=False):
            draw_side(axes, [r for r in rows if r["side"] == side])
            panel(axes, letter, f"{side} × {side} × {side} voxels")
        panels[0].set_ylabel("change of the outputs / their deviation")
        looks = (("o", "24 turns of the cube"), ("^", "24 with a mirror"), ("x", "random rotations"))
        handles = [
            Line2D([], [], color=INK, marker=m, markersize=3, markerfacecolor="white", linestyle="", label=words)
            for m, words in looks
        ]
        head.legend(handles=handles, loc="center", ncols=3)
        foot.text(
            0.01, 0.5,
            f"Untrained, float32; {rows[0]['volumes']} volumes; largest change of four outputs. Dotted: the limit for"
            " what is promised, 1e-5.\nThe identity changes nothing, and is drawn at the lower edge.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "cube_errors")


def draw_side(axes: Axes, rows: Sequence[Row]) -> None:
    """For each network three columns of points: turns, elements with a mirror, random rotations."""
    networks = [str(n) for n in distinct(rows, "network")]
    rng = np.random.default_rng(0)
    for place, network in enumerate(networks):
        own = [r for r in rows if r["network"] == network]
        colour = line(network, place).colour
        groups = (
            (-0.27, "o", [r for r in own if r["motion"] == "cube" and not r["mirrors"]]),
            (0.0, "^", [r for r in own if r["motion"] == "cube" and r["mirrors"]]),
            (0.27, "x", [r for r in own if r["motion"] == "random" and not r["mirrors"]]),
        )
        for shift, marker, chosen in groups:
            errors = np.maximum([float(r["error"]) for r in chosen], LEAST)
            x = place + shift + rng.uniform(-0.08, 0.08, len(errors))
            face = colour if marker == "x" else "white"
            axes.scatter(x, errors, s=7, marker=marker, c=face, edgecolors=None if marker == "x" else colour,
                         linewidths=0.6)  # fmt: skip
    axes.axhline(LIMIT, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_ylim(LEAST / 2, 20)
    axes.yaxis.set_major_locator(LogLocator(100))
    axes.set_xticks(range(len(networks)), networks)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")
