"""Feature fields in the stabilised view: a strip of angles, the error against the angle, and an animation.

    geomdl reproduce still_fields

Reads ``errors.csv`` and ``fields.npz``; writes ``still_fields`` as PNG and PDF, ``still_fields.gif``, and
``still_fields.html``, which plays the animation by itself. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import ArtistAnimation, HTMLWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from geomdl.plots import MUTED, Row, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce still_fields"
NETWORKS = ("CNN", "C8", "SO(2)")
ANGLES = (0.0, 30.0, 60.0, 90.0, 135.0)
STEP = 3
"""Pixels between arrows."""
FRAMES = 24
"""At most, in the animation."""
MARGIN = 7
"""Pixels that are cut off on every side, where there is nothing to be seen."""


def draw(out: Path) -> list[Path]:
    rows = read_csv(out / "errors.csv", ("network", "seed", "angle", "error"), COMMAND)
    fields = _fields(out / "fields.npz")
    angles = [a for a in ANGLES if a in fields["degrees"]]
    seeds = len({r["seed"] for r in rows})
    with style():
        fig = figure("double", height=3.75)
        body, foot = fig.subfigures(2, 1, height_ratios=(3.4, 0.35), squeeze=False)[:, 0]
        left, right = body.subfigures(1, 2, width_ratios=(2.1, 1))
        grid = left.subplots(1 + len(NETWORKS), len(angles), squeeze=False)
        for column, angle in enumerate(angles):
            at = int(np.flatnonzero(fields["degrees"] == angle)[0])
            _picture(grid[0, column], fields["image"][at])
            grid[0, column].set_title(f"{angle:.0f}°", fontsize=7, pad=2)
            for row, name in enumerate(NETWORKS, 1):
                _field(grid[row, column], fields[name], at)
        for row, word in enumerate(("image", *NETWORKS)):
            grid[row, 0].set_ylabel(word, fontsize=7)
        grid[0, 0].text(-0.25, 1.2, "a", transform=grid[0, 0].transAxes, fontweight="bold", fontsize=9)
        axes = right.subplots()
        draw_errors(axes, rows)
        panel(axes, "b", "Change of the field")
        foot.text(
            0.01, 0.5,
            "Untrained networks of four convolutions. a: the vectors that come out for the turned image, turned back; "
            "grey: their length.\nb: ‖s_θ − s_0‖ / ‖s_0‖ in the inscribed disc; "
            f"geometric mean of {seeds} digits and weights, band from the least to the greatest.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
        written = save(fig, out, "still_fields")
    return [*written, *animate(out, fields)]


def draw_errors(axes: Axes, rows: Sequence[Row]) -> None:
    """One curve for each network, on a logarithmic axis."""
    for place, name in enumerate(NETWORKS):
        own = [r for r in rows if r["network"] == name and float(r["angle"]) > 0]
        angles = sorted({float(r["angle"]) for r in own})
        found = np.array([[float(r["error"]) for r in own if r["angle"] == a] for a in angles])
        look = line(name, place)
        axes.fill_between(angles, found.min(1), found.max(1), color=look.colour, alpha=0.2, linewidth=0)
        middle = np.exp(np.log(np.maximum(found, 1e-12)).mean(1))
        axes.plot(angles, middle, color=look.colour, linestyle=look.dashes, label=name)
    axes.set_yscale("log")
    axes.set_xlim(0, 360)
    axes.xaxis.set_major_locator(MultipleLocator(90))
    axes.xaxis.set_major_formatter("{x:.0f}°")
    axes.set_xlabel("rotation of the image, θ")
    axes.grid(axis="y")
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.42))


def animate(out: Path, fields: dict[str, np.ndarray]) -> list[Path]:
    """The image turning, and the three fields beside it, as a GIF and as a page that plays them."""
    with style():
        fig, axes = plt.subplots(1, 1 + len(NETWORKS), figsize=(6.4, 1.9), layout="constrained")
        stride = max(1, len(fields["degrees"]) // FRAMES)
        frames = []
        for at in range(0, len(fields["degrees"]), stride):
            artists = [_picture(axes[0], fields["image"][at])]
            for place, name in enumerate(NETWORKS, 1):
                artists += _field(axes[place], fields[name], at)
            frames.append(artists)
        for place, word in enumerate(("image", *NETWORKS)):
            axes[place].set_title(word, fontsize=8)
        moving = ArtistAnimation(fig, frames, interval=120)
        gif, page = out / "still_fields.gif", out / "still_fields.html"
        moving.save(gif, writer=PillowWriter(fps=8), dpi=90)
        moving.save(page, writer=HTMLWriter(fps=8, embed_frames=True), dpi=90)
        plt.close(fig)
    return [gif, page]


def _picture(axes: Axes, image: np.ndarray):
    _bare(axes)
    return axes.imshow(image[MARGIN:-MARGIN, MARGIN:-MARGIN], cmap="gray_r", vmin=0, vmax=1)


def _bare(axes: Axes) -> None:
    """Without ticks, in a thin grey frame."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, linewidth=0.4, color=MUTED)


def _field(axes: Axes, fields: np.ndarray, at: int) -> list:
    """Arrows over their length in grey; the scale is that of the field of the upright image."""
    largest = np.sqrt((fields[0] ** 2).sum(-1)).max()
    shown = fields[at][MARGIN:-MARGIN, MARGIN:-MARGIN]
    picture = axes.imshow(np.sqrt((shown**2).sum(-1)), cmap="Greys", vmin=0, vmax=1.6 * largest)
    rows, columns = np.mgrid[STEP // 2 : shown.shape[0] : STEP, STEP // 2 : shown.shape[1] : STEP]
    along_x, along_y = (shown[rows, columns, part] for part in (0, 1))
    arrows = axes.quiver(
        columns, rows, along_x, along_y, color="#0072B2", scale=8 * largest, width=0.014, headwidth=3.5, pivot="mid",
        angles="uv",
    )  # fmt: skip
    _bare(axes)
    return [picture, arrows]


def _fields(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; `{COMMAND}` makes it")
    with np.load(path) as found:
        return {key: found[key].astype(np.float64) for key in found.files}
