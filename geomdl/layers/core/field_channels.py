"""Channels grouped into fields: norms, means along invariant directions, one number per field or per channel."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.groups import AnySubgroup
from geomdl.representations import Block, FieldType, Representation, quotient, regular
from geomdl.representations.representation import irrep_size


def wide(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype in which sums over fields and pixels are computed: at least float32.

    >>> wide(jnp.dtype(jnp.bfloat16))
    dtype('float32')
    """
    return dtype if jnp.finfo(dtype).bits >= 32 else jnp.dtype(jnp.float32)


def block_fields(x: jax.Array, block: Block) -> jax.Array:
    """The fields ``[..., multiplicity, size]`` of one block of ``[..., channels]``.

    >>> block_fields(jnp.arange(6.0)[None], FieldType("C2", "2 trivial + 2 regular").blocks[1])[0]
    Array([[2., 3.], [4., 5.]], dtype=float32)
    """
    return x[..., block.channels].reshape(*x.shape[:-1], block.multiplicity, block.representation.size)


def join_blocks(parts: list[jax.Array]) -> jax.Array:
    """The channels ``[..., channels]`` of fields ``[..., multiplicity, size]``, block after block.

    >>> join_blocks([jnp.ones((3, 2, 1)), jnp.ones((3, 2, 4))]).shape
    (3, 10)
    """
    return jnp.concatenate([p.reshape(*p.shape[:-2], -1) for p in parts], -1)


def per_channel(values: jax.Array, field_type: FieldType) -> jax.Array:
    """One number per field ``[..., fields]``, repeated for each channel of the field: ``[..., channels]``.

    >>> per_channel(jnp.array([1, 2]), FieldType("C2", "1 trivial + 1 regular"))
    Array([1, 2, 2], dtype=int32)
    """
    sizes = [b.representation.size for b in field_type.blocks for _ in range(b.multiplicity)]
    return jnp.take(values, np.repeat(np.arange(len(sizes)), sizes), axis=-1)


def field_means(values: jax.Array, field_type: FieldType) -> jax.Array:
    """The mean over the channels of each field: ``[..., channels]`` to ``[..., fields]``.

    >>> field_means(jnp.array([1.0, 3.0, 4.0]), FieldType("C2", "1 trivial + 1 regular"))
    Array([1. , 3.5], dtype=float32)
    """
    return jnp.concatenate([block_fields(values, b).mean(-1) for b in field_type.blocks], -1)


@functools.lru_cache(maxsize=512)
def invariant_directions(rho: Representation) -> np.ndarray:
    """An orthogonal basis ``[n, size]`` of the vectors u with ρ(g) u = u, each of length √size.

    For a regular field there is one, (1, …, 1), so that its coordinate ⟨u, f⟩ / size is the mean of the channels.

    >>> from geomdl.representations import irrep, regular
    >>> from geomdl.groups import C4
    >>> invariant_directions(regular(C4)).round(6).tolist(), invariant_directions(irrep(C4, 1)).shape
    ([[1.0, 1.0, 1.0, 1.0]], (0, 2))
    """
    if rho.is_permutation and rho.group.is_finite:  # the orbits of the channels
        orbits = rho.permutation().min(0)
        basis = np.stack([orbits == o for o in np.unique(orbits)]).astype(float)
    else:
        starts = np.cumsum([0, *(irrep_size(rho.group, label) for label in rho.labels)])
        columns = [start for start, label in zip(starts, rho.labels, strict=False) if not any(label)]
        basis = rho.change_of_basis[:, columns].T
    return basis * np.sqrt(rho.size) / np.maximum(np.linalg.norm(basis, axis=1, keepdims=True), 1e-30)


def num_invariants(field_type: FieldType) -> int:
    """The number of invariant directions of all fields: how many biases a type admits.

    >>> num_invariants(FieldType("C4", "3 trivial + 2 regular + 5 irrep(1)"))
    5
    """
    return sum(b.multiplicity * len(invariant_directions(b.representation)) for b in field_type.blocks)


def invariants(x: jax.Array, field_type: FieldType) -> jax.Array:
    """The coordinates ⟨u, f⟩ / size along the invariant directions: ``[..., channels]`` to ``[..., invariants]``.

    >>> invariants(jnp.arange(4.0)[None], FieldType("C4", "1 regular"))
    Array([[1.5]], dtype=float32)
    """
    parts = []
    for b in field_type.blocks:
        u = invariant_directions(b.representation)
        part = jnp.einsum("...mc,nc->...mn", block_fields(x, b), jnp.asarray(u / max(u.shape[1], 1), x.dtype),
                          precision="highest")  # fmt: skip
        parts.append(part.reshape(*x.shape[:-1], -1))
    return jnp.concatenate(parts, -1)


def field_of_invariants(field_type: FieldType) -> np.ndarray:
    """The number of the field that each invariant direction belongs to, ``[invariants]``.

    >>> field_of_invariants(FieldType("C4", "2 irrep(1) + 2 regular"))
    array([2, 3])
    """
    counts = [len(invariant_directions(b.representation)) for b in field_type.blocks for _ in range(b.multiplicity)]
    return np.repeat(np.arange(len(counts)), counts)


def from_invariants(values: jax.Array, field_type: FieldType) -> jax.Array:
    """The channels Σ values · u of coordinates along the invariant directions: the adjoint of `invariants`, rescaled.

    >>> from_invariants(jnp.array([2.0]), FieldType("C2", "1 regular + 1 irrep(1)"))
    Array([2., 2., 0.], dtype=float32)
    """
    parts, start = [], 0
    for b in field_type.blocks:
        u = invariant_directions(b.representation)
        stop = start + b.multiplicity * len(u)
        coordinates = values[..., start:stop].reshape(*values.shape[:-1], b.multiplicity, len(u))
        parts.append(jnp.einsum("...mn,nc->...mc", coordinates, jnp.asarray(u, values.dtype), precision="highest"))
        start = stop
    return join_blocks(parts)


@functools.lru_cache(maxsize=512)
def is_regular(rho: Representation) -> bool:
    """Whether the channels are permuted as the elements of the group.

    >>> from geomdl.representations import quotient
    >>> is_regular(quotient("C4", "C1")), is_regular(quotient("C4", "C2"))
    (True, False)
    """
    if not (rho.group.is_finite and rho.is_permutation and rho.size == rho.group.order):
        return False
    return np.array_equal(rho.permutation(), regular(rho.group).permutation())


@functools.lru_cache(maxsize=512)
def require_cosets(rho: Representation, subgroup: AnySubgroup) -> int:
    """The number of cosets of H into whose parts the channels of an induced field divide.

    Raises:
      ValueError: when ρ is not induced from H: some element mixes the parts of different cosets.

    >>> from geomdl.representations import representation
    >>> from geomdl.groups import D4, subgroup
    >>> require_cosets(representation(D4, "induced(C4,irrep(1))"), subgroup(D4, "C4"))
    2
    """
    cosets = quotient(subgroup.group, subgroup)
    if rho.size % cosets.size == 0:
        generators, parts = rho.group.generators(), (cosets.size, rho.size // cosets.size)
        matrices = rho(generators).reshape(-1, *parts, *parts)
        mixed = np.linalg.norm(matrices, axis=(2, 4)) > 1e-9
        if np.array_equal(mixed, cosets(generators) > 0.5):
            return cosets.size
    raise ValueError(
        f"{rho} of {rho.group} is not induced from {subgroup}; allowed: 'induced({subgroup.arguments},…)',"
        f" 'quotient({subgroup.arguments})', 'regular'"
    )
