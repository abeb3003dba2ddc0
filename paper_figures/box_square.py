"""The commuting square of detection: turn, then detect, against detect, then turn, for three detectors.

    geomdl reproduce box_square

Reads ``sets.csv``, ``summary.csv`` and ``pictures.npz``; writes ``box_square.png`` and ``box_square.pdf``.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Polygon
from matplotlib.ticker import PercentFormatter

from geomdl.plots import MUTED, Row, box_corners, class_colour, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce box_square"
WAYS = {"R f(x)": "detected, then turned", "f(R x)": "turned, then detected"}
_FAMILY = {"plain": "CNN"}


def draw(out: Path) -> list[Path]:
    sets = read_csv(out / "sets.csv", ("detector", "seed", "element", "same", "pixels", "alone", "images"), COMMAND)
    summary = read_csv(out / "summary.csv", ("detector", "seed", "parameters", "map50"), COMMAND)
    if not (out / "pictures.npz").exists():
        raise FileNotFoundError(f"{out / 'pictures.npz'} is not there; `{COMMAND}` writes it")
    pictures = dict(np.load(out / "pictures.npz"))
    detectors = [str(n) for n in distinct(summary, "detector")]
    seeds = len(distinct(summary, "seed"))
    with style():
        fig = figure("double", height=5.6)
        top, bottom, foot = fig.subfigures(3, 1, height_ratios=(3.3, 1.9, 0.4), squeeze=False)[:, 0]
        draw_square(top, pictures, detectors)
        left, right = bottom.subplots(1, 2)
        draw_bars(left, sets, detectors, "same", "b", "images with the same set of boxes")
        draw_distances(right, sets, detectors)
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01, 0.5,
            f"About {parameters:,.0f} parameters each; {sets[0]['images']} drawn test images of"
            f" {pictures['image'].shape[0]} pixels a side; {'one seed' if seeds == 1 else f'{seeds} seeds'}. Boxes with"
            " scores of 0.3\nor more, after suppression, matched in any order. a: the test image with most boxes of the"
            " plain detector that have no partner (dashed). Same: as many boxes of\neach class, corners equal to 0.001"
            " pixel. c: over the images with as many boxes of each class.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "box_square")


def draw_square(fig: SubFigure, pictures: dict[str, np.ndarray], detectors: Sequence[str]) -> None:
    """A column per detector: both ways round the square; the images to the left."""
    grid = fig.subplots(2, len(detectors) + 1)
    for axes in grid.ravel():
        axes.set_axis_off()
    for row, (key, title) in enumerate((("image", "image x"), ("turned", "turned, R x"))):
        _show(grid[row, 0], pictures[key])
        grid[row, 0].set_title(title, loc="center", fontsize=7)
    for column, name in enumerate(detectors, start=1):
        letter = r"$\mathbf{a}$  " if column == 1 else ""
        found = {way: {key: pictures[f"{name}/{way}/{key}"] for key in ("boxes", "classes")} for way in WAYS.values()}
        for row, (title, way) in enumerate(WAYS.items()):
            (other,) = (found[w] for w in found if w != way)
            axes, own = grid[row, column], found[way]
            _show(axes, pictures["turned"])
            for corners, box, kind in zip(box_corners(own["boxes"]), own["boxes"], own["classes"], strict=True):
                dashes = "-" if has_partner(box, other["boxes"][other["classes"] == kind]) else (0, (2, 1.2))
                colour = class_colour(int(kind) + 1)
                axes.add_patch(Polygon(corners, fill=False, edgecolor=colour, linestyle=dashes, linewidth=1.1))
            axes.set_title(f"{letter}{name}\n{title}" if row == 0 else title, loc="center", fontsize=7)


def _show(axes: Axes, image: np.ndarray) -> None:
    side = image.shape[0]
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, side, side, 0))


def has_partner(box: np.ndarray, others: np.ndarray) -> bool:
    """Whether one of other boxes overlaps with this by more than half."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inside = np.prod(np.maximum(high - low, 0), -1)
    areas = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], -1)
    return bool((inside / (areas - inside) > 0.5).any())


def draw_bars(
    axes: Axes, sets: Sequence[Row], detectors: Sequence[str], column: str, letter: str, title: str
) -> None:
    """A group of bars for each element."""
    panel(axes, letter, title)
    elements = [str(e) for e in distinct(sets, "element")]
    width = 0.8 / len(detectors)
    for i, name in enumerate(detectors):
        values = [np.mean([float(r[column]) for r in _of(sets, name, element)]) for element in elements]
        places = np.arange(len(elements)) + (i - (len(detectors) - 1) / 2) * width
        axes.bar(places, values, width, color=line(_FAMILY.get(name, name)).colour, label=name)
    _label_elements(axes, elements)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(0, 1.35)
    axes.set_yticks([0, 0.5, 1])
    axes.legend(ncols=len(detectors), loc="upper center", fontsize=6)


def draw_distances(axes: Axes, sets: Sequence[Row], detectors: Sequence[str]) -> None:
    """The greatest distance of corners, by element; what is 0 stands at 1e-6."""
    panel(axes, "c", "greatest distance of corners in pixels")
    elements = [str(e) for e in distinct(sets, "element")]
    for name in detectors:
        look = line(_FAMILY.get(name, name))
        values = [max(1e-6, *(float(r["pixels"]) for r in _of(sets, name, element))) for element in elements]
        axes.plot(range(len(elements)), values, look.marker, color=look.colour, label=name)
    axes.axhline(1e-3, color=MUTED, linewidth=0.6, linestyle=":")
    axes.text(len(elements) - 0.5, 1.2e-3, "gate", fontsize=6, color=MUTED, ha="right")
    axes.set_yscale("log")
    _label_elements(axes, elements)


def _of(sets: Sequence[Row], name: str, element: str) -> list[Row]:
    return [r for r in sets if r["detector"] == name and r["element"] == element]


def _label_elements(axes: Axes, elements: Sequence[str]) -> None:
    axes.set_xticks(range(len(elements)), elements, rotation=35, ha="right", rotation_mode="anchor", fontsize=6)
    axes.set_xlim(-0.6, len(elements) - 0.4)
