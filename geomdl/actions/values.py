"""How maps of the plane move numbers that belong to a whole image: by a representation of their orthogonal part."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.field import act
from geomdl.actions.warp import map_of_images
from geomdl.arrays import as_array, wide_dtype
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, require_planar
from geomdl.representations import FieldType


def move_values(values: ArrayLike, linear: ArrayLike, field_type: FieldType, group: PlanarGroup) -> jax.Array:
    """Moves numbers without a place in the image: y'_i = ρ(g_i) y_i, g_i the orthogonal part of A_i.

    For A = s R(φ) F^f that is the element (f, φ). Scalars stay; a direction (cos θ, sin θ), the irrep of frequency 1,
    turns by φ; the orientation (cos 2θ, sin 2θ) of a line turns by 2φ.

    Args:
      values: y, ``[batch, field_type.size]``.
      linear: A, ``[batch, 2, 2]``, or ``[2, 2]`` for all; may be traced.
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
    own = require_planar(field_type.group, "values that move with an image")
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
