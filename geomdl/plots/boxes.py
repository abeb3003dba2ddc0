"""Images with boxes on top, as pictures, and what a detector finds beside what is there."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon

from geomdl.errors import invalid
from geomdl.plots.mosaic import as_rgb
from geomdl.plots.segmentation import ALARM, MISSED, NOT_COUNTED, RIGHT, class_colour
from geomdl.plots.style import figure, style

_MOST_CLASSES = 8  # in a legend


def box_corners(boxes: Float[np.ndarray, "boxes numbers"]) -> Float[np.ndarray, "boxes 4 2"]:
    """The corners (x, y) of boxes, in pixels from the top left corner of the image, x to the right and y down.

    Args:
      boxes: [n, 4] from corner to corner, (x0, y0, x1, y1); or [n, 5] oriented, (cx, cy, w, h, angle), the angle in
        radians, counter-clockwise as seen.

    Raises:
      ValueError: for boxes of other numbers.

    >>> box_corners(np.array([[1.0, 1.0, 2.0, 0.0, 0.0]])).tolist()
    [[[0.0, 1.0], [2.0, 1.0], [2.0, 1.0], [0.0, 1.0]]]
    """
    if boxes.ndim != 2 or boxes.shape[1] not in (4, 5):
        raise invalid("shape of boxes", boxes.shape, "[n, 4], or [n, 5] for oriented ones")
    boxes = boxes.astype(np.float64)
    if boxes.shape[1] == 4:
        x0, y0, x1, y1 = boxes.T
        return np.stack([np.stack(p, -1) for p in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], 1)
    cx, cy, w, h, angle = (column[:, None] for column in boxes.T)
    along, down = w / 2 * np.array([-1, 1, 1, -1]), h / 2 * np.array([-1, -1, 1, 1])
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cx + cos * along + sin * down, cy - sin * along + cos * down], -1)


def draw_boxes(
    image: Float[np.ndarray, "height width channels"],
    boxes: Float[np.ndarray, "boxes numbers"],
    classes: Int[np.ndarray, " boxes"],
    *,
    enlarge: int = 1,
    colours: Sequence[str] | None = None,
) -> Float[np.ndarray, "rows columns 3"]:
    """An image with the outlines of its boxes, one colour for each class.

    Args:
      image: in [0, 1].
      boxes: see `box_corners`.
      classes: indices; rows of class −1 are padding, and not drawn.
      enlarge: each pixel becomes so many a side, on which the lines are thinner.
      colours: of the boxes, in place of those of their classes.

    >>> picture = draw_boxes(np.zeros((8, 8, 1)), np.array([[2.0, 2.0, 6.0, 6.0]]), np.array([0]))
    >>> bool(picture[2, 2].any()), bool(picture[4, 4].any())
    (True, False)
    """
    from PIL import Image, ImageDraw

    large = np.repeat(np.repeat(as_rgb(image), enlarge, axis=0), enlarge, axis=1)
    picture = Image.fromarray(np.round(255 * large).astype(np.uint8))
    draw, width = ImageDraw.Draw(picture), max(1, round(min(large.shape[:2]) / 160))
    for i, corners in enumerate(box_corners(np.asarray(boxes))):
        if classes[i] < 0:
            continue
        colour = class_colour(int(classes[i]) + 1) if colours is None else colours[i]
        corners = enlarge * corners
        inwards = 0.5 * np.sign(
            corners.mean(0) - corners
        )  # lines are inside; centres of pixels are whole numbers there
        points = [tuple(p) for p in corners + inwards - 0.5]
        draw.line([*points, points[0]], fill=tuple(round(255 * c) for c in to_rgb(colour)), width=width)
    return np.asarray(picture).astype(np.float64) / 255


def detection_figure(
    image: Float[np.ndarray, "height width channels"],
    there: Mapping[str, np.ndarray],
    found: Mapping[str, np.ndarray],
    classes: Sequence[str],
    title: str = "",
) -> Figure:
    """Draws an image with the boxes that are there, and with those that were found, side by side.

    On the left grey boxes are found, red ones missed, pale ones difficult; on the right each has the colour of its
    class with its score, dashed violet where it is a false alarm. Without ``right`` and ``found`` colours are those of
    the classes.

    Args:
      image: shown from its darkest to its brightest value.
      there: ``boxes``, ``classes``, and perhaps ``found``: whether each was found; ``difficult``.
      found: ``boxes``, ``classes``, ``scores``, and perhaps ``right``: 1 right, 0 wrong, −1 not counted.
      classes: the names.
      title: above all.

    >>> there = {"boxes": np.array([[1.0, 1.0, 5.0, 4.0]]), "classes": np.array([0])}
    >>> found = {**there, "scores": np.array([0.9])}
    >>> len(detection_figure(np.zeros((8, 8, 1)), there, found, ("cat",)).axes)
    2
    """
    with style():
        height, width = image.shape[:2]
        image = as_rgb((image - image.min()) / max(float(np.ptp(image)), 1e-6))
        fig = figure("double", height=min(7.0, 3.5 * height / width) + 0.5)
        left, right = fig.subplots(1, 2)
        _picture(left, image, f"there: {int((there['classes'] >= 0).sum())}")
        _picture(right, image, f"found: {int((found['classes'] >= 0).sum())}")
        told = there.get("found")
        for i, (corners, kind) in enumerate(zip(box_corners(there["boxes"]), there["classes"], strict=True)):
            colour = class_colour(int(kind) + 1) if told is None else RIGHT if told[i] else MISSED
            hidden = "difficult" in there and bool(there["difficult"][i])
            if kind >= 0:
                _outline(left, corners, NOT_COUNTED if hidden else colour, "-")
        judged = found.get("right")
        for i, (corners, kind) in enumerate(zip(box_corners(found["boxes"]), found["classes"], strict=True)):
            wrong = judged is not None and judged[i] == 0
            colour = ALARM if wrong else class_colour(int(kind) + 1)
            if kind >= 0:
                _outline(right, corners, colour, "--" if wrong else "-")
                name = f"{classes[kind][:8]} {found['scores'][i]:.2f}"
                x, y = corners[:, 0].min(), corners[:, 1].min()
                right.text(x, y, name, color=colour, fontsize=5, va="bottom", clip_on=True)
        shown = sorted({int(k) for k in (*there["classes"], *found["classes"]) if k >= 0})[:_MOST_CLASSES]
        patches = [Patch(color=class_colour(k + 1), label=classes[k]) for k in shown]
        if told is not None and judged is not None:
            patches += [Patch(color=c, label=n) for c, n in ((RIGHT, "there, found"), (MISSED, "there, missed"),
                                                             (ALARM, "false alarm"))]  # fmt: skip
        if patches:
            fig.legend(handles=patches, loc="outside lower center", ncols=8)
        if title:
            fig.suptitle(title, fontsize=8)
    return fig


def precision_recall(curves: Mapping[str, tuple[Sequence[float], Sequence[float], float]], title: str = "") -> Figure:
    """Draws precision against recall, a curve for each class, with the average precision in the legend.

    Args:
      curves: recalls (rising), precisions and average precision of each class.
      title: above.

    >>> precision_recall({"cell": ([0.5, 1.0], [1.0, 0.7], 0.85)}).axes[0].get_xlabel()
    'recall'
    """
    with style():
        fig = figure("single", height=2.8)
        axes = fig.add_subplot()
        for i, (name, (recall, precision, average)) in enumerate(curves.items()):
            x, y = np.array([0.0, *recall]), np.array([*precision[:1], *precision] if len(precision) else [0.0])
            axes.step(x, y, where="pre", color=class_colour(i + 1), label=f"{name}: {average:.3f}", zorder=2)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02), title=title)
        axes.grid()
        if 0 < len(curves) <= 20:
            axes.legend(loc="lower left", title="average precision", title_fontsize=6, fontsize=6)
    return fig


def _outline(axes: Axes, corners: np.ndarray, colour: str, line: str) -> None:
    axes.add_patch(Polygon(corners - 0.5, closed=True, fill=False, edgecolor=colour, linewidth=0.9, linestyle=line))


def _picture(axes: Axes, picture: np.ndarray, name: str) -> None:
    axes.imshow(np.clip(picture, 0, 1))
    axes.set_title(name)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=True, linewidth=0.4)
