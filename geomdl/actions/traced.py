"""Representation matrices of group elements that JAX traces: computed from the element, not looked up in a table."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from geomdl.arrays import as_floating, wide_dtype
from geomdl.errors import invalid
from geomdl.groups import DirectProduct, PlanarGroup, PointGroup, SpatialGroup, point_factors
from geomdl.representations import Representation
from geomdl.representations.irrep_families import harmonic_form
from geomdl.representations.representation import Label, irrep_matrix, irrep_size
from geomdl.representations.spherical_harmonics import spherical_harmonics, wigner_frame


def traced_element(g: jax.Array, group: PointGroup) -> jax.Array:
    """A traced element in a dtype to compute with: float32 at least; of a finite group, whole numbers as int32.

    Raises:
      ValueError: for numbers of another kind, or another shape.

    >>> from geomdl.groups import C4
    >>> traced_element(jnp.array([0, 3], jnp.uint8), C4).dtype
    dtype('int32')
    """
    if g.shape != (group.element_size,):
        raise invalid(f"shape of an element of {group}", g.shape, f"({group.element_size},): {group.element_words}")
    numbers = jnp.asarray(as_floating(g, f"element of {group}", integers="converted"))
    if group.is_finite:
        return (jnp.round(numbers) if jnp.issubdtype(g.dtype, jnp.floating) else g).astype(jnp.int32)
    return numbers.astype(wide_dtype(numbers.dtype))


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


def space_matrix(g: jax.Array, group: SpatialGroup) -> jax.Array:
    """The matrix ``[3, 3]`` of a traced element in coordinates (x, y, z)."""
    if group.is_finite:
        return jnp.asarray(group.matrix(group.elements()), jnp.result_type(float))[jnp.round(g[0]).astype(jnp.int32)]
    return (1 - 2 * g[0]) * _rotation_of_quaternion(g[1:])


def representation_matrix(g: jax.Array, rho: Representation) -> jax.Array:
    """ρ(g) ``[size, size]`` of a traced element: Q (⊕ ψ(g)) Q⁻¹.

    Args:
      g: the element as an array.
      rho: ρ.

    Raises:
      ValueError: for numbers that describe no element, unless they are traced.

    >>> from geomdl.groups import SO2
    >>> from geomdl.representations import irrep
    >>> representation_matrix(jnp.array([0.0, np.pi / 2]), irrep(SO2, 2)).round(3) + 0.0
    Array([[-1.,  0.],
           [ 0., -1.]], dtype=float32)
    """
    if not isinstance(g, Tracer):
        g = jnp.asarray(rho.group.require_elements(np.asarray(g)))
    g = traced_element(g, rho.group)
    if not jnp.issubdtype(g.dtype, jnp.floating):
        g = g.astype(jnp.result_type(float))
    matrix, start = jnp.zeros((rho.size, rho.size), g.dtype), 0
    for label in rho.labels:
        block = _irrep_matrix(g, rho.group, label)
        stop = start + len(block)
        matrix = matrix.at[start:stop, start:stop].set(block)
        start = stop
    if not rho.basis:
        return matrix
    q = jnp.asarray(rho.change_of_basis, g.dtype)
    return q @ matrix @ jnp.asarray(np.linalg.inv(rho.change_of_basis), g.dtype)


def _irrep_matrix(g: jax.Array, group: PointGroup, label: Label) -> jax.Array:
    """As `geomdl.representations.representation.irrep_matrix`."""
    if isinstance(group, DirectProduct):
        first, second = point_factors(group)
        size = first.element_size
        left, right = _irrep_matrix(g[:size], first, label[:2]), _irrep_matrix(g[size:], second, label[2:4])
        if label[4]:
            angles = (jnp.arctan2(m[1, 0], m[0, 0]) for m in (left, right))
            return _rotation(next(angles) + label[4] * next(angles), jnp.zeros((), g.dtype))
        return jnp.kron(left, right)
    if isinstance(group, SpatialGroup):
        if group.is_finite:
            return jnp.asarray(irrep_matrix(group, label, group.elements()), g.dtype)[jnp.round(g[0]).astype(jnp.int32)]
        parity, degree, basis = harmonic_form(group, label)
        sign = jnp.where(g[0] == 1, (-1.0) ** parity, 1.0).astype(g.dtype)
        whole = sign * _wigner(degree, _rotation_of_quaternion(g[1:]))
        if basis is None:
            return whole
        columns = jnp.asarray(basis, g.dtype)
        return jnp.matmul(columns.T, jnp.matmul(whole, columns, precision="highest"), precision="highest")
    j, k = label
    angle = g[1] * (2 * np.pi / group.period)
    if irrep_size(group, label) == 2:
        return _rotation(k * angle, g[0])
    sign = jnp.where(g[0] == 1, (-1.0) ** j, 1.0).astype(g.dtype)
    return (sign * jnp.cos(k * angle))[None, None]


def _rotation_of_quaternion(q: jax.Array) -> jax.Array:
    w, x, y, z = q / jnp.linalg.norm(q)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return jnp.stack([jnp.stack(row) for row in rows])


def _wigner(degree: int, rotation: jax.Array) -> jax.Array:
    """As `geomdl.representations.spherical_harmonics.wigner`."""
    points, inverse = (jnp.asarray(array, rotation.dtype) for array in wigner_frame(degree))
    moved = spherical_harmonics(degree, jnp.matmul(points, rotation.T, precision="highest"), jnp)
    return jnp.matmul(inverse, moved, precision="highest").T


def _rotation(angle: jax.Array, reflected: jax.Array) -> jax.Array:
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    sign = (1 - 2 * reflected).astype(cos.dtype)
    return jnp.stack([jnp.stack([cos, -sin * sign]), jnp.stack([sin, cos * sign])])
