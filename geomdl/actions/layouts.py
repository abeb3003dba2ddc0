"""The layouts in which models give fields, label maps, points and boxes, and the one in which they are moved."""

import math
from collections.abc import Sequence
from typing import Any

from geomdl.errors import invalid

LAYOUTS: dict[str, tuple[str, ...]] = {
    "invariant": (),
    "field": ("channels-first", "tokens"),
    "labels": ("channels-first", "tokens"),
    "points": ("relative",),
    "boxes": ("xyxy", "xywh", "cxcywh", "xyxy relative", "xywh relative", "cxcywh relative"),
    "detections": (),
}
"""The layouts of each kind of output, besides the first: ``""``."""


def canonical(y: Any, kind: str, layout: str, size: Sequence[int]) -> Any:
    """An output as `geomdl.actions.output_action` takes it: ``[batch, height, width, channels]``, ``[batch, height,
    width]`` for labels, points in pixels, boxes as (x0, y0, x1, y1) in pixels.

    Args:
      y: the output, of NumPy or JAX.
      kind: of the output.
      layout: one of `LAYOUTS` of that kind, or ``""``. Tokens ``[batch, height · width, channels]`` run row by row;
        numbers that are *relative* are shares of the width and height of the image, from its top left corner.
      size: (height, width) of the image; (depth, height, width) of a volume, whose fields and labels have a depth.

    Raises:
      ValueError: when the output has not this layout.

    >>> import numpy as np
    >>> canonical(np.zeros((2, 16, 5)), "field", "tokens", (8, 8)).shape
    (2, 4, 4, 5)
    >>> canonical(np.array([[0.5, 0.5, 0.25, 0.25]]), "boxes", "cxcywh relative", (8, 8))
    array([[2.5, 2.5, 4.5, 4.5]])
    """
    if kind in ("field", "labels"):
        y = _on_grid(y, layout, size)
        if kind == "field":
            return y[..., None] if y.ndim == len(size) + 1 else y
        return y[..., 0] if y.ndim == len(size) + 2 and y.shape[-1] == 1 else y
    if not layout:
        return y
    xp = y.__array_namespace__()
    if "cxcywh" in layout:
        y = xp.concat([y[..., :2] - y[..., 2:] / 2, y[..., :2] + y[..., 2:] / 2], axis=-1)
    elif "xywh" in layout:
        y = xp.concat([y[..., :2], y[..., :2] + y[..., 2:]], axis=-1)
    if "relative" in layout:
        y = y * xp.asarray([size[1], size[0]] * (y.shape[-1] // 2), dtype=y.dtype) - 0.5
    return y


def in_layout(y: Any, kind: str, layout: str, size: Sequence[int], shape: Sequence[int]) -> Any:
    """The inverse of `canonical`.

    Args:
      y: what `canonical` returned.
      kind: of the output.
      layout: of the result.
      size: (height, width) of the image.
      shape: of the result.
    """
    if kind in ("field", "labels"):
        if layout == "channels-first" and y.ndim == len(size) + 2:
            y = y.transpose(0, y.ndim - 1, *range(1, y.ndim - 1))
        return y.reshape(shape)
    if not layout:
        return y
    xp = y.__array_namespace__()
    if "relative" in layout:
        y = (y + 0.5) / xp.asarray([size[1], size[0]] * (y.shape[-1] // 2), dtype=y.dtype)
    if "cxcywh" in layout:
        return xp.concat([(y[..., :2] + y[..., 2:]) / 2, y[..., 2:] - y[..., :2]], axis=-1)
    if "xywh" in layout:
        return xp.concat([y[..., :2], y[..., 2:] - y[..., :2]], axis=-1)
    return y


def token_grid(count: int, size: Sequence[int]) -> tuple[int, ...] | None:
    """(rows, columns) of tokens that cover an image; None when none has the proportions of the image.

    >>> token_grid(64, (32, 32)), token_grid(8, (32, 64)), token_grid(65, (32, 32)), token_grid(64, (16, 16, 16))
    ((8, 8), (2, 4), None, (4, 4, 4))
    """
    if len(size) != 2:
        share = (count / math.prod(size)) ** (1 / len(size))
        grid = tuple(round(n * share) for n in size)
        proportions = all(n * size[0] == grid[0] * m for n, m in zip(grid, size, strict=True))
        return grid if proportions and math.prod(grid) == count else None
    rows = math.isqrt(count * size[0] // size[1])
    return (rows, count // rows) if rows and count % rows == 0 and rows * size[1] == count // rows * size[0] else None


def _on_grid(y: Any, layout: str, size: Sequence[int]) -> Any:
    if layout == "channels-first":
        if y.ndim != len(size) + 2:
            axes = ("depth", "height", "width")[-len(size) :]
            raise invalid("channels-first output of shape", tuple(y.shape), f"[batch, channels, {', '.join(axes)}]")
        return y.transpose(0, *range(2, y.ndim), 1)
    if layout == "tokens":
        grid = token_grid(y.shape[1], size) if y.ndim in (2, 3) else None
        if grid is None:
            allowed = (
                f"[batch, height · width, channels], in the proportions of the image, which is"
                f" {'×'.join(map(str, size))};"
                " leave out class tokens: select=lambda y: y[:, 1:]"
            )
            raise invalid("tokens of shape", tuple(y.shape), allowed)
        return y.reshape(y.shape[0], *grid, *y.shape[2:])
    return y
