"""Delta-orthogonal initialisation: a convolution that starts as an orthogonal equivariant map of the channels."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from geomdl.errors import invalid
from geomdl.groups import per_axis, require_point_group
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.kernels.templates import starts
from geomdl.representations import FieldType
from geomdl.representations.representation import Label, irrep_size, irrep_type


def delta_orthogonal(
    key: jax.Array, in_type: FieldType, out_type: FieldType, spaces: Sequence[Sequence[KernelSpace]], gain: float = 1.0
) -> list[jax.Array]:
    """Weights whose dense kernel is K(0) = gain · H at the window's centre and zero elsewhere, H orthogonal.

    H is a random equivariant matrix whose rows (or columns, whichever are fewer) are orthonormal for each irrep, so a
    deep linear network of such layers keeps its signal's norm. Irreps that only one of the types has are not mapped.

    Args:
      key: a JAX random key. The work is done in NumPy; where the key is traced, by a callback.
      in_type: what comes in.
      out_type: what goes out.
      spaces: ``spaces[i][o]`` maps block i of ``in_type`` to block o of ``out_type``.
      gain: √2 for a network with ReLU.

    Returns:
      One array ``[dimension, fields_in, fields_out]`` for each space, row by row.

    Raises:
      ValueError: for even windows, which have no pixel at their centre, or rings without one at radius 0.

    References:
      Xiao et al., Dynamical isometry and a mean field theory of CNNs, ICML 2018, algorithm 1. Weiler & Cesa, General
      E(2)-equivariant steerable CNNs, NeurIPS 2019, for its equivariant form.

    >>> from geomdl.groups import C4
    >>> from geomdl.kernels import kernel_space
    >>> t = FieldType(C4, "2 regular")
    >>> space = kernel_space(t.blocks[0].representation, t.blocks[0].representation, 3)
    >>> (w,) = delta_orthogonal(jax.random.key(0), t, t, [[space]])
    >>> centre = space.expand(w)[1, 1]
    >>> bool(jnp.allclose(centre @ centre.T, jnp.eye(8), atol=1e-5))
    True
    """

    def draw(seed: np.ndarray) -> list[np.ndarray]:
        matrix = gain * _orthogonal_map(np.asarray(seed), in_type, out_type)
        pairs = zip(in_type.blocks, spaces, strict=True)
        return [
            centre_weights(space, matrix[i.channels, o.channels]).astype(np.float32)
            for i, row in pairs
            for o, space in zip(out_type.blocks, row, strict=True)
        ]

    if not isinstance(key, Tracer):
        return [jnp.asarray(weights) for weights in draw(np.asarray(jax.random.key_data(key)))]
    shapes = [
        jax.ShapeDtypeStruct((space.dimension, i.multiplicity, o.multiplicity), jnp.float32)
        for i, row in zip(in_type.blocks, spaces, strict=True)
        for o, space in zip(out_type.blocks, row, strict=True)
    ]
    return jax.pure_callback(draw, shapes, jax.random.key_data(key))


def orthogonal_map(key: jax.Array, in_type: FieldType, out_type: FieldType) -> np.ndarray:
    """A random equivariant matrix H ``[in_channels, out_channels]`` (acting from the right), orthogonal on each irrep.

    By Schur's lemma H mixes the copies of one irrep, by real numbers; or by complex ones (as 2 × 2 rotation-scalings)
    where the irrep is one of rotations of the plane without reflections.

    Args:
      key: for the random numbers.
      in_type: the type whose channels are the rows of H.
      out_type: the type whose channels are the columns of H.
    """
    return _orthogonal_map(np.asarray(jax.random.key_data(key)), in_type, out_type)


def _orthogonal_map(seed: np.ndarray, in_type: FieldType, out_type: FieldType) -> np.ndarray:
    group = require_point_group(in_type.group, "orthogonal_map")
    rng = np.random.default_rng(seed)
    copies_in, copies_out = _copies(in_type), _copies(out_type)
    matrix = np.zeros((in_type.size, out_type.size))
    for label in sorted(copies_in.keys() & copies_out.keys()):
        into, out = copies_in[label], copies_out[label]
        mixing = rng.normal(size=(2, len(into), len(out)))
        size = irrep_size(group, label)
        if irrep_type(group, label) == 2:  # of dimension 2
            mixing = _semi_orthogonal(mixing[0] + 1j * mixing[1])
            block = np.kron(np.real(mixing), np.eye(2)) + np.kron(np.imag(mixing), np.array([[0.0, 1.0], [-1.0, 0.0]]))
        else:
            block = np.kron(_semi_orthogonal(mixing[0]), np.eye(size))
        matrix += np.concatenate(into).T @ block @ np.concatenate(out)
    return matrix


def _semi_orthogonal(matrix: np.ndarray) -> np.ndarray:
    """The nearest matrix with orthonormal rows or columns."""
    u, _, vh = np.linalg.svd(matrix, full_matrices=False)
    return u @ vh


def _copies(field_type: FieldType) -> dict[Label, list[np.ndarray]]:
    """For each irrep, an orthonormal basis ``[irrep size, channels]`` of every copy of it."""
    found: dict[Label, list[np.ndarray]] = {}
    for block in field_type.blocks:
        rho, first = block.representation, starts(block.representation)
        for field in range(block.multiplicity):
            begin = block.start + field * rho.size
            for label, start, stop in zip(rho.labels, first[:-1], first[1:], strict=True):
                copy = np.zeros((stop - start, field_type.size))
                copy[:, begin : begin + rho.size] = rho.change_of_basis[:, start:stop].T
                found.setdefault(label, []).append(copy)
    return found


def centre_weights(space: KernelSpace, matrix: np.ndarray) -> np.ndarray:
    """The weights for which the dense kernel is an equivariant matrix at the window's centre, and zero elsewhere.

    Args:
      space: of an odd window.
      matrix: ``[fields_in · size_in, fields_out · size_out]``, equivariant.

    Raises:
      ValueError: when the window has no pixel at its centre, or no ring of radius 0.
    """
    if any(n % 2 == 0 for n in space.shape):
        nearest = per_axis([n + 1 - n % 2 for n in space.shape])
        raise invalid("kernel_size for a kernel at the centre alone", space.size, "an odd number", str(nearest))
    size_in, size_out = space.in_representation.size, space.out_representation.size
    matrix = matrix.reshape(matrix.shape[0] // size_in, size_in, matrix.shape[1] // size_out, size_out)
    if isinstance(space, SteerableKernelSpace):
        return space.centre_weights(matrix)
    orbit = space.orbits[tuple(n // 2 for n in space.shape)]
    number, place = np.unique(orbit, return_index=True)  # by the matrix's equivariance any place of the orbit serves
    weights = np.zeros((space.dimension, matrix.shape[0], matrix.shape[2]))
    weights[number] = matrix.transpose(1, 3, 0, 2).reshape(-1, *weights.shape[1:])[place]
    return weights
