"""Overlays: images with their label maps on top, as pictures."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from geomdl.errors import invalid
from geomdl.plots.style import figure, style

CLASS_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00", "#44AA99", "#882255")
"""Okabe and Ito's palette, for the classes after the first, which is left as the image is."""

RIGHT, MISSED, ALARM, NOT_COUNTED = "#bdbdbd", "#b2182b", "#5e3c99", "#f2ead3"


def class_colour(index: int) -> str:
    """The colour of class 1, 2, …; after nine they come again.

    Args:
      index: the number of the class; 0, the background, has no colour.

    >>> class_colour(1)
    '#E69F00'
    """
    return CLASS_COLOURS[(index - 1) % len(CLASS_COLOURS)]


def overlay(
    image: Float[np.ndarray, "height width channels"], labels: Int[np.ndarray, "rows columns"], *, opacity: float = 0.45
) -> Float[np.ndarray, "height width 3"]:
    """An image with the classes of its pixels as tints, and their outlines in full colour.

    Class 0 and ignored pixels (−1) are left as they are. A label map that is smaller than the image lies in its middle.

    Args:
      image: in [0, 1]; of one or three channels.
      labels: class indices.
      opacity: of the tints, in [0, 1].

    Raises:
      ValueError: for another number of channels, or a label map that is larger than the image or not centred.

    >>> picture = overlay(np.zeros((4, 4, 1)), np.eye(4, dtype=int))
    >>> picture.shape, bool((picture[0, 1] == 0).all())
    ((4, 4, 3), True)
    """
    height, width, channels = image.shape
    if channels not in (1, 3):
        raise invalid("channels of an image", channels, "1 or 3")
    down, right = height - labels.shape[0], width - labels.shape[1]
    if min(down, right) < 0 or down % 2 or right % 2:
        raise invalid("size of the label map", labels.shape, f"that of the image, {(height, width)}, or a central part")
    whole = np.full((height, width), -1)
    whole[down // 2 : height - down // 2, right // 2 : width - right // 2] = labels
    picture = np.repeat(image, 3, axis=2) if channels == 1 else image.copy()
    picture = np.clip(picture.astype(np.float64), 0, 1)
    edge = outline(whole)
    for index in np.unique(whole[whole > 0]):
        colour, here = np.array(to_rgb(class_colour(int(index)))), whole == index
        picture[here] = (1 - opacity) * picture[here] + opacity * colour
        picture[here & edge] = colour
    return picture


def outline(labels: Int[np.ndarray, "height width"]) -> np.ndarray:
    """The pixels of a positive class that touch another class, up, down, left or right.

    >>> outline(np.array([[0, 1, 1, 1, 0]] * 3)).astype(int)[1].tolist()
    [0, 1, 0, 1, 0]
    """
    padded = np.pad(labels, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return (middle > 0) & np.any([middle != n for n in neighbours], axis=0)


def errors(
    predicted: Int[np.ndarray, "height width"], labels: Int[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "height width 3"]:
    """Where a segmentation is wrong: grey right, red missed or of another class, violet a false alarm.

    Right pixels of class 0 are white, ignored ones pale yellow. Of a label map that is larger the middle is compared.
    """
    down, right = ((n - m) // 2 for n, m in zip(labels.shape, predicted.shape, strict=True))
    truth = labels[down : down + predicted.shape[0], right : right + predicted.shape[1]]
    picture = np.ones((*predicted.shape, 3))
    picture[(truth > 0) & (predicted == truth)] = to_rgb(RIGHT)
    picture[(truth > 0) & (predicted != truth)] = to_rgb(MISSED)
    picture[(truth == 0) & (predicted > 0)] = to_rgb(ALARM)
    picture[truth < 0] = to_rgb(NOT_COUNTED)
    return picture


def segmentation_figure(
    image: Float[np.ndarray, "height width channels"],
    labels: Int[np.ndarray, "height width"],
    predicted: Int[np.ndarray, "rows columns"],
    classes: Sequence[str],
    title: str = "",
) -> Figure:
    """Draws image, truth, prediction and errors side by side, with a legend of the classes.

    The image is shown from its darkest to its brightest value.

    Args:
      image: in [0, 1]; of one or three channels.
      labels: the true classes.
      predicted: the predicted ones; may be a central part.
      classes: names; the first is the background.
      title: above all.
    """
    with style():
        height, width = image.shape[:2]
        image = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
        fig = figure("double", height=7.0 / 4 * min(2.0, height / width) + 0.55)
        panels = fig.subplots(1, 4)
        pictures = {
            "image": np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image,
            "truth": overlay(image, labels),
            "prediction": overlay(image, predicted),
            "errors": errors(predicted, labels),
        }
        for axes, (name, picture) in zip(panels, pictures.items(), strict=True):
            _picture(axes, picture, name)
        shown = [k for k in range(1, len(classes)) if (labels == k).any() or (predicted == k).any()]
        patches = [Patch(color=class_colour(k), label=classes[k]) for k in shown]
        patches += [Patch(color=c, label=n) for c, n in ((RIGHT, "right"), (MISSED, "missed"), (ALARM, "false alarm"))]
        fig.legend(handles=patches, loc="outside lower center", ncols=8)
        if title:
            fig.suptitle(title, fontsize=8)
    return fig


def _picture(axes: Axes, picture: np.ndarray, name: str) -> None:
    axes.imshow(np.clip(picture, 0, 1))
    axes.set_title(name)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=True, linewidth=0.4)
