"""Average precision of detections: which are right, the precision–recall curve, and the mean over the classes."""

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from geomdl.boxes import pairwise_iou, pairwise_oriented_iou
from geomdl.errors import invalid
from geomdl.tasks.task import Batch, Outputs

RIGHT, WRONG, UNCOUNTED = 1, 0, -1
"""What `match_detections` says of a detection. Uncounted are padding, and what lies on an object that is difficult."""

Detections = Mapping[str, Any]
"""``boxes`` [n, k, 4 or 5], ``scores`` [n, k], ``classes`` [n, k]: −1 for padding."""


def match_detections(
    overlaps: Float[Array, "*batch detections objects"],
    scores: Float[Array, "*batch detections"],
    found: Int[Array, "*batch detections"],
    there: Int[Array, "*batch objects"],
    difficult: Bool[Array, "*batch objects"],
    *,
    threshold: float = 0.5,
) -> Int[Array, "*batch detections"]:
    """Which detections are right, by the rule of Pascal VOC; traceable by JAX, without a loop.

    A detection belongs to the object of its class with which it overlaps most. It is right if that overlap is greater
    than the threshold, and if no detection of the same object has a greater score (of equal scores: overlaps more);
    the others of that object are wrong. What belongs to a difficult object does not count at all.

    Args:
      overlaps: the intersection over union of every detection with every object.
      scores: of the detections, in any order.
      found: their classes; −1 for padding.
      there: the classes of the objects; −1 for padding.
      difficult: objects that may be found or not.
      threshold: of the overlap; an overlap that is equal to it is none.

    Returns:
      1 where a detection is right, 0 where it is wrong, −1 where it does not count; int32.

    References:
      Everingham et al., The Pascal visual object classes challenge: a retrospective, IJCV 2015, section 4.2.

    >>> overlaps = jnp.array([[0.9, 0.0], [0.7, 0.0], [0.2, 0.0], [0.0, 0.6]])
    >>> classes, scores = jnp.array([0, 0, 0, 1]), jnp.array([0.5, 0.8, 0.9, 0.1])
    >>> match_detections(overlaps, scores, classes, jnp.array([0, 1]), jnp.array([False, True])).tolist()
    [0, 1, 0, -1]
    """
    if not overlaps.shape[-1]:
        return jnp.where(found >= 0, WRONG, UNCOUNTED)
    alike = (found[..., :, None] == there[..., None, :]) & (there >= 0)[..., None, :]
    overlaps = jnp.where(alike, overlaps, -1.0)
    best, most = jnp.argmax(overlaps, axis=-1), jnp.max(overlaps, axis=-1)
    hits = (most > threshold) & (found >= 0)
    mine = hits[..., :, None] & hits[..., None, :] & (best[..., :, None] == best[..., None, :])
    place = jnp.arange(found.shape[-1])
    above = scores[..., None, :] > scores[..., :, None]
    tied = scores[..., None, :] == scores[..., :, None]
    closer = most[..., None, :] > most[..., :, None]
    as_close = most[..., None, :] == most[..., :, None]
    first = ~jnp.any(mine & (above | (tied & (closer | (as_close & (place[None, :] < place[:, None]))))), axis=-1)
    spared = hits & jnp.take_along_axis(difficult, best, axis=-1)
    return jnp.where((found < 0) | spared, UNCOUNTED, jnp.where(hits & first, RIGHT, WRONG)).astype(jnp.int32)


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of the detections of one class, for every threshold of the score from the greatest down.

    Detections of equal score enter together: the curve belongs to the set of detections, whatever their order.

    Attributes:
      scores: the thresholds, falling.
      recall: the share of the objects that are found with a score of at least the threshold.
      precision: the share of these detections that are right.
      objects: how many there are, without the difficult ones.
    """

    scores: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    objects: int

    @classmethod
    def of(cls, scores: Any, right: Any, objects: int) -> "PrecisionRecall":
        """The curve of detections.

        Args:
          scores: of all that count.
          right: whether each is right.
          objects: how many could be found.

        >>> curve = PrecisionRecall.of([0.9, 0.8, 0.3], [True, False, True], objects=4)
        >>> curve.recall.tolist(), curve.precision.round(2).tolist()
        ([0.25, 0.25, 0.5], [1.0, 0.5, 0.67])
        """
        scores, right = np.asarray(scores, np.float64), np.asarray(right, bool)
        order = np.argsort(-scores, kind="stable")
        scores, hits = scores[order], np.cumsum(right[order])
        last = np.append(scores[1:] != scores[:-1], True) if len(scores) else np.zeros(0, bool)
        found = np.arange(1, len(scores) + 1)
        return cls(scores[last], hits[last] / max(objects, 1), (hits / np.maximum(found, 1))[last], objects)

    def average(self, points: int | None = None) -> float:
        """The average precision; NaN where there is no object.

        With p(r) the greatest precision at a recall of r or more, it is ∫ p(r) dr (None: Pascal VOC since 2010), or
        the mean of p over so many recalls from 0 to 1 (11: Pascal VOC until 2009, and DOTA; 101: COCO).

        Args:
          points: see above.

        Raises:
          ValueError: for other points.

        References:
          Everingham et al., The Pascal visual object classes (VOC) challenge, IJCV 2010, section 4.2.

        >>> curve = PrecisionRecall.of([0.9, 0.8, 0.3], [True, False, True], objects=2)
        >>> round(curve.average(), 4), round(curve.average(11), 4)
        (0.8333, 0.8485)
        """
        if points not in (None, 11, 101):
            raise invalid("points", points, "None, 11 or 101")
        if not self.objects:
            return float("nan")
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        if points is None:
            return float(np.sum(np.diff(self.recall, prepend=0.0) * envelope))
        at = np.arange(0.0, 1.1, 0.1) if points == 11 else np.linspace(0.0, 1.0, points)  # to the bit as published
        return float(np.append(envelope, 0.0)[np.searchsorted(self.recall, at)].mean())


@dataclass(frozen=True)
class AveragePrecision:
    """The accumulator of average precision: ``map50``, the mean over the classes, and ``ap50/<class>``.

    The 50 stands for an overlap of more than 0.5. Boxes are those of pixel edges, so that their overlap is what Pascal
    VOC computes from the numbers of the first and the last pixel; see `match_detections` and `PrecisionRecall`. Classes
    without an object (difficult ones aside) have no average precision, and are left out. Where no class has an object
    ``map50`` is 0, with a warning.

    On the device detections are decoded and matched, batch by batch; the curves are made on the host.

    Args:
      predictions: ``outputs -> {"boxes", "scores", "classes"}``, see `Detections`: that of a task. Boxes [n, k, 4] from
        corner to corner; or oriented ones [n, k, 5].
      classes: their names.
      threshold: of the overlap.
      points: of the curve; see `PrecisionRecall.average`.
      name: of the metrics, in place of the percentage: ``"50"``.

    Raises:
      ValueError: for a threshold that is not in (0, 1), or other points than None, 11 and 101.

    >>> said = AveragePrecision(lambda outputs: outputs, ("cell",))
    >>> boxes = jnp.array([[[0.0, 0.0, 4.0, 4.0], [4.0, 4.0, 8.0, 8.0]]])
    >>> truth = {"boxes": boxes, "classes": jnp.zeros((1, 2), int), "difficult": jnp.zeros((1, 2), bool)}
    >>> found = {"boxes": boxes[:, :1], "scores": jnp.ones((1, 1)), "classes": jnp.zeros((1, 1), int)}
    >>> said.compute(said.update(said.init(), found, {"label": truth}))
    {'map50': 0.5, 'ap50/cell': 0.5}
    """

    predictions: Callable[[Any], Detections]
    classes: tuple[str, ...]
    threshold: float = 0.5
    points: int | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise invalid("threshold of the overlap", self.threshold, "a number between 0 and 1", 0.5)
        if self.points not in (None, 11, 101):
            raise invalid("points", self.points, "None, 11 or 101")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The mean, then each class."""
        name = f"{100 * self.threshold:g}" if self.name is None else self.name
        return (f"map{name}", *(f"ap{name}/{label}" for label in self.classes))

    def greater_is_better(self, metric: str) -> bool:
        """Yes."""
        return True

    def init(self) -> tuple[Any, ...]:
        """Nothing has been seen."""
        return ()

    def update(self, state: tuple[Any, ...], outputs: Outputs, batch: Batch) -> tuple[Any, ...]:
        """One more batch, decoded and matched; its numbers stay on the device."""
        return (*state, _matched(outputs, batch["label"], batch.get("mask"), self))

    def merge(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        """What both have seen."""
        return first + second

    def curves(self, state: tuple[Any, ...]) -> dict[str, PrecisionRecall]:
        """The precision–recall curve of every class."""
        held = jax.device_get(state)
        scores, found, right = (np.concatenate([np.ravel(part[i]) for part in held]) for i in range(3))
        objects = np.sum([part[3] for part in held], axis=0)
        counted = right != UNCOUNTED
        return {
            label: PrecisionRecall.of(scores[here], right[here] == RIGHT, int(objects[index]))
            for index, label in enumerate(self.classes)
            for here in [counted & (found == index)]
        }

    def compute(self, state: tuple[Any, ...]) -> dict[str, float]:
        """The mean, and the average precision of the classes that have objects."""
        each = [curve.average(self.points) for curve in self.curves(state).values()]
        mean, *names = self.metrics
        if np.isnan(each).all():
            warnings.warn(f"there is no object to find: {mean} is given as 0", stacklevel=2)
            return {mean: 0.0}
        found = {name: value for name, value in zip(names, each, strict=True) if not np.isnan(value)}
        return {mean: float(np.nanmean(each)), **found}


@functools.partial(jax.jit, static_argnames="measure")
def _matched(
    outputs: Outputs, truth: Mapping[str, Array], mask: Array | None, measure: AveragePrecision
) -> tuple[Array, Array, Array, Array]:
    """Scores, classes and what is right of all detections [n, k], and the objects of every class [classes]."""
    detections = measure.predictions(outputs)
    there, difficult = truth["classes"], truth["difficult"].astype(bool)
    found = detections["classes"]
    if mask is not None:  # images that fill up a batch
        there, found = (jnp.where(mask[:, None] > 0, classes, -1) for classes in (there, found))
    scores = detections["scores"].astype(jnp.float32)
    overlaps = box_overlaps(detections["boxes"], truth["boxes"])
    right = match_detections(overlaps, scores, found, there, difficult, threshold=measure.threshold)
    counted = jnp.where(difficult, -1, there)
    objects = jnp.sum(counted[..., None] == jnp.arange(len(measure.classes)), axis=(0, 1), dtype=jnp.int32)
    return scores, found, right, objects


def box_overlaps(first: Array, second: Array) -> Array:
    """Intersection over union of boxes ``[..., m, 4]`` (oriented: ``[..., m, 5]``) with others: ``[..., m, k]``.

    Raises:
      ValueError: for boxes of two kinds, or of another number of numbers.
    """
    sizes = first.shape[-1], second.shape[-1]
    if sizes not in ((4, 4), (5, 5)):
        raise invalid("numbers of the boxes", sizes, "4, from corner to corner, or 5, oriented; the same in both")
    return (pairwise_iou if sizes[0] == 4 else pairwise_oriented_iou)(first, second)
