"""Outer products: representations of a direct product made of representations of its factors."""

from typing import Literal

import numpy as np

from geomdl.groups import DirectProduct, point_factors, require_point_group
from geomdl.representations.decomposition import decompose
from geomdl.representations.irrep_families.product import ProductIrreps
from geomdl.representations.representation import Label, Representation, frozen_basis, irrep_size


def outer_product(a: Representation, b: Representation) -> Representation:
    """The representation a ⊠ b of G × H: ρ(g, h) = a(g) ⊗ b(h), on channels (i, j) flattened with j fastest.

    Its irreps are the outer products of those of a and b. Two of complex type (rotations of the plane) make a reducible
    one, which splits into two halves,

      R(α) ⊗ R(β) = Q [R(α + β) ⊕ R(α − β)] Qᵀ.

    Args:
      a: a representation of a group G of the plane or of space.
      b: a representation of such a group H.

    Raises:
      ValueError: when a or b is itself of a direct product.

    References:
      Serre, Linear representations of finite groups, §3.2.

    >>> from geomdl.groups import C4, D1
    >>> from geomdl.representations import irrep, regular
    >>> rho = outer_product(regular(C4), irrep(D1, 1, 0))
    >>> rho, rho.group, rho.size
    (outer(regular,irrep(1,0)), C4 x D1, 4)
    >>> outer_product(irrep(C4, 1), irrep(C4, 1)).labels  # not irreducible
    ((0, 1, 0, 1, 1), (0, 1, 0, 1, -1))
    """
    group = DirectProduct(*(require_point_group(rho.group, "outer_product") for rho in (a, b)))
    labels: list[Label] = []
    columns: list[np.ndarray] = []
    for first, left in _irreducible_parts(a):
        for second, right in _irreducible_parts(b):
            found = ProductIrreps(group).pair(first, second)
            labels += found
            halves = [_HALVES[label[4]] if label[4] else np.eye(left.shape[1] * right.shape[1]) for label in found]
            columns += [np.kron(left, right) @ half for half in halves]
    basis = frozen_basis(np.concatenate(columns, 1))
    return Representation(group, f"outer({a.name},{b.name})", tuple(labels), basis)


def restrict_to_factor(rho: Representation, factor: Literal[1, 2]) -> Representation:
    """The same channels under one factor of a direct product alone: g ↦ ρ(g, e) or h ↦ ρ(e, h), decomposed.

    Args:
      rho: ρ, of a direct product.
      factor: 1 or 2.

    Raises:
      ValueError: when ρ is not of a direct product.

    >>> from geomdl.groups import C4, D1
    >>> from geomdl.representations import irrep, regular
    >>> restrict_to_factor(outer_product(regular(C4), irrep(D1, 1, 0)), 2).labels
    ((1, 0), (1, 0), (1, 0), (1, 0))
    """
    if not isinstance(rho.group, DirectProduct):
        raise ValueError(f"{rho} is of {rho.group}; only representations of a direct product restrict to its factors")
    first, second = point_factors(rho.group)
    count = len(first.generators())
    matrices = rho(rho.group.generators())
    group, kept = (first, matrices[:count]) if factor == 1 else (second, matrices[count:])
    return decompose(group, kept, f"restrict({rho.name})")


_HALVES = {sign: np.array([[1, 0], [0, sign], [0, 1], [-sign, 0]]) / np.sqrt(2) for sign in (1, -1)}
"""Q_±: (R(α) ⊗ R(β)) Q_± = Q_± R(α ± β); rows (i, j) with j fastest."""


def _irreducible_parts(rho: Representation) -> list[tuple[Label, np.ndarray]]:
    """Each irrep of ρ with its columns of the change of basis."""
    sizes = [irrep_size(rho.group, label) for label in rho.labels]
    stops = np.cumsum(sizes)
    return [
        (label, rho.change_of_basis[:, stop - size : stop])
        for label, size, stop in zip(rho.labels, sizes, stops, strict=True)
    ]
