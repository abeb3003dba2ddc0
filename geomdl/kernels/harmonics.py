"""Equivariant kernels on a circle or sphere: one null-space solver for every compact group and pair of irreps."""

import functools

import numpy as np

from geomdl.groups import DirectProduct, PlanarGroup, PointGroup, SpatialGroup, moving_factor
from geomdl.representations.representation import Label, irrep_matrix
from geomdl.representations.spherical_harmonics import wigner

_TOLERANCE = 1e-6


@functools.lru_cache(maxsize=1 << 16)
def solutions(group: PointGroup, label_in: Label, label_out: Label, frequency: int) -> np.ndarray:
    r"""An orthonormal basis of the equivariant kernels of one angular frequency μ between two irreps.

    The unknown is K(φ) = A cos μφ + B sin μφ with matrices A, B, and the constraint

      K(gφ) = ψ_out(g) K(φ) ψ_in(g)⁻¹,   gφ = (−1)^f φ + θ for g = R(θ) F^f,

    is imposed for the group's generators (for a continuous group a rotation by 1 rad generates a dense subgroup). It is
    linear in (A, B); its solutions are the null space of one small matrix, found in float64. Nothing depends on which
    group it is. The basis is a function of the solution space alone (not of the linear algebra library): columns of
    the orthogonal projector, taken in order and orthonormalised; so stored weights mean the same kernel everywhere.

    For a group of space the unknown is K(u) = Σ_m A_m Y_{lm}(u) on the sphere, and Y_l(gu) = D^l(g) Y_l(u).

    Args:
      group: the group; the second factor of a direct product acts on the channels only.
      label_in: ψ_in by its label.
      label_out: ψ_out.
      frequency: μ ≥ 0; the degree l of spherical harmonics.

    Returns:
      ``[solutions, 2, size_out, size_in]``: A and B of each, Σ A² + B² = 1; B = 0 at frequency 0. For a group of space
      ``[solutions, 2l + 1, size_out, size_in]``: the A_m. Read-only.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, appendix F, has the solutions case by case.

    >>> from geomdl.groups import SO2
    >>> solutions(SO2, (0, 0), (0, 2), 2).shape  # from a scalar to frequency 2: (cos 2φ, sin 2φ) and its quarter turn
    (2, 2, 2, 1)
    >>> solutions(SO2, (0, 0), (0, 2), 1).shape
    (0, 2, 2, 1)
    """
    psi_in, psi_out = _at_generators(group, label_in), _at_generators(group, label_out)
    size_in, size_out = psi_in.shape[-1], psi_out.shape[-1]
    of_space = isinstance(moving_factor(group), SpatialGroup)
    whole, parts = (2 * frequency + 1,) * 2 if of_space else (2, 2 if frequency else 1)
    turned = _turned(group, frequency)[:, :parts, :parts]
    unknowns = parts * size_out * size_in
    moved = np.einsum("gab,cd,ef->gacebdf", turned, np.eye(size_out), np.eye(size_in))
    acted = np.einsum("ab,gcd,gef->gacebdf", np.eye(parts), psi_out, psi_in)
    constraint = (moved - acted).reshape(-1, unknowns)
    if of_space:  # many unknowns: singular values squared, of which the smallest are above 0.01
        squares, columns = np.linalg.eigh(constraint.T @ constraint)
        null = columns[:, squares < _TOLERANCE].T
    else:
        _, singular, rows = np.linalg.svd(constraint, full_matrices=True)
        null = rows[np.sum(singular > _TOLERANCE) :]
    basis = np.zeros((len(null), whole, size_out, size_in))
    basis[:, :parts] = _canonical(null).reshape(-1, parts, size_out, size_in)
    basis.flags.writeable = False
    return basis


@functools.lru_cache(maxsize=4096)
def _at_generators(group: PointGroup, label: Label) -> np.ndarray:
    return irrep_matrix(group, label, group.generators())


@functools.lru_cache(maxsize=4096)
def _turned(group: PointGroup, frequency: int) -> np.ndarray:
    """For each generator, the matrix that takes the coefficients (A, B) of K(φ) to those of K(gφ)."""
    generators = group.generators()
    if isinstance(group, SpatialGroup):
        matrices = group.matrix(generators)
        signs = np.rint(np.linalg.det(matrices))[:, None, None]
        return np.swapaxes(signs**frequency * wigner(frequency, signs * matrices), 1, 2)
    if isinstance(group, DirectProduct):  # whose generators are those of the first factor, then those of the second
        first = _turned(group.first, frequency)
        rest = np.broadcast_to(np.eye(first.shape[-1]), (len(generators) - len(first), *first.shape[1:]))
        return np.concatenate([first, rest])
    if not isinstance(group, PlanarGroup):
        raise ValueError(f"it is not known how {group} moves harmonics; allowed: groups of the plane and of space")
    angle, sign = frequency * group.plane_angle(generators), 1.0 - 2.0 * generators[:, 0]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, sin], -1), np.stack([-sign * sin, sign * cos], -1)], -2)


def _canonical(null: np.ndarray) -> np.ndarray:
    """The orthonormal basis of a row space that depends on the space only: its projector's columns, orthonormalised."""
    projector = null.T @ null
    found: list[np.ndarray] = []
    for column in projector:
        rest = column - sum((b * (b @ column) for b in found), np.zeros_like(column))
        norm = np.linalg.norm(rest)
        if len(found) < len(null) and norm > 1e-3:
            found.append(rest / norm)
    basis = np.array(found).reshape(len(null), null.shape[1])
    return np.where(np.abs(basis) < 1e-12, 0.0, basis)
