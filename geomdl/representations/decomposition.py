"""Decomposes any orthogonal representation into irreps, numerically."""

from collections.abc import Callable

import numpy as np

from geomdl.errors import invalid
from geomdl.groups import Element, PointGroup
from geomdl.representations.irrep_families import irrep_family
from geomdl.representations.irreps import irrep
from geomdl.representations.representation import Representation, frozen_basis, require_orthogonal


def decompose(
    group: PointGroup, matrices: Callable[[Element], np.ndarray] | np.ndarray, name: str = "decomposed"
) -> Representation:
    """The representation with given matrices: finds Q and irreps with M(g) = Q [ψ_1(g) ⊕ …] Qᵀ.

    On the plane the symmetric part (M(r) + M(r)ᵀ)/2 of the first generator, a rotation, commutes with the whole group;
    its eigenspaces separate the frequencies (of a direct product, those of the rotations of both factors). In space the
    Casimir operator and projections by characters separate the irreps. Within each part, the equivariant maps T from an
    irrep, M(g) T = T ψ(g), are a null space in float64, from which orthogonal copies are taken one by one.

    Args:
      group: the group.
      matrices: a function of batches of elements ``[..., element_size]`` that returns ``[..., n, n]``, or the matrices
        of ``group.generators()`` ``[generators, n, n]`` (those of continuous groups are rotations by 1 rad).
      name: the name of the result.

    Returns:
      The representation; its irreps are sorted by frequency.

    Raises:
      ValueError: when the matrices are not square, not orthogonal, or not a representation of the group; for a
        function, also when it is not a homomorphism. For a continuous group, frequencies above 100 are not found.

    References:
      Serre, Linear representations of finite groups, §2.6–2.7.

    >>> from geomdl.groups import C4
    >>> decompose(C4, np.array([[[0.0, 1.0], [1.0, 0.0]]])).labels  # a quarter turn swaps two channels
    ((0, 0), (0, 2))
    """
    generators = np.asarray(matrices(group.generators()) if callable(matrices) else matrices, float)
    expected = len(group.generators())
    if generators.ndim != 3 or len(generators) != expected or generators.shape[1] != generators.shape[2]:
        raise invalid(f"shape of the matrices of {group}", generators.shape, f"[{expected} generators, n, n]")
    require_orthogonal(generators, f"a matrix of {name} of {group}")
    labels, columns = [], []
    for possible, subspace in irrep_family(group).separate(generators):
        local = subspace.T @ generators @ subspace
        for psi in (irrep(group, *label) for label in possible):
            copies = _copies(subspace, null_space(commutator(local, psi(group.generators()))), psi.size)
            labels += list(psi.labels) * len(copies)
            columns += copies
    found = sum(c.shape[1] for c in columns)
    rho = None
    if found == generators.shape[1]:
        basis = frozen_basis(np.concatenate(columns, 1)) if columns else ()
        rho = Representation(group, name, tuple(labels), basis)
        if not np.allclose(rho(group.generators()), generators, rtol=0, atol=1e-8):
            rho = None
    if rho is None:
        raise ValueError(
            f"the matrices are not a representation of {group}: they break the relations of its generators"
        )
    if callable(matrices):
        _check_homomorphism(rho, matrices)
    return rho


def commutator(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The linear map T ↦ (a_i T − T b_i)_i on T ``[m, n]`` (flattened), for stacks ``[i, m, m]`` and ``[i, n, n]``."""
    m, n = a.shape[-1], b.shape[-1]
    return np.concatenate([np.kron(x, np.eye(n)) - np.kron(np.eye(m), y.T) for x, y in zip(a, b, strict=True)])


def null_space(matrix: np.ndarray, tolerance: float = 1e-8) -> np.ndarray:
    """An orthonormal basis ``[columns, dimension]`` of the vectors that a matrix ``[rows, columns]`` maps to 0."""
    if len(matrix) < matrix.shape[1]:
        matrix = np.concatenate([matrix, np.zeros((matrix.shape[1] - len(matrix), matrix.shape[1]))])
    _, singular, right = np.linalg.svd(matrix, full_matrices=False)
    return right[singular < tolerance].T


def orthogonal_copies(space: np.ndarray, endomorphisms: np.ndarray) -> list[np.ndarray]:
    """Vectors v_1, v_2, … of a space with ⟨E v_i, v_j⟩ = 0 for i ≠ j and every endomorphism E, unit norm.

    Each is the projection of a coordinate axis, the nearest one: so sparse, and the same for any basis of the space.

    Args:
      space: an orthonormal basis ``[n, dimension]`` of a space that the endomorphisms map to itself.
      endomorphisms: ``[count, n, n]``, a basis of the endomorphisms of an irrep (a division algebra).
    """
    space, copies = space.copy(), []
    for _ in range(space.shape[1]):
        norms = np.linalg.norm(space, axis=1)
        if norms.max(initial=0) < 1e-6:
            break
        copies.append(_axis_projection(space, norms))
        images = np.linalg.qr((endomorphisms @ copies[-1]).T)[0]
        space -= images @ (images.T @ space)
    return copies


def _copies(subspace: np.ndarray, maps: np.ndarray, size: int) -> list[np.ndarray]:
    """Equivariant maps ``[n, size]`` with orthonormal columns; their images are orthogonal and fill the space."""
    m, count = subspace.shape[1], maps.shape[1]
    ambient = np.einsum("nm,mdq->ndq", subspace, maps.reshape(m, size, count))
    copies = []
    for _ in range(count):
        flat = ambient.reshape(-1, count)
        norms = np.linalg.norm(flat, axis=1)
        if norms.max() < 1e-6:
            break
        copy = _axis_projection(flat, norms).reshape(-1, size) * np.sqrt(size)  # TᵀT is a multiple of 1, by Schur
        ambient = ambient - np.einsum("nd,dq->nq", copy, copy.T @ ambient.reshape(len(copy), -1)).reshape(ambient.shape)
        copies.append(copy)
    return copies


def _axis_projection(space: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """The unit projection on a space ``[n, dimension]`` of the coordinate axis that lies nearest, the first one."""
    axis = int(np.argmax(norms >= norms.max() - 1e-9))
    return space @ space[axis] / norms[axis]


def _check_homomorphism(rho: Representation, matrices: Callable[[Element], np.ndarray]) -> None:
    group = rho.group
    elements = group.elements() if group.is_finite else group.sample(np.random.default_rng(0), 16)
    error = np.abs(rho(elements) - matrices(elements)).max(initial=0)
    if not error < 1e-8:
        raise ValueError(
            f"the function is not a representation of {group}: it is not a homomorphism (M(g) differs by {error:.1g}"
            " from the product of its generators' matrices)"
        )
