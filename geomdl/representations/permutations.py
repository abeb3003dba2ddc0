"""Representations that permute channels, given by a permutation for each generator."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, SpatialGroup
from geomdl.representations.decomposition import decompose
from geomdl.representations.representation import Representation


def permutation(
    group: PlanarGroup | SpatialGroup, permutations: Sequence[Any], name: str | None = None
) -> Representation:
    """The representation of a finite group that permutes entries: (ρ(g)y)_i = y_{p(i)}, that is ``y[p]``.

    Args:
      group: C_N or D_N, or a finite group of space.
      permutations: p for each of ``group.generators()``: the rotation by 360°/N, then the reflection where the group
        has it; of a group of space see `SpatialGroup.generators`. Of a group with one generator also p alone.
      name: of the result; the permutations themselves by default.

    Raises:
      ValueError: for a group that is not finite, another number of lists, lists that are no permutations of the same
        entries, or permutations that are no representation of the group (as when four of them do not give the identity
        for C4).

    >>> from geomdl.groups import C4
    >>> rho = permutation(C4, [1, 2, 3, 0])
    >>> (rho(np.array([0, 1])) @ np.array([10.0, 11.0, 12.0, 13.0])).round(6)
    array([11., 12., 13., 10.])
    >>> permutation(C4, [1, 2, 0])
    Traceback (most recent call last):
    ...
    ValueError: invalid permutations [[1, 2, 0]]; allowed: some that represent C4: ...
    """
    if not isinstance(group, PlanarGroup | SpatialGroup) or not group.is_finite:
        raise invalid(
            "group of permutations", str(group), "a finite group of the plane or of space, as C4 or O", "'C4'"
        )
    if not np.iterable(permutations) or isinstance(permutations, str):
        raise invalid("permutations", permutations, "a list of whole numbers for each generator", [[1, 0]])
    lists: list[Any] = [p.tolist() if hasattr(p, "tolist") else p for p in permutations]
    if lists and all(isinstance(n, int | np.integer) for n in lists):
        lists = [lists]
    lists = [[int(n) if isinstance(n, int | np.integer) else n for n in p] for p in lists]
    words = ["the rotation by 360°/N", "the reflection"][: len(group.generators())]
    if isinstance(group, SpatialGroup):
        words = [group.describe(g) for g in group.generators()]
    if len(lists) != len(words):
        raise invalid("permutations", lists, f"{len(words)} for {group}, of {' and '.join(words)}")
    size = len(lists[0])
    for p in lists:
        if sorted(p, key=str) != sorted(range(size), key=str):
            allowed = f"the numbers 0 to {max(size - 1, 0)} in some order" if size else "at least one number"
            raise invalid("permutation", p, allowed)
    shown = "; ".join(" ".join(map(str, p)) for p in lists)
    try:
        return decompose(group, np.eye(size)[np.array(lists)], name or f"permutation {shown}")
    except ValueError as error:
        relations = "p applied N times is the identity" + ", and reflecting turns it round" * (
            isinstance(group, PlanarGroup) and group.reflections
        )
        raise invalid("permutations", lists, f"some that represent {group}: {relations}") from error
