"""Induced and quotient representations."""

import dataclasses
import functools

import numpy as np

from geomdl.groups import AnySubgroup, PlanarGroup, SpatialGroup
from geomdl.groups import subgroup as subgroup_of
from geomdl.representations.decomposition import decompose
from geomdl.representations.regular import regular
from geomdl.representations.representation import Representation, trivial


def induced(
    group: PlanarGroup | SpatialGroup | str,
    subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str,
    rho: Representation,
    axis: float = 0,
) -> Representation:
    """Ind_H^G ρ: one copy of ρ for each coset t_i H, in the order of ``Subgroup.representatives``.

      (Ind ρ)(g) sends copy i to copy j by ρ(h_i), where g t_i = t_j h_i.

    Args:
      group: G.
      subgroup: H, of finite index in G.
      rho: a representation of H as a group of its own.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`.

    Raises:
      ValueError: when H is no subgroup, has infinitely many cosets, or ρ is of another group.

    References:
      Serre, Linear representations of finite groups, §3.3 and §7.

    >>> from geomdl.groups import D4, C4, O2, SO2
    >>> from geomdl.representations import irrep
    >>> rho = induced(D4, C4, irrep(C4, 1))
    >>> rho, rho.size, rho.labels
    (induced(C4,irrep(1)), 4, ((1, 1), (1, 1)))
    >>> induced(O2, SO2, irrep(SO2, 0)).labels
    ((0, 0), (1, 0))
    """
    embedding = subgroup_of(group, subgroup, axis)
    if rho.group != embedding.subgroup:
        raise ValueError(f"{rho} is a representation of {rho.group}, but the subgroup is {embedding.subgroup}")
    name = f"induced({embedding.subgroup},{rho.name}" + (f",axis={embedding.axis})" if embedding.axis else ")")
    found = _quotient(embedding) if rho == trivial(rho.group) else _induced(embedding, rho)
    return dataclasses.replace(found, name=name)


def quotient(
    group: PlanarGroup | SpatialGroup | str,
    subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str,
    axis: float = 0,
) -> Representation:
    """The quotient representation ρ(g) e_{tH} = e_{gtH}: a permutation of the cosets of H, which are the channels.

    Quotient by the trivial group is regular, by the whole group trivial.

    Args:
      group: G.
      subgroup: H, of finite index in G.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`.

    Raises:
      ValueError: when H is no subgroup or has infinitely many cosets.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, §2.6.

    >>> rho = quotient("D4", "D1", axis=1)
    >>> rho, rho.size, rho.is_permutation
    (quotient(D1,axis=1), 4, True)
    """
    embedding = subgroup_of(group, subgroup, axis)
    return dataclasses.replace(_quotient(embedding), name=f"quotient({embedding.arguments})")


@functools.lru_cache(maxsize=1024)
def _quotient(embedding: AnySubgroup) -> Representation:
    if embedding.subgroup.order == 1 and embedding.group.is_finite:
        return regular(embedding.group)  # the same matrices; this way the same change of basis too
    return _induced(embedding, trivial(embedding.subgroup))


@functools.lru_cache(maxsize=1024)
def _induced(embedding: AnySubgroup, rho: Representation) -> Representation:
    generators = embedding.group.generators()
    cosets, inner = embedding.act_on_cosets(generators)
    blocks = rho(inner)  # [generators, index, size, size]
    count, index = cosets.shape
    matrices = np.zeros((count, index, rho.size, index, rho.size))
    for n in range(count):
        matrices[n, cosets[n], :, np.arange(index), :] = blocks[n]
    return decompose(embedding.group, matrices.reshape(count, index * rho.size, index * rho.size))
