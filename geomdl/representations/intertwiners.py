"""Equivariant linear maps between representations."""

import functools

import numpy as np

from geomdl.groups import PointGroup
from geomdl.representations.decomposition import commutator, null_space
from geomdl.representations.representation import Label, Representation, irrep_matrix, irrep_size


def intertwiners(a: Representation, b: Representation) -> np.ndarray:
    """An orthonormal basis of the linear maps T with T a(g) = b(g) T.

    Their number is Σ_ψ m_ψ(a) m_ψ(b) dim End(ψ), which for complex characters is the mean of χ_a χ_b over the group.

    Args:
      a: the representation on the domain.
      b: the representation on the codomain.

    Returns:
      ``[dimension, b.size, a.size]``, float64, orthonormal for ⟨S, T⟩ = trace(SᵀT).

    Raises:
      ValueError: for representations of different groups.

    >>> from geomdl.groups import C4
    >>> from geomdl.representations import regular, trivial
    >>> intertwiners(regular(C4), trivial(C4))  # the mean over the group
    array([[[0.5, 0.5, 0.5, 0.5]]])
    >>> len(intertwiners(regular(C4), regular(C4)))
    4
    """
    if a.group != b.group:
        raise ValueError(f"intertwiners need representations of one group, got {a} of {a.group} and {b} of {b.group}")
    maps = []
    for label, rows in _starts(b):
        for other, columns in _starts(a):
            if label == other:
                size = irrep_size(a.group, label)
                left = b.change_of_basis[:, rows : rows + size]
                right = a.change_of_basis[:, columns : columns + size]
                maps += [left @ e @ right.T for e in irrep_endomorphisms(a.group, label)]
    return np.array(maps).reshape(-1, b.size, a.size)


def endomorphisms(rho: Representation) -> np.ndarray:
    """An orthonormal basis ``[dimension, size, size]`` of the matrices that commute with every ρ(g).

    Args:
      rho: ρ.

    >>> from geomdl.groups import C4, D4
    >>> from geomdl.representations import irrep
    >>> len(endomorphisms(irrep(C4, 1))), len(endomorphisms(irrep(D4, 1, 1)))  # complex type, real type
    (2, 1)
    """
    return intertwiners(rho, rho)


@functools.lru_cache(maxsize=4096)
def irrep_endomorphisms(group: PointGroup, label: Label) -> np.ndarray:
    """The endomorphisms of an irrep, by a null space: a multiple of the identity, and for complex type one more."""
    psi = irrep_matrix(group, label, group.generators())
    size = irrep_size(group, label)
    one = np.eye(size).ravel() / np.sqrt(size)
    found = null_space(np.concatenate([commutator(psi, psi), one[None]]))  # orthogonal to the identity
    basis = np.concatenate([one[None], found.T]).reshape(-1, size, size)
    basis.setflags(write=False)
    return basis


def _starts(rho: Representation) -> list[tuple[Label, int]]:
    sizes = [irrep_size(rho.group, label) for label in rho.labels]
    return list(zip(rho.labels, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
