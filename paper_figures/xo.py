"""X's and O's: what three features see in them, stage by stage, and how far their votes carry.

    geomdl reproduce xo

Reads ``maps.csv``, ``votes.csv`` and ``difficulties.csv``; writes ``xo_x`` and ``xo_o`` (the stages for either image)
and ``xo_difficulties`` (accuracy of the votes on varied letters), each as PNG and PDF. Numbers in the maps are cut off
after two decimals. Computes nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from geomdl.plots import MUTED, Row, Value, curves, distinct, figure, panel, pipeline, read_csv, save, style

COMMAND = "geomdl reproduce xo"
REPRESENTATION = "pooled maps"  # what the drawn votes are cast on
TITLES = {
    "shift": ("Shift by whole pixels", "up to (pixels)"),
    "translation": ("Translation off the grid", "up to (pixels)"),
    "scaling": ("Scaling", "up or down by up to (factor)"),
    "rotation": ("Rotation", "up to (degrees)"),
    "weight": ("Stroke weight", "up to (pixels)"),
    "deformation": ("Deformation", "up to (pixels)"),
}
AT_REST = {"scaling": 1.0, "weight": 1.0}  # factor and stroke of the canonical letters; strengths are beyond these


def _grid(rows: Sequence[Row]) -> np.ndarray:
    size = tuple(1 + max(int(r[axis]) for r in rows) for axis in ("row", "col"))
    grid = np.full(size, np.nan)
    for r in rows:
        grid[int(r["row"]), int(r["col"])] = float(r["value"])
    return grid


def _stages(maps: Sequence[Row], votes: Sequence[Row], letter: Value) -> Figure:
    names = [str(n) for n in distinct([r for r in maps if r["stage"] == "feature"], "feature")]

    def maps_of(stage: str, image: Value) -> dict[str, np.ndarray]:
        return {
            n: _grid([r for r in maps if (r["stage"], r["image"], r["feature"]) == (stage, image, n)]) for n in names
        }

    fig = figure("double", height=4.95)
    pipeline(
        fig,
        _grid([r for r in maps if (r["stage"], r["image"]) == ("image", letter)]),
        maps_of("feature", ""),
        *(maps_of(stage, letter) for stage in ("match", "relu", "pooled")),
        votes={
            str(v["class"]): float(v["vote"])
            for v in votes
            if (v["representation"], v["image"]) == (REPRESENTATION, letter)
        },
    )
    return fig


def _difficulties(results: Sequence[Row]) -> Figure:
    fig = figure("double", height=3.7)
    kinds = [str(d) for d in distinct(results, "difficulty")]
    columns = -(-len(kinds) // 2)
    panels = fig.subplots(2, columns, sharey=True, squeeze=False).flat
    for letter, kind, axes in zip("abcdefghij", kinds, panels, strict=False):
        rows = [
            {**r, "model": r["representation"], "strength": float(r["strength"]) + AT_REST.get(kind, 0.0)}
            for r in results
            if r["difficulty"] == kind
        ]
        axes.axhline(0.5, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)))
        curves(axes, rows, x="strength", every=1)
        title, label = TITLES.get(kind, (kind, "strength"))
        panel(axes, letter, title)
        axes.set(xlabel=label, ylim=(0.3, 1.03))
        ticks = [float(x) for x in distinct(rows, "strength")]
        axes.set_xticks(ticks, [f"{x:.3g}" for x in ticks])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(axis="y")
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel("accuracy")
    handles, labels = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    for axes in fig.axes[len(kinds) :]:
        axes.remove()
    return fig


def draw(out: Path) -> list[Path]:
    maps = read_csv(out / "maps.csv", ("stage", "image", "feature", "row", "col", "value"), COMMAND)
    votes = read_csv(out / "votes.csv", ("representation", "image", "class", "vote"), COMMAND)
    results = read_csv(
        out / "difficulties.csv", ("difficulty", "strength", "representation", "seed", "accuracy"), COMMAND
    )
    with style():
        paths: list[Path] = []
        for letter in distinct(votes, "image"):
            paths += save(_stages(maps, votes, letter), out, f"xo_{str(letter).lower()}")
        return paths + save(_difficulties(results), out, "xo_difficulties")
