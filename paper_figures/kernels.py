"""A gallery of steerable kernels by input and output irrep.

    geomdl reproduce kernels

Reads ``gallery.csv`` and ``dimensions.csv``; writes ``kernels.png`` and ``kernels.pdf``. Solves nothing itself. After
Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, figure 2 and appendix F.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from geomdl.plots import INK, MUTED, Row, distinct, figure, panel, read_csv, save, style

COMMAND = "geomdl reproduce kernels"
TITLES = {"C8": r"$\mathrm{C}_8$", "D4": r"$\mathrm{D}_4$", "SO2": r"$\mathrm{SO}(2)$", "O2": r"$\mathrm{O}(2)$"}
PIXELS = 44  # of one thumbnail
COLOURS = "RdBu_r"


def draw(out: Path) -> list[Path]:
    kernels = read_csv(out / "gallery.csv", ("group", "in", "out", "frequency", "element", "cos", "sin"), COMMAND)
    counts = read_csv(out / "dimensions.csv", ("group", "in", "out", "dimension", "characters", "residual"), COMMAND)
    with style():
        fig = figure("double", height=5.8)
        main, foot = fig.subfigures(2, 1, height_ratios=(5.45, 0.35), squeeze=False)[:, 0]
        panels = main.subplots(2, 2, width_ratios=(1.86, 1)).flat
        for letter, axes, name in zip("abcd", panels, TITLES, strict=True):
            mosaic(
                axes,
                [r for r in kernels if r["group"] == name],
                {(str(r["in"]), str(r["out"])): int(r["dimension"]) for r in counts if r["group"] == name},
            )
            panel(axes, letter, TITLES[name])
        agree = sum(r["dimension"] == r["characters"] for r in counts)
        worst = max(float(r["residual"]) for r in counts)
        foot.text(
            0.01,
            0.5,
            "Every kernel of the lowest possible frequency between two irreps, each a matrix of functions (red +,"
            " blue −); the small number\ncounts the kernels up to frequency 8. It equals the number by"
            f" characters for {agree:,} of {len(counts):,} pairs; the constraint holds to {worst:.0e}.",
            fontsize=6.5,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "kernels")


def mosaic(axes: Axes, rows: Sequence[Row], counts: dict[tuple[str, str], int]) -> None:
    """One cell for each pair of irreps, input irreps from left to right, output irreps from top to bottom.

    Args:
      axes: where to draw.
      rows: columns in, out, frequency, element, row, column, cos, sin; of one group.
      counts: the number written in each cell.
    """
    names = [str(n) for n in distinct(rows, "in")]
    cells = {(i, o): _cell([r for r in rows if (r["in"], r["out"]) == (i, o)]) for i in names for o in names}
    gap, below = PIXELS // 4, PIXELS // 3
    width = max(c.shape[1] for c in cells.values()) + gap
    height = max(c.shape[0] for c in cells.values()) + gap + below
    canvas = np.full((len(names) * height, len(names) * width), np.nan)
    for (i, o), cell in cells.items():
        top = names.index(o) * height + (height - below - cell.shape[0]) // 2
        left = names.index(i) * width + (width - cell.shape[1]) // 2
        canvas[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    axes.imshow(canvas, cmap=COLOURS, vmin=-1, vmax=1, interpolation="bilinear", aspect="equal")
    for n in range(1, len(names)):
        axes.axhline(n * height - 0.5, color="#cccccc", linewidth=0.5)
        axes.axvline(n * width - 0.5, color="#cccccc", linewidth=0.5)
    for (i, o), count in counts.items():
        if i in names and o in names:
            x, y = (names.index(i) + 1) * width - 3, (names.index(o) + 1) * height - 3
            axes.text(x, y, str(count or "none"), ha="right", va="bottom", fontsize=5, color=MUTED)
    labels = [_label(n) for n in names]
    axes.set_xticks((np.arange(len(names)) + 0.5) * width, labels)
    axes.set_yticks((np.arange(len(names)) + 0.5) * height, labels)
    axes.tick_params(length=0)
    axes.spines[:].set(visible=True, color=INK)
    axes.set(xlabel="input irrep", ylabel="output irrep")


def _label(name: str) -> str:
    return "$\\psi_{" + name.removeprefix("irrep(").removesuffix(")") + "}$"


def _cell(rows: Sequence[Row]) -> np.ndarray:
    """The kernels of the lowest frequency side by side, each a matrix of discs; NaN where there is paper."""
    if not rows:
        return np.full((PIXELS, PIXELS), np.nan)
    lowest = min(int(r["frequency"]) for r in rows)
    shown = [r for r in rows if r["frequency"] == lowest]
    elements = [_matrix([r for r in shown if r["element"] == e]) for e in distinct(shown, "element")]
    space = np.full((elements[0].shape[0], PIXELS // 5), np.nan)
    parts = [part for e in elements for part in (e, space)]
    return np.concatenate(parts[:-1], axis=1)


def _matrix(rows: Sequence[Row]) -> np.ndarray:
    axis = np.linspace(-1.06, 1.06, PIXELS)
    x, y = np.meshgrid(axis, -axis)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    ring = np.exp(-((radius - 0.58) ** 2) / (2 * 0.21**2))
    size_out, size_in = (1 + max(int(r[k]) for r in rows) for k in ("row", "column"))
    largest = max(np.hypot(float(r["cos"]), float(r["sin"])) for r in rows)
    image = np.full((size_out * PIXELS, size_in * PIXELS), np.nan)
    for r in rows:
        wave = float(r["cos"]) * np.cos(int(r["frequency"]) * angle) + float(r["sin"]) * np.sin(
            int(r["frequency"]) * angle
        )
        tile = np.where(radius <= 1, ring * wave / largest, np.nan)
        top, left = int(r["row"]) * PIXELS, int(r["column"]) * PIXELS
        image[top : top + PIXELS, left : left + PIXELS] = tile
    return image
