"""Restriction of a representation to a subgroup, and its separation into smaller fields."""

import dataclasses
import functools

import numpy as np

from geomdl.groups import (
    AnySubgroup,
    Element,
    PlanarGroup,
    PointGroup,
    SpatialGroup,
    SpatialSubgroup,
    Subgroup,
    named_subgroups,
    require_point_group,
)
from geomdl.groups import subgroup as subgroup_of
from geomdl.representations.decomposition import decompose
from geomdl.representations.induced import quotient
from geomdl.representations.irreps import irrep
from geomdl.representations.regular import regular
from geomdl.representations.representation import (
    Label,
    Representation,
    block_diagonal,
    frozen_basis,
    irrep_matrix,
    trivial,
)


def restrict(
    rho: Representation, subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str, axis: float = 0
) -> Representation:
    """Res_H ρ: the same matrices ρ(ι(h)), as a representation of the subgroup H, decomposed into its irreps.

    Args:
      rho: a representation of G.
      subgroup: H.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`.

    Raises:
      ValueError: when H is no subgroup of G.

    >>> from geomdl.groups import D4
    >>> restrict(irrep(D4, 1, 1), "C4"), restrict(regular(D4), "C4").labels
    (irrep(1), ((0, 0), (0, 0), (0, 1), (0, 1), (0, 2), (0, 2)))
    """
    group = require_point_group(rho.group, "restrict")
    embedding = subgroup_of(group, subgroup, axis)
    if _is_whole(embedding):
        return rho  # the whole group has one embedding, which changes nothing
    parts = [_restricted_irrep(embedding, label) for label in rho.labels]
    basis = rho.change_of_basis @ block_diagonal([p.change_of_basis for p in parts])
    labels = tuple(label for p in parts for label in p.labels)
    order = _sorted_columns(embedding.subgroup, labels)
    name = f"restrict({rho.group},{rho.name}" + (f",axis={embedding.axis})" if embedding.axis else ")")
    restricted = Representation(
        embedding.subgroup, name, tuple(sorted(labels, key=_by_frequency)), frozen_basis(basis[:, order])
    )
    return _named(restricted)


def disentangle(rho: Representation) -> tuple[list[Representation], np.ndarray]:
    """Sorts the channels into the smallest sets that ρ does not mix:

      ρ(g)[order][:, order] = ρ_1(g) ⊕ … ⊕ ρ_n(g).

    Parts that permute their channels are orbits, and come out as quotient (regular, trivial) representations, their
    channels in the order of the cosets; so a regular field restricted to a subgroup becomes several regular fields.

    Args:
      rho: ρ.

    Returns:
      The parts ρ_i, and the order ``[size]``: channel c of the sorted field is channel order[c] of the given one.

    >>> from geomdl.groups import D8
    >>> disentangle(restrict(regular(D8), "C8"))[0]
    [regular, regular]
    """
    generators = rho(require_point_group(rho.group, "disentangle").generators())
    coupled = np.any(np.abs(generators) > 1e-9, 0)
    parts, order, seen = [], [], set()
    for channel in range(rho.size):
        if channel not in seen:
            channels = _reachable(channel, coupled)
            seen |= set(channels)
            part, channels = _part(rho, channels)
            parts.append(part)
            order += channels
    return parts, np.array(order)


def _part(rho: Representation, channels: list[int]) -> tuple[Representation, list[int]]:
    group = require_point_group(rho.group, "disentangle")
    if len(channels) == 1 and np.allclose(rho(group.generators())[:, channels, channels], 1):
        return trivial(group), channels
    part = decompose(group, rho(group.generators())[:, channels][:, :, channels], f"part of {rho.name}")
    if not (part.is_permutation and group.is_finite):
        return (rho if part.size == rho.size else _named(part)), channels
    images = part.permutation()[:, 0]
    embedding = _generated(group, group.elements()[images == 0])
    if embedding is None:  # a subgroup without a name
        return part, channels
    cosets = images[group.index(embedding.representatives())]
    part = regular(group) if embedding.subgroup.order == 1 else quotient(group, embedding)
    return part, [channels[c] for c in cosets]


def _generated(group: PlanarGroup | SpatialGroup, elements: Element) -> AnySubgroup | None:
    """The subgroup with given elements, if it has a name."""
    if isinstance(group, SpatialGroup):
        same = (h for h in named_subgroups(group) if h.order == len(elements))
        found = (h for h in same if np.all(h.contains_matrix(group.matrix(elements))))
        smaller = next(found, None)
        return None if smaller is None else SpatialSubgroup(group, smaller)
    reflected = elements[elements[:, 0] == 1, 1]
    order = int((elements[:, 0] == 0).sum())
    return Subgroup(group, PlanarGroup(order, len(reflected) > 0), min(reflected.tolist(), default=0))


def _is_whole(embedding: AnySubgroup) -> bool:
    group, smaller = embedding.group, embedding.subgroup
    if isinstance(group, SpatialGroup) or isinstance(smaller, SpatialGroup):
        return group == smaller
    return smaller.order == group.order and smaller.reflections == group.reflections


def _reachable(start: int, coupled: np.ndarray) -> list[int]:
    found, frontier = {start}, [start]
    while frontier:
        channel = frontier.pop()
        new = set(np.flatnonzero(coupled[channel] | coupled[:, channel]).tolist()) - found
        found |= new
        frontier += new
    return sorted(found)


def _named(rho: Representation) -> Representation:
    """The representation with the simplest name that is true of it."""
    if rho.basis or not rho.is_irreducible:
        return rho
    (label,) = rho.labels
    name = "trivial" if rho.is_trivial else irrep(rho.group, *label).name
    return dataclasses.replace(rho, name=name)


@functools.lru_cache(maxsize=4096)
def _restricted_irrep(embedding: AnySubgroup, label: Label) -> Representation:
    generators = embedding.embed(embedding.subgroup.generators())
    return decompose(embedding.subgroup, irrep_matrix(embedding.group, label, generators))


def _by_frequency(label: Label) -> Label:
    return label[1], label[0]


def _sorted_columns(group: PointGroup, labels: tuple[Label, ...]) -> np.ndarray:
    """The columns of the irreps, once the irreps are sorted by frequency."""
    sizes = [Representation(group, "", (label,)).size for label in labels]
    starts = np.cumsum([0, *sizes])
    ranked = sorted(range(len(labels)), key=lambda i: _by_frequency(labels[i]))
    return np.concatenate([np.arange(starts[i], starts[i + 1]) for i in ranked])
