"""Sets of detections compared: by an optimal matching, never by their places in a list."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

_APART = 1e9


def match_sets(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of detections of each image in rows that belong together.

    Detections of one class are matched so that first the most are matched, and then the sum of distances is least
    (Kuhn's assignment problem); the distance is that of their corners and scores. The corners of an oriented box are
    compared in the cyclic order that is nearest, so that different numbers for the same rectangle are no difference.
    What has no partner stands against zeros.

    Args:
      a: detections ``[batch, k, 6]`` (x0, y0, x1, y1, score, class; class −1: none) or ``[batch, k, 7]`` (oriented),
        see `geomdl.actions.packed_detections`.
      b: likewise; k may be another number.

    Returns:
      Two arrays ``[batch, rows, numbers]``, of as many rows as both have together, of corners and scores (times the
      largest coordinate): the sets are equal where the arrays are, and ‖first − second‖ / ‖second‖ is a relative error.

    >>> a = np.array([[[0.0, 0, 2, 2, 0.5, 1], [4, 4, 6, 6, 0.5, 1]]])
    >>> first, second = match_sets(a, a[:, ::-1])
    >>> float(np.abs(first - second).max())
    0.0
    """
    from scipy.optimize import linear_sum_assignment

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 3 or b.ndim != 3 or a.shape[0] != b.shape[0] or a.shape[2] != b.shape[2]:
        raise ValueError(
            f"sets of detections of shapes {a.shape} and {b.shape}; allowed: [batch, k, 6] or [batch, k, 7]"
        )
    rows_a, rows_b = _corners(a[..., :-2]), _corners(b[..., :-2])
    scale = max(float(np.abs(rows_b[b[..., -1] >= 0]).max(initial=0.0)), 1e-12)
    numbers, cyclic = rows_a.shape[-1] + 1, a.shape[2] == 7
    out = np.zeros((2, len(a), a.shape[1] + b.shape[1], numbers))
    for image in range(len(a)):
        real_a, real_b = a[image, :, -1] >= 0, b[image, :, -1] >= 0
        found = [
            np.concatenate([rows[image], scale * x[image, :, -2:-1]], -1)[real]
            for rows, x, real in ((rows_a, a, real_a), (rows_b, b, real_b))
        ]
        turns = [np.concatenate([np.roll(found[0][:, :-1], 2 * t, -1), found[0][:, -1:]], -1)
                 for t in range(4 if cyclic else 1)]  # fmt: skip
        distances = np.array([np.linalg.norm(t[:, None] - found[1][None], axis=-1) for t in turns])
        same = a[image, real_a, -1][:, None] == b[image, real_b, -1][None]
        cost = np.where(same, np.nan_to_num(distances.min(0), nan=_APART / 2), _APART)
        pairs = [(i, j) for i, j in zip(*linear_sum_assignment(cost), strict=True) if same[i, j]]
        for i, j in pairs:
            out[0, image, j] = turns[int(np.argmin(np.nan_to_num(distances[:, i, j], nan=np.inf)))][i]
        out[1, image, : len(found[1])] = found[1]
        left = [i for i in range(len(found[0])) if i not in {i for i, _ in pairs}]
        out[0, image, b.shape[1] : b.shape[1] + len(left)] = found[0][left]
    return out[0], out[1]


def matched(a: ArrayLike, b: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """`match_sets` of JAX arrays, which may be traced: the matching is done on the host.

    Args:
      a: ``[batch, k, 6]`` or ``[batch, k, 7]``.
      b: likewise, with another k perhaps.

    >>> one = jnp.array([[[0.0, 0, 2, 2, 0.5, 1]]])
    >>> first, second = jax.jit(matched)(one, one)
    >>> first.shape, bool((first == second).all())
    ((1, 2, 5), True)
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    numbers = 9 if a.shape[-1] == 7 else 5
    shape = jax.ShapeDtypeStruct((a.shape[0], a.shape[1] + b.shape[1], numbers), jnp.float32)

    def on_host(a: Any, b: Any) -> tuple[np.ndarray, ...]:
        return tuple(x.astype(np.float32) for x in match_sets(a, b))

    return jax.pure_callback(on_host, (shape, shape), a, b, vmap_method="sequential")


def set_distance(a: Mapping[str, ArrayLike], b: Mapping[str, ArrayLike]) -> np.ndarray:
    """The greatest distance between matched boxes of two sets of detections, in pixels: ``[batch]``.

    The distance of two boxes is the largest difference of a coordinate of their corners. It is infinite where the sets
    are not of the same number of boxes of each class. Scores do not count.

    Args:
      a: ``{"boxes", "scores", "classes"}``, see `match_sets`.
      b: likewise.

    >>> two = {"boxes": np.array([[[0, 0, 2, 2], [4, 4, 6, 6.0]]]), "classes": np.array([[0, 0]])}
    >>> moved = {"boxes": two["boxes"][:, ::-1] + 0.5, "classes": two["classes"]}
    >>> set_distance(two, moved)
    array([0.5])
    """

    def packed(x: Mapping[str, ArrayLike]) -> np.ndarray:
        boxes, classes = np.asarray(x["boxes"], np.float64), np.asarray(x["classes"], np.float64)
        return np.concatenate([boxes, np.zeros_like(classes)[..., None], classes[..., None]], -1)

    first, second = (packed(x) for x in (a, b))
    rows = match_sets(first, second)
    differences = np.abs(rows[0] - rows[1]).max((-1, -2), initial=0.0)
    for image in range(len(first)):
        counted = [sorted(x[image, :, -1][x[image, :, -1] >= 0]) for x in (first, second)]
        if counted[0] != counted[1]:
            differences[image] = np.inf
    return differences


def _corners(boxes: np.ndarray) -> np.ndarray:
    """Upright boxes as they are; oriented ones as four corners, counter-clockwise, ``[..., 8]``."""
    if boxes.shape[-1] == 4:
        return boxes
    half = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) / 2
    along, across = (half[:, i] * boxes[..., 2 + i, None] for i in (0, 1))
    cos, sin = np.cos(boxes[..., 4, None]), np.sin(boxes[..., 4, None])
    x = boxes[..., 0, None] + cos * along - sin * across
    y = boxes[..., 1, None] - sin * along - cos * across
    return np.stack([x, y], -1).reshape(*boxes.shape[:-1], 8)
