"""The factored correlation: the fields in coordinates of irreps, expanded and mixed, and brought back."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from geomdl.equivariance.contracts.contract import Size
from geomdl.kernels.factored.plan import InputBlock, OutputGroup, Plan, factored_plan
from geomdl.layers.convolution.algorithms.algorithm import Convolution
from geomdl.layers.convolution.algorithms.mixing import Geometry, mix
from geomdl.layers.convolution.algorithms.pallas_kernel import mix_by_one_kernel
from geomdl.layers.convolution.algorithms.sparse_rows import take_rows
from geomdl.layers.core.field_channels import wide
from geomdl.layers.core.window import Window
from geomdl.representations import FieldType
from geomdl.representations.field_type import Block

PIXELS = 192
"""About how many output pixels are computed together, so that their expansion stays in cache."""


@functools.partial(jax.jit, static_argnames=("convolution", "window", "images_at_once", "fused"), inline=True)
def correlate_with_matrices(
    x: jax.Array,
    matrices: Sequence[jax.Array],
    convolution: Convolution,
    window: Window,
    *,
    images_at_once: int | None = None,
    fused: bool = False,
) -> jax.Array:
    """What `geomdl.layers.core.functional.correlate` gives for the expanded kernel, without making it.

    The fields go to coordinates of irreps (those of irreps are in them), which are correlated with a few fixed kernels;
    one matrix for each output irrep mixes the channels; the fields come back. See `geomdl.kernels.factored.plan`. A few
    images at a time, computed once more for the gradient, so the expansion takes little memory. Half precisions are
    computed in float32. What is not finite spreads to the whole tile of outputs that sees it
    (`geomdl.layers.convolution.algorithms.tiles`).

    Args:
      x: ``[batch, height, width, channels]``.
      matrices: see `geomdl.layers.convolution.algorithms.mixing_matrices.mixing_matrices`.
      convolution: spaces, types and groups.
      window: its geometry.
      images_at_once: how many images are computed together; by default, on CPUs, such that they have about `PIXELS`
        pixels, and all of them elsewhere (of which no time has been measured).
      fused: whether one kernel expands and mixes, in the precision of x; see
        `geomdl.layers.convolution.algorithms.pallas_kernel`.

    Raises:
      ValueError: when the window does not fit.
    """
    if convolution.groups > 1:
        return _group_by_group(x, matrices, convolution, window, images_at_once)
    plan, size = factored_plan(convolution.spaces), window.output_size(x.shape[1:3])
    if not plan.groups or 0 in size or 0 in x.shape:
        return jnp.zeros((x.shape[0], *size, convolution.out_type.size), x.dtype)
    matrices = [matrix.astype(wide(x.dtype)) for matrix in matrices]
    types = convolution.in_type, convolution.out_type

    def some(images: jax.Array) -> jax.Array:
        return _correlate(images, matrices, plan, *types, window, fused=fused)

    return some(x) if fused else _in_parts(some, x, images_at_once or _at_once(x.shape[0], size))


def one_of_the_groups(convolution: Convolution) -> Convolution:
    """The convolution of one of several groups of fields, which are of one kind."""

    def part(fields: FieldType) -> FieldType:
        blocks = [(block.multiplicity // convolution.groups, block.representation) for block in fields.blocks]
        return FieldType(fields.group, blocks)

    types = {"in_type": part(convolution.in_type), "out_type": part(convolution.out_type)}
    return dataclasses.replace(convolution, groups=1, **types)


def images_together(size: Size) -> int:
    """How many images of a size of the output have about `PIXELS` pixels."""
    return max(1, round(PIXELS / max(1, math.prod(size))))


def _at_once(batch: int, size: Size) -> int:
    """How many images are computed together here: all of them on a GPU or TPU, which parts would leave idle."""
    return images_together(size) if jax.default_backend() == "cpu" else batch


def _group_by_group(
    x: jax.Array, matrices: Sequence[jax.Array], convolution: Convolution, window: Window, images_at_once: int | None
) -> jax.Array:
    """The groups of fields apart from one another; each matrix is ``[groups, units, …]``."""
    groups, one = convolution.groups, one_of_the_groups(convolution)
    alone = functools.partial(correlate_with_matrices, convolution=one, window=window, images_at_once=images_at_once)
    parts = x.reshape(*x.shape[:3], groups, one.in_type.size)  # [batch, height, width, group, channels]
    y = jax.vmap(alone, (3, 0), 3)(parts, list(matrices))
    return y.reshape(*y.shape[:3], convolution.out_type.size)


def _in_parts(function: Callable[[jax.Array], jax.Array], x: jax.Array, images_at_once: int) -> jax.Array:
    """``function`` of a few images at a time; what it computes between is computed once more for the gradient.

    With several devices every part has images from all over the batch, one run of neighbours for each device or more: a
    batch that is divided over them stays where it is. A batch of unknown size, for export, is computed in one.
    """
    batch, devices = x.shape[0], jax.device_count()
    once = jax.checkpoint(function, prevent_cse=False)
    images_at_once *= devices
    if not isinstance(batch, int) or batch <= images_at_once:
        return jax.checkpoint(function)(x)
    parts = -(-batch // images_at_once)
    each = -(-batch // parts)
    if devices > 1:
        each = -(-each // devices) * devices
    missing = parts * each - batch
    if missing:
        x = jnp.pad(x, ((0, missing), (0, 0), (0, 0), (0, 0)))
    if devices > 1:
        y = lax.map(once, x.reshape(each, parts, *x.shape[1:]).swapaxes(0, 1)).swapaxes(0, 1)
    else:
        y = lax.map(once, x.reshape(parts, each, *x.shape[1:]))
    return y.reshape(-1, *y.shape[2:])[:batch]


def _correlate(
    x: jax.Array,
    matrices: Sequence[jax.Array],
    plan: Plan,
    in_type: FieldType,
    out_type: FieldType,
    window: Window,
    *,
    fused: bool,
) -> jax.Array:
    """The correlation of some images ``[image, height, width, channel]``, all at once."""
    dtype, geometry, images = wide(x.dtype), Geometry(plan, window, x.shape[1:3]), x.shape[0]
    coordinates = [
        _coordinates(x[..., fields.channels].astype(dtype), block, fields.multiplicity)
        for fields, block in zip(in_type.blocks, plan.inputs, strict=True)
    ]
    if fused:
        mixed = [y.astype(dtype) for y in mix_by_one_kernel(coordinates, matrices, geometry, x.dtype)]
    else:
        mixed = mix(coordinates, matrices, geometry)
    found = _synthesised(mixed, plan, out_type, math.prod(geometry.out_size))
    # each [component, field, image, pixel] → [image, pixel, field, component] → [image, height, width, channel]
    blocks = [y.transpose(2, 3, 1, 0).reshape(images, *geometry.out_size, -1) for y in found]
    return jnp.concatenate(blocks, -1).astype(x.dtype)


def _coordinates(x: jax.Array, block: InputBlock, fields: int) -> jax.Array:
    """Coordinates of irreps, ``[source, component, image, pixel, field]``, of a block of fields."""
    sources, _, components = block.kernels.shape[:3]
    images, height, width, channels = x.shape
    x = x.reshape(-1, channels // fields)  # [image · pixel · field, component of ρ]
    if block.selection is None:
        analysis = jnp.asarray(block.analysis, x.dtype)  # [source · component, component of ρ]
        z = jnp.einsum("sc,xc->sx", analysis, x, precision="highest")
    else:
        z = take_rows(x.T, block.selection)
    return z.reshape(sources, components, images, height * width, fields)


def _synthesised(mixed: Sequence[jax.Array], plan: Plan, out_type: FieldType, pixels: int) -> list[jax.Array]:
    """The blocks of the output, ``[component of ρ, field, image, pixel]``, from what is mixed of all units."""
    images, dtype = mixed[0].shape[2], mixed[0].dtype
    found = [
        jnp.zeros((fields.representation.size, fields.multiplicity, images, pixels), dtype)
        for fields in out_type.blocks
    ]
    for group, of_group in zip(plan.groups, mixed, strict=True):
        for o, y in _of_blocks(of_group, group, out_type.blocks):
            selection = group.selections[o]
            if selection is None:
                synthesis = jnp.asarray(group.syntheses[o], dtype)
                # z: component of ρ; summed over a: unit, b: row, c: copy, d: stacked; f: field, i: image, p: pixel
                found[o] += jnp.einsum("zabcd,abcfidp->zfip", synthesis, y, precision="highest")
            else:
                y = y.transpose(0, 1, 2, 5, 3, 4, 6)  # [unit, row, copy, stacked, field, image, pixel]
                found[o] += take_rows(y.reshape(-1, *y.shape[4:]), selection)
    return found


def _of_blocks(mixed: jax.Array, group: OutputGroup, blocks: Sequence[Block]) -> list[tuple[int, jax.Array]]:
    """What is mixed of a group of units, ``[unit, outputs, image, stacked, pixel]``, for each block of the output.

    Returns:
      The number of each block that has copies of the units, and ``[unit, row, copy, field, image, stacked, pixel]``.
    """
    images, stacked, pixels = mixed.shape[2:]
    lengths = [group.rows * copies * b.multiplicity for copies, b in zip(group.copies, blocks, strict=True)]
    parts = jnp.split(mixed, np.cumsum(lengths)[:-1].tolist(), 1)
    return [
        (o, part.reshape(group.units, group.rows, group.copies[o], -1, images, stacked, pixels))
        for o, part in enumerate(parts)
        if lengths[o]
    ]
