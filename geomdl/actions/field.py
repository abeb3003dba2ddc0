"""The action of a group on feature fields: move the base space, then the fibre."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.actions.grid import turn
from geomdl.actions.labels import label_maps
from geomdl.actions.traced import (
    plane_matrix,
    quarter_turns,
    representation_matrix,
    space_matrix,
    traced_element,
)
from geomdl.actions.volume_warp import warp_volume
from geomdl.actions.warp import PLANE_AXES, Padding, warp
from geomdl.arrays import as_array, as_floating, wide_dtype
from geomdl.errors import invalid, misshapen
from geomdl.groups import (
    PLANE,
    VOLUME,
    BaseSpace,
    DirectProduct,
    Element,
    PlanarGroup,
    PointGroup,
    SpatialGroup,
    point_factors,
    require_kept,
    require_planar,
)
from geomdl.representations import FieldType, Representation


def act(g: Element | jax.Array, x: ArrayLike, field_type: FieldType, *, padding: Padding = "zeros") -> jax.Array:
    """The transformed field (g·x)(p) = ρ(g) x(g⁻¹p).

    Exact when g maps the pixel grid to itself (multiples of 90°, reflected or not) or when there is no base space;
    otherwise the field is resampled by cubic B-splines.

    Args:
      g: one element ``[element_size]`` of ``field_type.group``: a NumPy array, or traced, so that an orbit can be
        `jax.vmap`ped.
      x: ``[batch, height, width, channels]``, or as the base space of ``field_type`` has axes; or ``[batch, channels]``
        without base space.
      field_type: how the channels transform.
      padding: what lies outside the image when resampling; see `geomdl.actions.warp.warp`.

    Returns:
      An array of the same shape and dtype; whole numbers stay what they are where they only change their places, and
      become floating-point numbers where they are resampled or multiplied.

    Raises:
      ValueError: for an element that the group does not have (not when g is traced), a wrong number of channels or
        dimensions, or a non-square image under quarter turns (NaN when g is traced, see `geomdl.actions.grid.turn`).

    >>> from geomdl.groups import C4
    >>> regular = FieldType(C4, "1 regular")
    >>> act(np.array([0, 1]), jnp.arange(4.0)[None], regular)  # no base space: a cyclic shift of the channels
    Array([[3., 0., 1., 2.]], dtype=float32)
    """
    x, g = jnp.asarray(as_array(x, "field")), _one_element(g, field_type.group)
    space = field_type.space
    if x.ndim not in (2, (space.dimension or 2) + 2):
        on = space if space.dimension else PLANE
        kind = f"[batch, channels] or {on.fields}"
        raise misshapen("the field", x.shape, ("batch", *on.axes, "channels"), field_type.size, kind=kind)
    field_type.require_channels(x.shape[-1], "the field")
    if x.ndim > 2:
        field_type.require_base_space("a moved field")
        x = act_on_space(g, x, field_type.group, space, padding=padding)
    return _act_on_fibre(g, x, field_type)


def act_labels(g: Element, labels: ArrayLike, group: PlanarGroup | SpatialGroup) -> jax.Array:
    """Moves label maps ``[batch, height, width]`` of integers: (g·y)(p) = y(g⁻¹p). Exact; grid symmetries only.

    Args:
      g: an element of the group.
      labels: y; of volumes ``[batch, depth, height, width]``.
      group: of the plane, or of space for volumes.

    Raises:
      ValueError: when g is no element of the group, or does not map the grid to itself: labels cannot be interpolated.

    >>> from geomdl.groups import C4
    >>> act_labels(np.array([0, 2]), jnp.array([[[0, 1], [2, 3]]]), C4)
    Array([[[3, 2],
            [1, 0]]], dtype=int32)
    """
    if isinstance(group, SpatialGroup):
        volumes, g = label_maps(labels, 3), _one_element(g, group)
        if not (VOLUME.permutes_grid(group) if isinstance(g, Tracer) else bool(VOLUME.is_grid_symmetry(group, g))):
            raise ValueError(f"label maps cannot be moved by this element of {group}; allowed: symmetries of the cube")
        return act_on_space(g, volumes[..., None], group, VOLUME)[..., 0]
    labels, g = label_maps(labels), _one_element(g, group)
    if not isinstance(g, Tracer) and not group.is_grid_symmetry(g):
        degrees = float(np.rad2deg(group.angle(g)))
        raise ValueError(f"labels cannot be turned by {degrees:g}°; allowed: multiples of 90°")
    return act_on_plane(g, labels[..., None], group)[..., 0]


def act_on_plane(g: Element | jax.Array, x: ArrayLike, group: PlanarGroup, *, padding: Padding = "zeros") -> jax.Array:
    """Moves the pixels only: x'(p) = x(g⁻¹p) for ``[batch, height, width, channels]``. See `act`."""
    x, g = jnp.asarray(as_array(x, "images")), _one_element(g, group)
    if x.ndim != 4:
        raise misshapen("images", x.shape, PLANE_AXES)
    if not isinstance(g, Tracer):
        if not group.is_grid_symmetry(g):
            return warp(x, group.matrix(g), padding=padding)
        count = int(np.rint(group.plane_angle(g) / (np.pi / 2))) % 4
        if count % 2 and x.shape[1] != x.shape[2]:
            raise ValueError(f"{group} turns by 90°, which needs square images; got {x.shape[1]}x{x.shape[2]}")
        return turn(x, int(g[0]), count)
    if not group.is_finite:
        turns, exact = quarter_turns(g, group)
        moved = warp(x, plane_matrix(g, group), padding=padding)
        return jnp.where(exact, turn(x, g[0].astype(jnp.int32), turns).astype(moved.dtype), moved)
    on_grid = group.is_grid_symmetry(group.elements())
    turns = np.rint(group.plane_angle(group.elements()) / (np.pi / 2)).astype(np.int32)
    number = _index(g, group)

    def turned(x: jax.Array) -> jax.Array:
        return turn(x, g[0], jnp.asarray(turns)[number])

    def warped(x: jax.Array) -> jax.Array:
        return warp(x, jnp.asarray(group.matrix(group.elements()), wide_dtype(x.dtype))[number], padding=padding)

    if np.all(on_grid):
        return turned(x)
    x = jnp.asarray(as_floating(x, "images", integers="converted"))
    return jax.lax.cond(jnp.asarray(on_grid)[number], turned, warped, x)  # resamples where it must


def act_on_space(
    g: Element | jax.Array, x: ArrayLike, group: PointGroup, space: BaseSpace, *, padding: Padding = "zeros"
) -> jax.Array:
    """Moves the points of a base space only: x'(p) = x(g⁻¹p) for ``[batch, *axes, channels]``.

    Of a direct product the first factor does. On the plane as `act_on_plane`. On other base spaces exactly, by
    exchanging and reversing axes, where an element maps the grid to itself; other elements resample volumes by
    `geomdl.actions.volume_warp.warp_volume`.

    Raises:
      ValueError: for an element that exchanges axes of different length.

    >>> from geomdl.groups import D1, LINE
    >>> act_on_space(np.array([1, 0]), jnp.array([[[1], [2], [3]]]), D1, LINE).ravel()
    Array([3, 2, 1], dtype=int32)
    """
    x, g = jnp.asarray(as_array(x, "field")), _one_element(g, group)
    if isinstance(group, DirectProduct):
        moving, _ = point_factors(group)
        return act_on_space(g[: moving.element_size], x, moving, space, padding=padding)
    if space == PLANE:
        return act_on_plane(g, x, require_planar(group, "a field on the plane"), padding=padding)
    if x.ndim != space.dimension + 2:
        raise misshapen("the field", x.shape, ("batch", *space.axes, "channels"))
    if not isinstance(g, Tracer):
        if isinstance(group, SpatialGroup) and not bool(space.is_grid_symmetry(group, g)):
            return warp_volume(x, group.matrix(g), padding=padding)
        symmetry = space.grid_symmetry(group, g)
        if not symmetry.keeps(x.shape[1:-1]):
            require_kept(space, group, x.shape[1:-1])
        return symmetry(x)
    if isinstance(group, SpatialGroup) and not space.permutes_grid(group):
        return warp_volume(x, space_matrix(g, group), padding=padding)
    if not space.permutes_grid(group):
        raise ValueError(f"traced elements of {group} cannot be resampled on the {space}; allowed: concrete ones")
    require_kept(space, group, x.shape[1:-1])
    moves = [lambda x, symmetry=symmetry: symmetry(x) for symmetry in space.grid_symmetries(group)]
    return jax.lax.switch(_index(g, group), moves, x)


def _one_element(g: Any, group: PointGroup) -> Any:
    """One element ``[element_size]``: checked, in NumPy; one that is traced cannot be, and is made ready to compute."""
    if isinstance(g, Tracer):
        return traced_element(g, group)
    g = group.require_elements(g)
    if g.ndim != 1:
        raise invalid(f"element of {group}", g.tolist(), "one element at a time; jax.vmap takes a batch of them")
    return g


def _index(g: Element | jax.Array, group: PointGroup) -> jax.Array:
    if isinstance(group, DirectProduct):
        first, second = point_factors(group)
        size = first.element_size
        return _index(g[:size], first) * int(second.order) + _index(g[size:], second)
    number = g[0] if isinstance(group, SpatialGroup) else g[1] + int(group.rotation_order) * g[0]
    return jnp.asarray(number).astype(jnp.int32)


def _act_on_fibre(g: Any, x: jax.Array, field_type: FieldType) -> jax.Array:
    if field_type.is_trivial:
        return x
    concrete = None if isinstance(g, Tracer) else np.asarray(g)
    given = x.dtype
    if not all(b.representation.is_trivial or _permutes(b.representation) for b in field_type.blocks):
        if not jnp.issubdtype(given, jnp.inexact):
            given = jnp.result_type(float)
        if not jnp.issubdtype(given, jnp.complexfloating):
            x = x.astype(wide_dtype(given))
    moved = []
    for block in field_type.blocks:
        rho = block.representation
        fields = x[..., block.channels].reshape(*x.shape[:-1], block.multiplicity, rho.size)
        if _permutes(rho):
            sources = np.argsort(rho.permutation(), -1)
            source = (
                jnp.asarray(sources)[_index(g, rho.group)] if concrete is None else sources[rho.group.index(concrete)]
            )
            fields = jnp.take(fields, source, axis=-1)
        elif not rho.is_trivial:
            if concrete is not None:
                matrix = rho(concrete)
            elif rho.group.is_finite:
                matrix = jnp.asarray(rho(rho.group.elements()), x.dtype)[_index(g, rho.group)]
            else:
                matrix = representation_matrix(g, rho)
            fields = jnp.einsum("ij,...j->...i", jnp.asarray(matrix, x.dtype), fields, precision="highest")
        moved.append(fields.reshape(*x.shape[:-1], -1))
    return jnp.concatenate(moved, -1).astype(given)


def _permutes(rho: Representation) -> bool:
    return rho.is_permutation and rho.group.is_finite
