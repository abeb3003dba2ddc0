"""Elements of continuous groups as traced arrays: their matrices, computed by JAX instead of looked up."""

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.groups import PlanarGroup
from geomdl.representations import Representation
from geomdl.representations.representation import irrep_size


def quarter_turns(g: jax.Array, group: PlanarGroup) -> tuple[jax.Array, jax.Array]:
    """The nearest number of quarter turns of a traced element (f, r), and whether the rotation is that, to 1e-5 rad.

    >>> from geomdl.groups import SO2
    >>> turns, exact = quarter_turns(jnp.array([0.0, np.pi]), SO2)
    >>> int(turns), bool(exact)
    (2, True)
    """
    turns = g[1] * (4 / group.period)
    nearest = jnp.round(turns)
    return nearest.astype(jnp.int32), jnp.abs(turns - nearest) < 1e-5


def plane_matrix(g: jax.Array, group: PlanarGroup) -> jax.Array:
    """R(r) F^f ``[2, 2]`` of a traced element, in coordinates (x right, y up)."""
    return _rotation(g[1] * (2 * np.pi / group.period), g[0])


def representation_matrix(g: jax.Array, rho: Representation) -> jax.Array:
    """ρ(g) ``[size, size]`` of a traced element: Q (⊕ ψ(g)) Q⁻¹.

    >>> from geomdl.groups import SO2
    >>> from geomdl.representations import irrep
    >>> representation_matrix(jnp.array([0.0, np.pi / 2]), irrep(SO2, 2)).round(3) + 0.0
    Array([[-1.,  0.],
           [ 0., -1.]], dtype=float32)
    """
    angle = g[1] * (2 * np.pi / rho.group.period)
    matrix, start = jnp.zeros((rho.size, rho.size), g.dtype), 0
    for j, k in rho.labels:
        size = irrep_size(rho.group, (j, k))
        sign = jnp.where(g[0] == 1, (-1.0) ** j, 1.0).astype(g.dtype)
        block = _rotation(k * angle, g[0]) if size == 2 else (sign * jnp.cos(k * angle))[None, None]
        matrix = matrix.at[start : start + size, start : start + size].set(block)
        start += size
    if not rho.basis:
        return matrix
    q = jnp.asarray(rho.change_of_basis, g.dtype)
    return q @ matrix @ jnp.asarray(np.linalg.inv(rho.change_of_basis), g.dtype)


def _rotation(angle: jax.Array, reflected: jax.Array) -> jax.Array:
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    sign = (1 - 2 * reflected).astype(cos.dtype)
    return jnp.stack([jnp.stack([cos, -sin * sign]), jnp.stack([sin, cos * sign])])
