"""Non-maximum suppression with fixed sizes: of many boxes that say the same thing, the best one stays.

Everything here may be compiled, mapped (`jax.vmap`) and sharded over a batch.
"""

import functools
from collections.abc import Callable
from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from geomdl.boxes.overlap import diou, iou, oriented_iou
from geomdl.errors import invalid, unknown

Overlap = Literal["iou", "diou", "oriented"]
"""What overlap is measured by: IoU, distance IoU, or IoU of oriented boxes."""
Decay = Literal["linear", "gaussian"]

OVERLAPS = {"iou": iou, "diou": diou, "oriented": oriented_iou}

_TILE = 64
"""Boxes that are looked at together."""


def by_score(
    boxes: Float[Array, "n c"], scores: Float[Array, " n"], centre: Float[Array, " 2"] | None = None
) -> Int[Array, " n"]:
    """The order of boxes by falling score, in which ties are broken by invariants: the larger box, then the one nearer
    to a centre.

    All three stay as they are when the image moves about its centre, so the same boxes come first whatever the order
    in the list is. Boxes that are equal in all three (images of one another under a symmetry of the image) remain in
    the order of the list: `ties` counts where that matters.

    Args:
      boxes: ``[n, 4]`` (x0, y0, x1, y1), or ``[n, 5]`` (cx, cy, w, h, angle).
      scores: ``[n]``.
      centre: (x, y) of the image's centre; without it the third key is left out.

    >>> boxes = jnp.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> by_score(boxes, jnp.array([0.5, 0.5, 0.9]))
    Array([2, 1, 0], dtype=int32)
    """
    if boxes.shape[-1] == 5:
        middle, size = boxes[:, :2], boxes[:, 2:4]
    else:
        middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    keys = [-size[:, 0] * size[:, 1], -scores]  # the last counts most
    if centre is not None:
        keys.insert(0, jnp.square(middle - centre).sum(-1))
    return jnp.lexsort(keys).astype(jnp.int32)


@functools.partial(jax.jit, static_argnames=("threshold", "max_outputs", "overlap"))
def nms(
    boxes: Float[Array, "n c"],
    scores: Float[Array, " n"],
    classes: Int[Array, " n"] | None = None,
    *,
    threshold: float = 0.5,
    max_outputs: int = 100,
    overlap: Overlap = "iou",
    centre: Float[Array, " 2"] | None = None,
) -> Int[Array, " kept"]:
    """Greedy non-maximum suppression: a box stays unless a better one of its class, that stays, overlaps it by more
    than the threshold.

    Boxes are looked at in the order of `by_score`, in tiles of 64: against those that stay already, of which there are
    at most ``max_outputs``, and then among one another, until nothing changes. So the work is n times the number that
    stay, not n², and no array has n² entries. It equals the sequential algorithm.

    Args:
      boxes: ``[n, 4]`` (x0, y0, x1, y1); ``[n, 5]`` (cx, cy, w, h, angle) for ``"oriented"``.
      scores: ``[n]``; a box of score −∞ is none.
      classes: ``[n]``; boxes suppress boxes of their own class only, and of class −1 nobody is. All of one class by
        default.
      threshold: an overlap larger than this suppresses.
      max_outputs: how many may stay.
      overlap: ``"iou"``, ``"diou"`` (a distant centre counts as less overlap) or ``"oriented"``.
      centre: see `by_score`.

    Returns:
      ``[max_outputs]``, the places of those that stay in the arrays, by falling score; −1 behind the last.

    Raises:
      ValueError: for boxes of another shape than the overlap takes, or an unknown overlap.

    References:
      Zheng et al., Distance-IoU loss, AAAI 2020, equation 12 (DIoU-NMS).

    >>> boxes = jnp.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], [6.0, 6.0, 9.0, 9.0]])
    >>> nms(boxes, jnp.array([0.8, 0.9, 0.7]), max_outputs=3)
    Array([ 1,  2, -1], dtype=int32)
    >>> nms(boxes, jnp.array([0.8, 0.9, 0.7]), jnp.array([0, 1, 0]), max_outputs=3)
    Array([1, 0, 2], dtype=int32)
    """
    measure = _measure(overlap, boxes)
    n, kept_most = len(boxes), max_outputs
    if n == 0:
        return jnp.full(kept_most, -1, jnp.int32)
    tile = min(_TILE, max(n, 1))
    tiles = -(-n // tile)
    order = by_score(boxes, scores, centre)
    classes = jnp.zeros(n, jnp.int32) if classes is None else classes.astype(jnp.int32)
    real = (scores > -jnp.inf) & (classes >= 0)
    extra = tiles * tile - n
    places = jnp.pad(order, (0, extra))
    boxes, kinds = boxes[places], jnp.where(real, classes, -1)[places]
    kinds = jnp.where(jnp.arange(tiles * tile) < n, kinds, -1)

    def suppressed_by(a: Array, kind_a: Array, b: Array, kind_b: Array) -> Array:
        """``[a, b]``: whether a suppresses b, were it there."""
        return (measure(a[:, None], b[None]) > threshold) & (kind_a[:, None] == kind_b[None])

    part = min(_TILE, kept_most)
    room = -(-kept_most // part) * part

    def suppressed_by_kept(count: Array, kept_boxes: Array, kept_kinds: Array, own: Array, kind: Array) -> Array:
        """Whether any of those that stay suppresses each: by tiles, without those that are still empty."""

        def by_part(i: Array, found: Array) -> Array:
            some, kinds = (jax.lax.dynamic_slice_in_dim(x, i * part, part) for x in (kept_boxes, kept_kinds))
            return found | suppressed_by(some, kinds, own, kind).any(0)

        filled = (count + part - 1) // part
        return jax.lax.fori_loop(jnp.zeros_like(filled), filled, by_part, jnp.zeros(tile, bool))

    def look_at(state: tuple) -> tuple:
        i, count, kept, kept_boxes, kept_kinds = state
        own = jax.lax.dynamic_slice_in_dim(boxes, i * tile, tile)
        kind = jax.lax.dynamic_slice_in_dim(kinds, i * tile, tile)
        free = (kind >= 0) & ~suppressed_by_kept(count, kept_boxes, kept_kinds, own, kind)
        earlier = suppressed_by(own, kind, own, kind) & (jnp.arange(tile)[:, None] < jnp.arange(tile)[None])

        def settle(pair: tuple) -> tuple:
            _, now = pair
            return now, free & ~(earlier & now[:, None]).any(0)

        _, stays = jax.lax.while_loop(lambda pair: (pair[0] != pair[1]).any(), settle, (~free, free))
        place = count + jnp.cumsum(stays, dtype=jnp.int32) - 1
        place = jnp.where(stays & (place < kept_most), place, room)  # beyond the end: dropped
        kept = kept.at[place].set(jax.lax.dynamic_slice_in_dim(places, i * tile, tile), mode="drop")
        kept_boxes = kept_boxes.at[place].set(own, mode="drop")
        kept_kinds = kept_kinds.at[place].set(kind, mode="drop")
        return i + 1, count + stays.sum(dtype=jnp.int32), kept, kept_boxes, kept_kinds

    def goes_on(state: tuple) -> Array:
        i, count, *_ = state
        return (i < tiles) & (count < kept_most)

    zero = jnp.zeros((), jnp.int32)
    nobody = jnp.full(kept_most, -1, jnp.int32)
    no_boxes, no_kinds = jnp.zeros((room, boxes.shape[-1]), boxes.dtype), jnp.full(room, -2, jnp.int32)
    start = (zero, zero, nobody, no_boxes, no_kinds)
    return jax.lax.while_loop(goes_on, look_at, start)[2]


@functools.partial(jax.jit, static_argnames=("threshold", "sigma", "decay", "max_outputs", "overlap", "least"))
def soft_nms(
    boxes: Float[Array, "n c"],
    scores: Float[Array, " n"],
    classes: Int[Array, " n"] | None = None,
    *,
    decay: Decay = "gaussian",
    threshold: float = 0.3,
    sigma: float = 0.5,
    max_outputs: int = 100,
    overlap: Overlap = "iou",
    least: float = 0.001,
    centre: Float[Array, " 2"] | None = None,
) -> tuple[Int[Array, " kept"], Float[Array, " kept"]]:
    """Soft non-maximum suppression: what overlaps a better box o loses score in place of being dropped.

      ``"linear"``: s ← s (1 − o) where o > threshold;   ``"gaussian"``: s ← s exp(−o² / sigma).

    The best box is taken, the others of its class lose score, and so on, ``max_outputs`` times.

    Args:
      boxes: see `nms`.
      scores: see `nms`.
      classes: see `nms`.
      decay: ``"linear"`` or ``"gaussian"``.
      threshold: for ``"linear"``.
      sigma: for ``"gaussian"``.
      max_outputs: how many are taken.
      overlap: see `nms`; a negative overlap counts as 0.
      least: boxes of a score below this are none.
      centre: see `by_score`.

    Returns:
      ``[max_outputs]``, the places of those taken, −1 behind the last, and the scores that they have then, 0 behind
      the last.

    Raises:
      ValueError: for an unknown decay or overlap, or boxes of another shape.

    References:
      Bodla et al., Soft-NMS, ICCV 2017, equations of section 3.

    >>> boxes = jnp.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0]])
    >>> places, left = soft_nms(boxes, jnp.array([0.8, 0.6]), decay="linear", max_outputs=2)
    >>> places.tolist(), [f"{score:.2f}" for score in left.tolist()]
    ([0, 1], ['0.80', '0.30'])
    """
    if decay not in get_args(Decay):
        raise unknown("decay", decay, get_args(Decay))
    measure = _measure(overlap, boxes)
    if len(boxes) == 0:
        return jnp.full(max_outputs, -1, jnp.int32), jnp.zeros(max_outputs, scores.dtype)
    order = by_score(boxes, scores, centre)
    classes = jnp.zeros(len(boxes), jnp.int32) if classes is None else classes.astype(jnp.int32)
    boxes, kinds = boxes[order], classes[order]
    start = jnp.where(kinds >= 0, scores[order], -jnp.inf)

    def take(left: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        best = jnp.argmax(left)  # the first of equals: the order of `by_score`
        score = left[best]
        over = jnp.maximum(measure(boxes[best], boxes), 0)
        factor = jnp.where(over > threshold, 1 - over, 1) if decay == "linear" else jnp.exp(-jnp.square(over) / sigma)
        left = jnp.where(kinds == kinds[best], left * factor, left).at[best].set(-jnp.inf)
        found = score >= least
        return left, (jnp.where(found, order[best], -1), jnp.where(found, score, 0))

    # −∞ · 0 is NaN: what is none stays none
    finite = jnp.where(start > -jnp.inf, start, -1.0)
    _, (places, left) = jax.lax.scan(take, finite, None, length=min(max_outputs, len(boxes)))
    missing = max_outputs - len(places)
    return jnp.pad(places, (0, missing), constant_values=-1), jnp.pad(left, (0, missing))


@functools.partial(jax.jit, static_argnames=("threshold", "overlap", "tolerance"))
def ties(
    boxes: Float[Array, "n c"],
    scores: Float[Array, " n"],
    kept: Int[Array, " kept"],
    classes: Int[Array, " n"] | None = None,
    *,
    threshold: float = 0.5,
    overlap: Overlap = "iou",
    tolerance: float = 1e-6,
) -> Int[Array, ""]:
    """How many boxes were suppressed by one whose score is the same up to a tolerance.

    There the order of the list, or rounding, decided which of two boxes stays: a set of detections that is to move
    with the image may then differ from its image by these. 0 means that suppression was equivariant.

    Args:
      boxes: as given to `nms`.
      scores: as given to `nms`.
      kept: what `nms` gave.
      classes: as given to `nms`.
      threshold: as given to `nms`.
      overlap: as given to `nms`.
      tolerance: a difference of scores up to this is none.

    >>> boxes = jnp.array([[0.0, 0.0, 4.0, 3.0], [0.0, 1.0, 4.0, 4.0], [6.0, 6.0, 9.0, 9.0]])
    >>> ties(boxes, jnp.array([0.9, 0.9, 0.7]), jnp.array([0, 2]), threshold=0.4)
    Array(1, dtype=int32)
    """
    measure = _measure(overlap, boxes)
    classes = jnp.zeros(len(boxes), jnp.int32) if classes is None else classes
    stays = jnp.zeros(len(boxes), bool).at[kept].set(True, mode="drop", wrap_negative_indices=False)
    by = jnp.where(kept >= 0, kept, 0)
    over = measure(boxes[by][:, None], boxes[None]) > threshold
    same = (classes[by][:, None] == classes[None]) & (kept >= 0)[:, None] & (classes >= 0)[None]
    equal = jnp.abs(scores[by][:, None] - scores[None]) <= tolerance
    return (jnp.any(over & same & equal, 0) & ~stays & (scores > -jnp.inf)).sum().astype(jnp.int32)


def _measure(overlap: str, boxes: Array) -> Callable[[Array, Array], Array]:
    """The overlap of a name, for boxes of the shape that it takes."""
    if overlap not in OVERLAPS:
        raise unknown("overlap", overlap, list(OVERLAPS))
    numbers = 5 if overlap == "oriented" else 4
    if boxes.ndim != 2 or boxes.shape[-1] != numbers:
        raise invalid(f"shape of boxes for the overlap {overlap!r}", boxes.shape, f"[n, {numbers}]")
    return OVERLAPS[overlap]
