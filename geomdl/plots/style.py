"""The style of all figures: sizes, type, a colour-blind-safe colour for each model family, and saving.

Figures are made with `figure`, never with pyplot: no global state, no window, safe in threads. Everything is drawn
inside `style()`:

>>> with style():
...     fig = figure("single", height=2.0)
...     axes = fig.subplots()
>>> fig.get_size_inches().tolist()
[3.4, 2.0]
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from geomdl.errors import unknown

WIDTHS = {"single": 3.4, "double": 7.0}
"""Figure widths in inches: one column and both columns of a two-column paper."""

INK = "#1a1a1a"
MUTED = "#6b6b6b"
GRID = "#dddddd"
"""Colours of text and axes, of what stands back, and of grid lines."""

_RC: dict[str, object] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so figures look the same everywhere
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "normal",
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "legend.handlelength": 2.2,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,  # text stays text in the PDF
    "svg.hashsalt": "geomdl",
}


class Line(NamedTuple):
    """How the curves of one model are drawn; the dashes tell them apart in grey print too.

    Attributes:
      colour: as ``"#rrggbb"``.
      dashes: a line style of matplotlib.
      marker: a marker of matplotlib.
    """

    colour: str
    dashes: str | tuple[int, tuple[float, ...]]
    marker: str


# Okabe and Ito's palette, one colour per family of models. Keys are compared after `_key`.
_FAMILIES: dict[str, Line] = {
    "linear": Line("#999999", (0, (1, 1)), "v"),
    "perceptron": Line("#666666", (0, (1, 1)), "^"),
    "mlp": Line("#7a7a7a", (0, (4, 1.5)), "X"),
    "local": Line("#9c6b30", (0, (3, 1, 1, 1)), "P"),
    "cnn": Line("#D55E00", "-", "o"),
    "cnn+augmentation": Line("#E69F00", (0, (5, 1.5)), "D"),
    "ticnn": Line("#CC79A7", (0, (3, 1, 1, 1)), "s"),
    "c4": Line("#0072B2", "-", "^"),
    "d4": Line("#009E73", (0, (5, 1)), "v"),
    "c8": Line("#56B4E9", (0, (4, 1)), "<"),
    "so2": Line("#3b3b8f", "-", ">"),
    "o2": Line("#44AA99", (0, (5, 1)), "s"),
}
_SYNONYMS = {
    "locallyconnected": "local",
    "lcn": "local",
    "translationinvariantcnn": "ticnn",
    "cnnaugmented": "cnn+augmentation",
    "cnnaugmentation": "cnn+augmentation",
    "cnnaug": "cnn+augmentation",
    "cnn+aug": "cnn+augmentation",
    "cnn+rotation": "cnn+augmentation",
    "cnn+rotations": "cnn+augmentation",
    "cnnrotation": "cnn+augmentation",
    "cnnrotationaugmentation": "cnn+augmentation",
    "cnn+rotationaugmentation": "cnn+augmentation",
    "cnnwithrotationaugmentation": "cnn+augmentation",
    "augmentedcnn": "cnn+augmentation",
    "translationinvariant": "ticnn",
}
_SPARE = (
    Line("#332288", "-", "o"),
    Line("#44AA99", (0, (5, 1)), "s"),
    Line("#882255", (0, (3, 1, 1, 1)), "D"),
    Line("#B8860B", (0, (1, 1)), "^"),
    Line("#117733", (0, (4, 1.5)), "v"),
)


def _key(model: str) -> str:
    key = model.lower()
    for character in " _-()":
        key = key.replace(character, "")
    for suffix in ("gcnn", "cnn", "network"):  # "C4 G-CNN" and "C4" are one family; "CNN" and "TI-CNN" are not
        shorter = key.removesuffix(suffix)
        if shorter != key and shorter in _FAMILIES:
            return shorter
    return _SYNONYMS.get(key, key)


def line(model: str, position: int = 0) -> Line:
    """The colour, dashes and marker of a model, the same in every figure.

    Args:
      model: name of the model or family; case, spaces, hyphens and underscores do not matter.
      position: picks among the spare styles when the family has none of its own.

    >>> line("C4") == line("C4 G-CNN") == line("c4_gcnn")
    True
    >>> line("CNN") == line("TI-CNN")
    False
    """
    return _FAMILIES.get(_key(model), _SPARE[position % len(_SPARE)])


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The publication style, for the length of a ``with`` block."""
    with matplotlib.rc_context(_RC):  # pyright: ignore[reportArgumentType]
        yield


def figure(width: str | float = "double", height: float = 2.6) -> Figure:
    """An empty figure with a constrained layout.

    Args:
      width: ``"single"`` or ``"double"`` column, or inches.
      height: inches.

    Raises:
      ValueError: if the width is neither a number nor one of the names.
    """
    if isinstance(width, str) and width not in WIDTHS:
        raise unknown("figure width", width, list(WIDTHS))
    inches = WIDTHS[width] if isinstance(width, str) else width
    return Figure(figsize=(inches, height), layout="constrained")


def panel(axes: Axes, letter: str, title: str = "") -> None:
    """Gives a panel its letter and title: **a** Accuracy against angle.

    Args:
      axes: the panel.
      letter: ``"a"``, ``"b"``, …
      title: what the panel shows.
    """
    axes.set_title(rf"$\mathbf{{{letter}}}$  {title}".rstrip())


def save(fig: Figure, out: Path, name: str) -> list[Path]:
    """Writes ``out/name.png`` (300 dpi) and ``out/name.pdf``, without dates, so that equal figures are equal files.

    Args:
      fig: the figure.
      out: directory, made when missing.
      name: file name without ending.

    Returns:
      The two paths, PNG first.
    """
    out.mkdir(parents=True, exist_ok=True)
    png, pdf = out / f"{name}.png", out / f"{name}.pdf"
    with style():
        fig.savefig(png, dpi=300, metadata={"Software": None})
        fig.savefig(pdf, metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return [png, pdf]
