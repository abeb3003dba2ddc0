"""The commuting square of segmentation: rotate, then segment, against segment, then rotate, for four U-Nets.

    geomdl reproduce commuting

Reads ``angles.csv``, ``summary.csv`` and ``pictures.npz``; writes ``commuting.png`` and ``commuting.pdf``.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import SubFigure

from geomdl.plots import INK, MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce commuting"
LABELS = ListedColormap(["#f2f2f2", "#0072B2", "#E69F00", "#009E73"])
WRONG = ListedColormap(["#f2f2f2", "#B2182B"])
RESAMPLED = "resampled"
_FAMILY = {"U-Net": "CNN", "C4 U-Net": "C4", "D4 U-Net": "D4", "C8 U-Net": "C8"}


def draw(out: Path) -> list[Path]:
    angles = read_csv(out / "angles.csv", ("network", "seed", "angle", "difference", "iou"), COMMAND)
    summary = read_csv(out / "summary.csv", ("network", "seed", "parameters", "iou"), COMMAND)
    if not (out / "pictures.npz").exists():
        raise FileNotFoundError(f"{out / 'pictures.npz'} is not there; `{COMMAND}` writes it")
    pictures = dict(np.load(out / "pictures.npz"))
    networks = [str(n) for n in distinct(summary, "network")]
    seeds = len(distinct(summary, "seed"))
    with style():
        fig = figure("double", height=6.4)
        top, bottom, foot = fig.subfigures(3, 1, height_ratios=(3.7, 2.2, 0.5), squeeze=False)[:, 0]
        draw_square(top, angles, pictures, networks)
        left, right = bottom.subplots(1, 2)
        draw_differences(left, angles, networks)
        draw_overlap(right, angles, networks)
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01,
            0.5,
            f"About {parameters:,.0f} parameters each; drawn shapes of {pictures['image'].shape[0]} pixels a side, at"
            f" every angle; {'one seed' if seeds == 1 else f'worst of {seeds} seeds'}. f: class probabilities of each"
            f" pixel. a: the test image on which the plain\nnetwork's two maps differ most (median of all images:"
            f" {int(pictures['median'])} pixels). R: rotation by 90° in a, by the angle in b and c; whole frames at"
            " multiples of 90° (markers), the\nlargest disc else. Resampled: the plain network's outputs turned there"
            " and back, R⁻¹R f(x), against f(x).",
            fontsize=6,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "commuting")


def draw_square(
    fig: SubFigure, angles: Sequence[Row], pictures: dict[str, np.ndarray], networks: Sequence[str]
) -> None:
    """A column per network: both ways round the square, and where they differ; the images to the left."""
    grid = fig.subplots(3, len(networks) + 1)
    for axes in grid.ravel():
        axes.set_axis_off()
    for row, (key, title) in enumerate((("image", "image x"), ("turned", "rotated, R x"))):
        grid[row, 0].imshow(pictures[key], cmap="gray", vmin=0, vmax=1)
        grid[row, 0].set_title(title, loc="center", fontsize=7)
    grid[2, 0].imshow(np.rot90(pictures["truth"]), cmap=LABELS, vmin=0, vmax=3)
    grid[2, 0].set_title("truth, rotated", loc="center", fontsize=7)
    for column, network in enumerate(networks, start=1):
        ways = [pictures[f"{network}/{way}"] for way in ("segmented, then rotated", "rotated, then segmented")]
        for row, labels in enumerate(ways):
            grid[row, column].imshow(labels, cmap=LABELS, vmin=0, vmax=3)
        grid[2, column].imshow(ways[0] != ways[1], cmap=WRONG, vmin=0, vmax=1)
        differ = int((ways[0] != ways[1]).sum())
        text = "no pixel differs" if differ == 0 else f"{differ} of {ways[0].size} pixels differ"
        grid[2, column].set_title(text, loc="center", fontsize=7, color=INK)
        grid[1, column].set_title("f(R x)", loc="center", fontsize=7)
        letter = r"$\mathbf{a}$  " if column == 1 else ""
        grid[0, column].set_title(f"{letter}{network}\nR f(x)", loc="center", fontsize=7)


def draw_differences(axes: Axes, angles: Sequence[Row], networks: Sequence[str]) -> None:
    """The largest difference of the class probabilities, by angle."""
    panel(axes, "b", "largest difference of f(R x) and R f(x)")
    _curves(axes, angles, [*networks, RESAMPLED], "difference", max)
    axes.set_yscale("log")
    axes.set_ylabel("max |Δ| of class probabilities")
    axes.axhline(1e-5, color=MUTED, linewidth=0.6, linestyle=":")
    at = {"xycoords": ("axes fraction", "data"), "ha": "left", "va": "bottom"}
    axes.annotate("gate: 1e-5", (0.01, 1e-5), fontsize=6, color=MUTED, **at)  # type: ignore[arg-type]


def draw_overlap(axes: Axes, angles: Sequence[Row], networks: Sequence[str]) -> None:
    """The IoU of the two label maps, by angle."""
    panel(axes, "c", "overlap of the two label maps")
    _curves(axes, angles, [*networks, RESAMPLED], "iou", min)
    axes.set_ylabel("IoU, mean over the classes")
    low, _ = axes.get_ylim()
    axes.set_ylim(low - 0.35 * (1 - low), 1.01)
    axes.legend(loc="lower center", ncols=3, fontsize=6)


def _curves(axes: Axes, table: Sequence[Row], names: Sequence[str], measure: str, worst) -> None:
    degrees = sorted({float(r["angle"]) for r in table})
    for name in names:
        values = [
            worst(float(r[measure]) for r in table if r["network"] == name and float(r["angle"]) == a) for a in degrees
        ]
        if name == RESAMPLED:
            axes.plot(degrees, values, color="#999999", linewidth=0.9, linestyle="--", label=name)
            continue
        look = line(_FAMILY[name])
        axes.plot(degrees, values, color=look.colour, linestyle=look.dashes, label=name)
        at = [i for i, a in enumerate(degrees) if a % 90 == 0]
        axes.plot([degrees[i] for i in at], [values[i] for i in at], look.marker, color=look.colour)
    axes.set_xticks(range(0, 361, 45))
    axes.set_xlabel("rotation in degrees")
