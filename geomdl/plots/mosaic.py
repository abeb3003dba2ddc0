"""Mosaics of small images: learnt filters, and images with the predictions of a network."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from geomdl.plots.style import INK, figure, style

RIGHT, WRONG = "#117733", "#CC3311"


def mosaic(tiles: np.ndarray, columns: int, *, gap: int = 1) -> np.ndarray:
    """Images side by side on white.

    Args:
      tiles: ``[n, height, width, 3]`` in [0, 1].
      columns: tiles per row.
      gap: pixels between them.

    Returns:
      One image, ``[rows · (height + gap) − gap, columns · (width + gap) − gap, 3]``.

    >>> mosaic(np.zeros((3, 5, 4, 3)), columns=2).shape
    (11, 9, 3)
    """
    count, height, width, _ = tiles.shape
    rows = math.ceil(count / columns)
    image = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3))
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        image[top : top + height, left : left + width] = tile
    return image


def as_rgb(images: np.ndarray) -> np.ndarray:
    """Images of one or three channels with values in [0, 1] as RGB; of others the first channel, in grey."""
    images = np.clip(images, 0, 1)
    return images if images.shape[-1] == 3 else np.repeat(images[..., :1], 3, axis=-1)


def middle_slices(volumes: np.ndarray) -> np.ndarray:
    """The slices through the middle of volumes, across depth, height and width, side by side.

    Args:
      volumes: ``[n, depth, height, width, channels]``.

    Returns:
      ``[n, side, 3 · side, channels]``, where the side is the longest of a volume; around shorter ones are zeros.

    >>> middle_slices(np.ones((2, 3, 5, 4, 1))).shape
    (2, 5, 15, 1)
    """
    side = max(volumes.shape[1:4])
    tiles = np.zeros((len(volumes), side, 3, side, volumes.shape[-1]))
    for axis in range(3):
        cut = volumes.take(volumes.shape[1 + axis] // 2, axis=1 + axis)
        top, left = (side - cut.shape[1]) // 2, (side - cut.shape[2]) // 2
        tiles[:, top : top + cut.shape[1], axis, left : left + cut.shape[2]] = cut
    return tiles.reshape(len(volumes), side, 3 * side, -1)


def filters(kernel: Float[np.ndarray, "rows columns channels filters"], *, columns: int = 8, most: int = 64) -> Figure:
    """The filters of a convolution, each scaled by its own largest absolute value.

    With three input channels in colour, grey being 0; otherwise the first input channel, blue below 0 and red above.

    Args:
      kernel: dense.
      columns: filters per row; for regular fields the order of the group, so that a row is one filter in all poses.
      most: filters to show.

    >>> filters(np.ones((3, 3, 1, 16)), columns=4).axes[0].get_images()[0].get_array().shape
    (15, 15, 3)
    """
    import matplotlib

    size, total = kernel.shape[0], kernel.shape[-1]
    shown = np.moveaxis(kernel[..., : min(most, total)], -1, 0)
    if kernel.shape[2] != 3:
        shown = shown[..., :1]
    largest = np.abs(shown).max(axis=(1, 2, 3), keepdims=True)
    scaled = 0.5 + 0.5 * shown / np.where(largest > 0, largest, 1)
    tiles = scaled if kernel.shape[2] == 3 else matplotlib.colormaps["RdBu_r"](scaled[..., 0])[..., :3]
    columns = min(columns, len(tiles))
    image = mosaic(tiles, columns)
    with style():
        width = min(7.0, max(1.6, 0.4 * columns))
        fig = figure(width, 0.25 + width * image.shape[0] / image.shape[1])
        axes = fig.add_subplot()
        axes.imshow(image)
        axes.axis("off")
        more = f" of {total}" if total > len(tiles) else ""
        axes.set_title(f"{len(tiles)}{more} filters, {size}×{kernel.shape[1]}", fontsize=7)
    return fig


def labelled(
    tiles: Float[np.ndarray, "n height width 3"],
    columns: int,
    headings: Sequence[str],
    texts: Sequence[str] = (),
    right: Sequence[bool] = (),
) -> Figure:
    """Images in rows, with a text under each.

    Args:
      tiles: in [0, 1], row after row.
      columns: tiles per row.
      headings: above the columns.
      texts: one per tile, or none.
      right: whether each text is right: green, or red.

    >>> fig = labelled(np.zeros((4, 8, 8, 3)), 2, ["0°", "90°"], ["3", "3", "5", "6"], [True, True, True, False])
    >>> [text.get_text() for text in fig.axes[0].texts]
    ['0°', '90°', '3', '3', '5', '6']
    """
    height, width = tiles.shape[1:3]
    below = math.ceil(0.32 * width) if texts else 0
    padded = np.concatenate([tiles, np.ones((len(tiles), below, width, 3))], axis=1)
    gap = max(1, round(0.06 * width))
    image = mosaic(padded, columns, gap=gap)
    with style():
        inches = 0.85 * columns
        fig = figure(inches, 0.3 + inches * image.shape[0] / image.shape[1])
        axes = fig.add_subplot()
        axes.imshow(image)
        axes.axis("off")
        for i, heading in enumerate(headings):
            x = i * (width + gap) + width / 2
            axes.text(x, -0.05 * width, heading, ha="center", va="bottom", fontsize=7, color=INK)
        for i, text in enumerate(texts):
            x = (i % columns) * (width + gap) + width / 2
            y = (i // columns) * (height + below + gap) + height + below / 2
            axes.text(x, y, text, ha="center", va="center", fontsize=7, color=RIGHT if right[i] else WRONG)
    return fig


def raster(fig: Figure, dpi: int = 120) -> np.ndarray:
    """A figure as pixels, ``[height, width, 3]`` uint8.

    Args:
      fig: the figure.
      dpi: pixels per inch.

    >>> raster(figure(2.0, 1.0), dpi=50).shape
    (50, 100, 3)
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fig.set_dpi(dpi)
    canvas = FigureCanvasAgg(fig)
    with style():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
