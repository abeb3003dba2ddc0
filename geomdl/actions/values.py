"""How linear maps move numbers that belong to a whole image: by a representation of their orthogonal part."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.field import act
from geomdl.actions.warp import map_of_images
from geomdl.arrays import as_array, wide_dtype
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, PointGroup, SpatialGroup, require_planar, require_point_group
from geomdl.representations import FieldType


def move_values(values: ArrayLike, linear: ArrayLike, field_type: FieldType, group: PointGroup) -> jax.Array:
    """Moves numbers without a place in the image: y'_i = ρ(g_i) y_i, g_i the orthogonal part of A_i.

    For A = s R(φ) F^f that is the element (f, φ). Scalars stay; a direction (cos θ, sin θ), the irrep of frequency 1,
    turns by φ; the orientation (cos 2θ, sin 2θ) of a line turns by 2φ. In space (x, y, z) is ``1x1o`` of O3.

    Args:
      values: y, ``[batch, field_type.size]``.
      linear: A, ``[batch, 2, 2]``, or ``[2, 2]`` for all; of volumes ``[batch, 3, 3]`` or ``[3, 3]``; may be traced.
      field_type: ρ.
      group: which the orthogonal parts are of, as `ImageTransformation.group` says.

    Raises:
      ValueError: values or maps of another shape, or a group that the field type has no representation of.

    >>> from geomdl.groups import C4, SO2
    >>> quarter_turn = jnp.array([[0.0, -1.0], [1.0, 0.0]])
    >>> move_values(jnp.array([[1.0, 0.0]]), quarter_turn, FieldType(SO2, "1 irrep(1)"), C4).round(3) + 0.0
    Array([[0., 1.]], dtype=float32)
    """
    values = jnp.asarray(as_array(values, "values"))
    if values.ndim != 2 or values.shape[1] != field_type.size:
        raise invalid("shape of the values", values.shape, f"[batch, {field_type.size}], as {field_type} has")
    if field_type.is_trivial:
        return values
    own = require_point_group(field_type.group, "values that move with an image")
    if isinstance(group, SpatialGroup) and isinstance(own, SpatialGroup):
        if not own.contains_group(group):
            raise invalid(f"transformation of {group} for values of {field_type}", str(group), f"subgroups of {own}")
        maps = map_of_images("linear map", linear, (3, 3), len(values), wide_dtype(values.dtype))
        elements = elements_of_space(jnp.broadcast_to(maps, (len(values), 3, 3)), own)
        return jax.vmap(lambda g, y: act(g, y[None], field_type)[0])(elements, values)
    own = require_planar(own, "values that move with an image")
    if not own.contains_group(group):
        raise invalid(f"transformation of {group} for values of {field_type}", str(group), f"subgroups of {own}")
    maps = map_of_images("linear map", linear, (2, 2), len(values), wide_dtype(values.dtype))
    elements = elements_of(jnp.broadcast_to(maps, (len(values), 2, 2)), own)
    return jax.vmap(lambda g, y: act(g, y[None], field_type)[0])(elements, values)


def elements_of(linear: jax.Array, group: PlanarGroup) -> jax.Array:
    """The elements (f, r) ``[..., 2]`` of a group that are nearest to the orthogonal parts of A ``[..., 2, 2]``.

    A rotation of a finite group is rounded to the nearest of its steps.

    >>> from geomdl.groups import D4
    >>> elements_of(jnp.array([[[0.0, -2.0], [2.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]]]), D4)
    Array([[0., 1.],
           [1., 2.]], dtype=float32)
    """
    determinant = linear[..., 0, 0] * linear[..., 1, 1] - linear[..., 0, 1] * linear[..., 1, 0]
    reflected = (determinant < 0).astype(linear.dtype)
    sign = 1 - 2 * reflected
    # A F^f is a multiple of a rotation, up to what shears; the angle of that part of A F^f is φ.
    angle = jnp.arctan2(
        linear[..., 1, 0] - sign * linear[..., 0, 1],
        linear[..., 0, 0] + sign * linear[..., 1, 1],
    )
    rotation = (angle - reflected * np.deg2rad(2 * group.mirror)) * (group.period / (2 * np.pi))
    rotation = jnp.mod(jnp.round(rotation) if group.is_finite else rotation, group.period)
    return jnp.stack([reflected, rotation], -1)


def elements_of_space(linear: jax.Array, group: SpatialGroup) -> jax.Array:
    """The elements ``[..., element_size]`` of a group of space nearest to multiples A of orthogonal matrices.

    >>> from geomdl.groups import O3, O
    >>> quarter = jnp.array([[[0.0, -2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 2.0]]])
    >>> elements_of_space(quarter, O)
    Array([[1]], dtype=int32)
    >>> elements_of_space(-quarter, O3).round(3)
    Array([[1.   , 0.707, 0.   , 0.   , 0.707]], dtype=float32)
    """
    if group.is_finite:
        table = jnp.asarray(group.matrix(group.elements()), linear.dtype)
        alike = jnp.einsum("...ij,kij->...k", linear, table, precision="highest")
        return jnp.argmax(alike, -1)[..., None].astype(jnp.int32)
    volume = jnp.linalg.det(linear)
    rows = (linear / (jnp.sign(volume) * jnp.abs(volume) ** (1 / 3))[..., None, None]).reshape(*linear.shape[:-2], 9)
    a, b, c, d, e, f, g, h, i = jnp.moveaxis(rows, -1, 0)
    four_products = (  # of the numbers (w, x, y, z) of the quaternion, times 4
        (1 + a + e + i, h - f, c - g, d - b),
        (h - f, 1 + a - e - i, b + d, c + g),
        (c - g, b + d, 1 - a + e - i, f + h),
        (d - b, c + g, f + h, 1 - a - e + i),
    )
    products = jnp.stack([jnp.stack(row, -1) for row in four_products], -2)
    largest = jnp.argmax(jnp.diagonal(products, axis1=-2, axis2=-1), -1)
    quaternion = jnp.take_along_axis(products, largest[..., None, None], -2)[..., 0, :]
    quaternion = quaternion / jnp.linalg.norm(quaternion, axis=-1, keepdims=True)
    return jnp.concatenate([(volume < 0).astype(linear.dtype)[..., None], quaternion], -1)
