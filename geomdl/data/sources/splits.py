"""Fixed stratified splits: a function of the labels and a seed, the same everywhere."""

from collections.abc import Sequence

import numpy as np

from geomdl.data.draws import permutation, uniforms
from geomdl.errors import invalid


def stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """An order of the examples in which every run of consecutive ones holds each class in proportion.

    The j-th of the n_c examples of class c (in a random order) is put at (j + u_c) / n_c with u_c uniform in [0, 1),
    and the examples are sorted by it. A prefix of m of the n examples then holds m n_c / n of class c to within
    1 + (number of classes) n_c / n: 2 for balanced classes, less for rare ones.

    Args:
      labels: ``[n]`` class indices, or ``[n, classes]`` multi-label indicators, where each combination counts as a
        class.
      seed: which order.

    Returns:
      ``[n]`` indices, a permutation of ``range(n)``.

    >>> order = stratified_order(np.array([0, 0, 0, 1, 1, 1]), seed=0)
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4, 5]
    """
    labels = np.asarray(labels)
    strata = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1)
    count = len(strata)
    shuffled = permutation(seed, "split/order", count)
    position = np.empty(count)
    offsets = uniforms(seed, "split/offset", (int(strata.max(initial=0)) + 1,))
    for stratum, offset in enumerate(offsets):
        members = shuffled[strata[shuffled] == stratum]
        position[members] = (np.arange(len(members)) + offset) / max(len(members), 1)
    return shuffled[np.argsort(position[shuffled], kind="stable")]


def stratified_split(labels: np.ndarray, sizes: Sequence[int], seed: int) -> tuple[np.ndarray, ...]:
    """Disjoint index sets of the given sizes, each holding every class in proportion.

    The sets are consecutive pieces of :func:`stratified_order`, so a smaller last set is a part of a larger one: put
    the training set last, and less training data means a nested subset with the same validation and test sets.

    Args:
      labels: ``[n]`` or ``[n, classes]``.
      sizes: of the sets, in order; at most n in all.
      seed: which split.

    Returns:
      One index array for each size.

    Raises:
      ValueError: the sizes are negative or sum to more than n.

    >>> test, train = stratified_split(np.arange(10) % 2, (4, 6), seed=0)
    >>> (np.arange(10) % 2)[test].sum(), sorted([*test.tolist(), *train.tolist()]) == list(range(10))
    (np.int64(2), True)
    """
    if min(sizes) < 0 or sum(sizes) > len(labels):
        raise invalid("split sizes", tuple(sizes), f"non-negative whole numbers that sum to at most {len(labels)}")
    order = stratified_order(labels, seed)
    ends = np.cumsum(sizes)
    return tuple(order[end - size : end] for end, size in zip(ends, sizes, strict=True))
