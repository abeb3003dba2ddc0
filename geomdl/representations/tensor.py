"""Tensor products and their Clebsch–Gordan decomposition."""

import functools

import numpy as np

from geomdl.groups import PointGroup
from geomdl.representations.decomposition import decompose
from geomdl.representations.representation import (
    Label,
    Representation,
    frozen_basis,
    irrep_matrix,
    irrep_size,
)


def tensor_product(a: Representation, b: Representation) -> Representation:
    """a ⊗ b: ρ(g) = a(g) ⊗ b(g), on channels (i, j) flattened with j fastest; decomposed into irreps.

    Args:
      a: a representation.
      b: another of the same group.

    Raises:
      ValueError: for representations of different groups.

    >>> from geomdl.groups import O2
    >>> from geomdl.representations import irrep
    >>> tensor_product(irrep(O2, 1, 1), irrep(O2, 1, 2)).labels  # frequencies add and subtract
    ((1, 1), (1, 3))
    """
    if a.group != b.group:
        raise ValueError(f"a tensor product needs representations of one group, got {a.group} and {b.group}")
    labels, columns = [], []
    left = np.cumsum([0] + [irrep_size(a.group, label) for label in a.labels])
    right = np.cumsum([0] + [irrep_size(b.group, label) for label in b.labels])
    for x, first in enumerate(a.labels):
        for y, second in enumerate(b.labels):
            product = _irrep_product(a.group, first, second)
            pair = np.kron(a.change_of_basis[:, left[x] : left[x + 1]], b.change_of_basis[:, right[y] : right[y + 1]])
            labels += product.labels
            columns.append(pair @ product.change_of_basis)
    basis = frozen_basis(np.concatenate(columns, 1))
    return Representation(a.group, f"tensor({a.name},{b.name})", tuple(labels), basis)


def clebsch_gordan(a: Representation, b: Representation) -> np.ndarray:
    """The Clebsch–Gordan coefficients C of a ⊗ b, in float64:

      Cᵀ (a(g) ⊗ b(g)) C = ⊕ ψ(g), over the irreps ψ in ``tensor_product(a, b).labels``.

    Args:
      a: a representation.
      b: another of the same group.

    Returns:
      ``[a.size, b.size, a.size · b.size]``; orthogonal when the first two axes are flattened.

    Raises:
      ValueError: for representations of different groups.

    >>> from geomdl.groups import SO2
    >>> from geomdl.representations import irrep
    >>> c = clebsch_gordan(irrep(SO2, 1), irrep(SO2, 1))
    >>> np.round(c[..., 0] * np.sqrt(2), 6) + 0  # the invariant: the inner product
    array([[1., 0.],
           [0., 1.]])
    """
    return tensor_product(a, b).change_of_basis.reshape(a.size, b.size, -1)


@functools.lru_cache(maxsize=4096)
def _irrep_product(group: PointGroup, a: Label, b: Label) -> Representation:
    generators = group.generators()
    x, y = irrep_matrix(group, a, generators), irrep_matrix(group, b, generators)
    return decompose(group, np.stack([np.kron(p, q) for p, q in zip(x, y, strict=True)]))
