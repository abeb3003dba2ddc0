"""Random rotations of space, up to an angle, or about one axis."""

import jax
import jax.numpy as jnp
import numpy as np

_KNOTS = 257
"""Angles at which the distribution function is known; between them it is linear in the cube root."""


def random_rotations(key: jax.Array, count: int, degrees: float, axis: str = "") -> jax.Array:
    """Rotation matrices of space ``[count, 3, 3]``, uniform (Haar) among those by an angle of at most so many degrees.

    The direction of the axis is uniform on the sphere. The angle ω has a density proportional to 1 − cos ω, that of
    rotations which are uniform on SO(3), on [0, degrees]; so 180 gives all rotations, equally often. About one axis the
    angle is uniform in ± degrees.

    Args:
      key: a JAX random key.
      count: how many.
      degrees: the largest angle, from 0 to 180.
      axis: ``"x"``, ``"y"`` or ``"z"`` for rotations about it; empty for all.

    >>> turns = random_rotations(jax.random.key(0), 2, 180)
    >>> bool(jnp.allclose(turns @ turns.mT, jnp.eye(3), atol=1e-6)), bool(jnp.allclose(jnp.linalg.det(turns), 1))
    (True, True)
    >>> random_rotations(jax.random.key(0), 1, 180, "z")[0, 2].tolist()
    [0.0, 0.0, 1.0]
    """
    axis_key, angle_key = jax.random.split(key)
    share = jax.random.uniform(angle_key, (count,))
    most = np.deg2rad(degrees)
    if axis:
        unit = jnp.broadcast_to(jnp.asarray(np.eye(3, dtype=np.float32)["xyz".index(axis)]), (count, 3))
        return rotations_about(unit, most * (2 * share - 1))
    normal = jax.random.normal(axis_key, (count, 3))
    knots = np.linspace(0, most, _KNOTS)
    reached = knots - np.sin(knots)  # the integral of 1 - cos
    root = np.cbrt(reached / max(reached[-1], 1e-30)).astype(np.float32)
    angle = jnp.interp(jnp.cbrt(share), jnp.asarray(root), jnp.asarray(knots.astype(np.float32)))
    return rotations_about(normal / jnp.linalg.norm(normal, axis=-1, keepdims=True), angle)


def rotations_about(unit: jax.Array, angle: jax.Array) -> jax.Array:
    """The rotations ``[..., 3, 3]`` by angles in radians about unit vectors ``[..., 3]``, counter-clockwise.

    >>> rotations_about(jnp.array([0.0, 0.0, 1.0]), jnp.array(np.pi / 2, jnp.float32)).round(3) + 0.0
    Array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]], dtype=float32)
    """
    x, y, z = jnp.moveaxis(unit, -1, 0)
    none = jnp.zeros_like(x)
    rows = ((none, -z, y), (z, none, -x), (-y, x, none))
    cross = jnp.stack([jnp.stack(row, -1) for row in rows], -2)
    sine, cosine = jnp.sin(angle)[..., None, None], jnp.cos(angle)[..., None, None]
    return jnp.eye(3) + sine * cross + (1 - cosine) * jnp.matmul(cross, cross, precision="highest")
