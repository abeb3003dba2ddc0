"""Retrieval: which vectors of a gallery are nearest to those of queries, and how many of these are of their class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jax.typing import ArrayLike

from geomdl.errors import invalid, unknown
from geomdl.numbers import whole_number

Distance = Literal["cosine", "euclidean"]

_BLOCK = 2**24  # numbers in a block of distances: 64 MiB


@dataclass(frozen=True)
class Neighbours:
    """The vectors of a gallery that are nearest to each query, the nearest first; see `nearest_neighbours`.

    Attributes:
      indices: of the vectors in the gallery, ``[queries, k]``.
      distances: ``[queries, k]``, float64.

    >>> found = nearest_neighbours([[1.0, 1.0]], [[1.0, 0.9], [0.0, 1.0]], k=2)
    >>> found.indices
    array([[0, 1]])
    """

    indices: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class Retrieval:
    """What `retrieval_metrics` returns.

    Attributes:
      mean_average_precision: the mean over the queries of AP = 1/R Σ_r (precision among the first r), over the ranks r
        of the R vectors of the gallery that are of the query's class.
      precision: by k: the share of the first k that are of the class, mean over the queries.
      recall: by k: how many of the R are among the first k, as a share of R, mean over the queries.
      hit: by k: the share of the queries that have at least one of their class among the first k. Metric learning
        calls this recall@k.
      queries: that were counted.
      left_out: queries of whose class the gallery has none, which count nowhere.
    """

    mean_average_precision: float
    precision: dict[int, float]
    recall: dict[int, float]
    hit: dict[int, float]
    queries: int
    left_out: int = 0

    def to_dict(self) -> dict[str, float]:
        """By name: ``mean_average_precision``, ``precision@1``, ``recall@1``, ``hit@1``, …

        >>> Retrieval(0.5, {1: 1.0}, {1: 0.1}, {1: 1.0}, 7).to_dict()["precision@1"]
        1.0
        """
        found = {"mean_average_precision": self.mean_average_precision}
        for name in ("precision", "recall", "hit"):
            found |= {f"{name}@{k}": value for k, value in getattr(self, name).items()}
        return found | {"queries": self.queries, "left_out": self.left_out}


def nearest_neighbours(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int = 10,
    *,
    distance: Distance = "cosine",
    exclude_same: bool = False,
) -> Neighbours:
    """The k nearest vectors of a gallery for each query, exactly; among equally near ones those that come first.

      cosine: d(q, x) = 1 − ⟨q, x⟩ / (‖q‖ ‖x‖);   Euclidean: d(q, x) = ‖q − x‖.

    Blocks of queries are multiplied with the gallery in float32; of those that are nearest up to rounding, distances
    are computed once more in float64. So the result depends on the vectors alone, not on the size of blocks or the
    number of processors, and copies of a vector are equally near.

    Args:
      queries: ``[queries, channels]``; maps are flattened.
      gallery: ``[vectors, channels]``.
      k: neighbours of each query, at most the vectors of the gallery.
      distance: ``"cosine"`` or ``"euclidean"``. A vector of zeros has the cosine distance 1 from everything.
      exclude_same: for queries that are the gallery: no vector is its own neighbour.

    Raises:
      ValueError: for vectors of different lengths, NaN or infinity among them, k out of its range, or another distance.

    >>> found = nearest_neighbours([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0], [1.0, 1.0], [3.0, 0.0]], k=3)
    >>> found.indices.tolist(), found.distances.round(3).tolist()
    ([[1, 3, 2]], [[0.0, 0.0, 0.293]])
    """
    q, x = _vectors(queries, gallery, distance)
    available = len(x) - exclude_same
    _require_same(q, x, exclude_same)
    if whole_number("k", k) > available:
        raise invalid("k", k, f"at most the {available} other vectors of the gallery" if exclude_same else
                      f"at most the {available} vectors of the gallery", available)  # fmt: skip
    indices, distances = np.empty((len(q), k), np.int64), np.empty((len(q), k))
    margins = _rounding(x.shape[1]) * _scale(q, x, distance)
    for start, scores in _blocks(q, x, distance, exclude_same):
        limits = _at_least(scores, k) + margins[start : start + len(scores)]
        for row, values in enumerate(scores):
            candidates = np.flatnonzero(values <= limits[row])
            exact = _exact(q[start + row], x[candidates], distance)
            order = np.argsort(exact, kind="stable")[:k]
            indices[start + row], distances[start + row] = candidates[order], exact[order]
    return Neighbours(indices, distances)


def retrieval_metrics(
    queries: ArrayLike,
    query_labels: ArrayLike,
    gallery: ArrayLike,
    gallery_labels: ArrayLike,
    *,
    k: Sequence[int] = (1, 5, 10),
    distance: Distance = "cosine",
    exclude_same: bool = False,
) -> Retrieval:
    """How well the distance of vectors finds those of the same class: mean average precision, precision and recall.

    The whole gallery is ranked for each query; among equally near vectors the first come first.

    Args:
      queries: ``[queries, channels]``; maps are flattened.
      query_labels: their classes, ``[queries]``.
      gallery: ``[vectors, channels]``.
      gallery_labels: their classes, ``[vectors]``.
      k: how many of the nearest precision, recall and hits are of.
      distance: see `nearest_neighbours`.
      exclude_same: likewise.

    Raises:
      ValueError: see `nearest_neighbours`; for labels that are not one for each vector, or where no query has a vector
        of its class.

    >>> one = retrieval_metrics([[0.0]], [1], [[1.0], [2.0], [3.0]], [0, 1, 1], k=[1, 2], distance="euclidean")
    >>> round(one.mean_average_precision, 4), one.precision, one.recall, one.hit
    (0.5833, {1: 0.0, 2: 0.5}, {1: 0.0, 2: 0.5}, {1: 0.0, 2: 1.0})
    """
    q, x = _vectors(queries, gallery, distance)
    _require_same(q, x, exclude_same)
    own, there = _labels("query_labels", query_labels, len(q)), _labels("gallery_labels", gallery_labels, len(x))
    available = len(x) - exclude_same
    for number in k:
        if whole_number("k", number) > available:
            raise invalid("k", number, f"at most the {available} vectors that there are to find", available)
    precisions: list[float] = []
    found: dict[int, list[int]] = {number: [] for number in k}
    totals: list[int] = []
    place = 2 * np.arange(len(x), dtype=np.int64)
    for start, scores in _blocks(q, x, distance, exclude_same):
        for row, values in enumerate(scores):
            relevant = there == own[start + row]
            if exclude_same:
                relevant[start + row] = False
            total = int(relevant.sum())
            if not total:
                continue
            keys = _ordered(values)  # by distance, then by place; the last bit says what is relevant
            keys |= place
            keys |= relevant
            keys.sort()
            ranks = np.flatnonzero(keys & 1) + 1
            precisions.append(float(np.mean(np.arange(1, total + 1) / ranks)))
            totals.append(total)
            for number in k:
                found[number].append(int(np.searchsorted(ranks, number, "right")))
    if not totals:
        raise invalid("query_labels", "classes of which the gallery has none", "some that are in the gallery too")
    counts, several = {n: np.array(hits) for n, hits in found.items()}, np.array(totals)
    return Retrieval(
        float(np.mean(precisions)),
        {n: float(np.mean(hits / n)) for n, hits in counts.items()},
        {n: float(np.mean(hits / several)) for n, hits in counts.items()},
        {n: float(np.mean(hits > 0)) for n, hits in counts.items()},
        len(totals),
        len(q) - len(totals),
    )


def _vectors(queries: ArrayLike, gallery: ArrayLike, distance: str) -> tuple[np.ndarray, np.ndarray]:
    """Both as float32 ``[n, channels]``; of length 1 where their angle is what counts."""
    if distance not in get_args(Distance):
        raise unknown("distance", distance, get_args(Distance))
    made = []
    for name, given in (("queries", queries), ("gallery", gallery)):
        array: Any = np.asarray(given)
        if array.ndim < 2 or not len(array) or array.dtype.kind not in "fiub":
            raise invalid(name, f"{array.dtype} {array.shape}", "real numbers [vectors, channels], one vector or more")
        array = np.ascontiguousarray(array.reshape(len(array), -1), np.float32)
        if not np.isfinite(array).all():
            raise invalid(name, "NaN or infinite", "finite numbers")
        made.append(array)
    q, x = made
    if q.shape[1] != x.shape[1]:
        raise invalid("queries", f"{q.shape[1]} channels", f"the {x.shape[1]} channels of the gallery", x.shape[1])
    return (_normalised(q), _normalised(x)) if distance == "cosine" else (q, x)


def _normalised(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1; their squares, which may leave float32, are summed in float64."""
    length = np.sqrt(np.einsum("nc,nc->n", vectors, vectors, dtype=np.float64))[:, None]
    return np.divide(vectors, np.where(length > 0, length, 1), out=np.empty_like(vectors), casting="same_kind")


def _blocks(q: np.ndarray, x: np.ndarray, distance: str, exclude_same: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Where a block of queries begins, and scores ``[queries, vectors]`` in float32, which grow with the distance."""
    rows = max(1, _BLOCK // len(x))
    cosine = distance == "cosine"
    squares = None if cosine else (x.astype(np.float64) ** 2).sum(1).astype(np.float32)
    for start in range(0, len(q), rows):
        block = q[start : start + rows]
        scores = (-block if cosine else -2 * block) @ x.T  # ‖x‖² − 2⟨q, x⟩ differs from ‖q − x‖² by what is of q
        if squares is not None:
            scores += squares
        if exclude_same:
            places = np.arange(len(block))
            scores[places, start + places] = np.inf
        yield start, scores


def _at_least(scores: np.ndarray, k: int) -> np.ndarray:
    """For each row a number that at least k scores do not exceed, and few more: the k-th least of minima of parts."""
    count = scores.shape[1]
    parts = max(8 * k, count // 64)
    if count <= 2 * parts:
        return np.partition(scores, k - 1, axis=1)[:, k - 1]
    whole = count // parts * parts
    minima = scores[:, :whole].reshape(len(scores), -1, parts).min(1)
    minima = np.concatenate([minima, scores[:, whole:]], 1)
    return np.partition(minima, k - 1, axis=1)[:, k - 1]


def _exact(query: np.ndarray, vectors: np.ndarray, distance: str) -> np.ndarray:
    """The distances in float64; each depends on its two vectors alone."""
    a, b = query.astype(np.float64), vectors.astype(np.float64)
    if distance == "cosine":
        return 1 - (a * b).sum(1)
    return np.sqrt(((a - b) ** 2).sum(1))


def _rounding(channels: int) -> float:
    """Twice what rounding adds to a sum of so many products in float32, relative to the product of the lengths."""
    return float(4 * (channels + 2) * np.finfo(np.float32).eps)


def _scale(q: np.ndarray, x: np.ndarray, distance: str) -> np.ndarray:
    """The size of what is added up for the distances of each query."""
    if distance == "cosine":
        return np.ones(len(q))
    return (np.linalg.norm(q, axis=1) + np.linalg.norm(x, axis=1).max()) ** 2


def _ordered(values: np.ndarray) -> np.ndarray:
    """Whole numbers, multiples of 2³², in the order of float32 values."""
    bits = (values + np.float32(0)).view(np.int32)  # + 0: there is one zero
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)  # of negative numbers larger bits mean smaller values
    return bits.astype(np.int64) << 32


def _labels(name: str, labels: ArrayLike, count: int) -> np.ndarray:
    array = np.asarray(labels)
    if array.shape != (count,):
        raise invalid(name, array.shape, f"one class for each of {count} vectors")
    return array


def _require_same(q: np.ndarray, x: np.ndarray, exclude_same: bool) -> None:
    if exclude_same and q.shape != x.shape:
        raise invalid("exclude_same", True, "False, unless the queries are the gallery")
    if exclude_same and len(x) == 1:
        raise invalid("gallery", "one vector", "two or more, as none is its own neighbour")
