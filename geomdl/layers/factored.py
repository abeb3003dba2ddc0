"""The factored group convolution: the convolution of `geomdl.layers.Conv` with less arithmetic, exactly."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from geomdl.equivariance.contract import Size
from geomdl.errors import invalid, unknown
from geomdl.kernels.factored import InputBlock, OutputGroup, Plan, factored_plan, is_factorable
from geomdl.kernels.sparse_rows import SparseRows
from geomdl.layers.fields import wide
from geomdl.layers.functional import pad
from geomdl.layers.fused import columns_of, expand_and_mix
from geomdl.layers.row_major import row_major
from geomdl.layers.sparse_rows import take_rows
from geomdl.layers.tiles import Grid, Tiling, correlate_tiles, tiling
from geomdl.layers.weights import KernelSpaces
from geomdl.layers.window import Window
from geomdl.representations import FieldType

Method = Literal["auto", "dense", "factored", "fused"]
"""How a convolution is computed; see `geomdl.layers.Conv`."""

Way = Literal["dense", "factored", "fused"]
"""What ``"auto"`` is one of."""

PIXELS = 192
"""About how many output pixels are computed together, so that their expansion stays in cache."""

COPIED, PART, MARGIN = 60.0, 1e7, 0.95
"""Of the cost model of `is_faster`: CPU time over that of a multiply-add, gradients included."""

WORTHWHILE = 500_000
"""Multiply-adds of the dense method, for one image, that the factored one must save: compiling it takes about 0.5 s of
CPU time more for each layer, which a batch of 16 images then earns back in about a thousand steps."""


def require_method(method: str) -> Method:
    """Returns a method; raises a ValueError for anything else."""
    for allowed in get_args(Method):
        if method == allowed:
            return allowed
    raise unknown("method", method, get_args(Method))


def require_possible(method: str, spaces: KernelSpaces, groups: int = 1) -> Method:
    """Returns a method of a layer; raises a ValueError for any other, or one that a convolution does not have."""
    found = require_method(method)
    if found in ("factored", "fused") and not is_factorable(spaces):
        allowed = "'dense' where some pairs of fields have pixel kernels and others have not; or take basis='steerable'"
        raise invalid("method", found, allowed, "'dense'")
    if found == "fused" and groups > 1:
        raise invalid("method", found, f"'dense', 'factored' or 'auto' with {groups} groups of fields", "'factored'")
    return found


def factored_multiply_adds(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> int | None:
    """Multiply-adds of `factored_correlate` for one image; None where there is no factored method.

    Of a field pair of C_N and an output pixel about 2·N·S instead of N²·k², S the number of functions; besides, the
    expansion, tile by tile, and the changes of basis, which grow with the fields and not with their product.
    """
    if not is_factorable(spaces):
        return None
    return _costs(spaces, in_type, out_type, window, size, groups)[0]


def _costs(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int
) -> tuple[int, int]:
    """Multiply-adds, and numbers copied into windows."""
    if groups > 1:
        of_one = _costs(spaces, _part(in_type, groups), _part(out_type, groups), window, size, 1)
        return groups * of_one[0], groups * of_one[1]
    plan = factored_plan(spaces)
    pixels, multiply_adds, copied = math.prod(window.output_size(size)), 0, 0
    for i, (block, fields) in enumerate(zip(plan.inputs, in_type.blocks, strict=True)):
        if not any(group.heights[i] for group in plan.groups):
            continue
        tiles = _tiling(block, window, size)
        sources, columns, components = block.kernels.shape[:3]
        here = fields.multiplicity * tiles.count * tiles.window * sources * components
        copied += here if tiles.copies else 0
        multiply_adds += here * tiles.pixels * columns
        if block.selection is None:
            multiply_adds += fields.multiplicity * math.prod(size) * block.analysis.size
    fields_in, fields_out = ([block.multiplicity for block in t.blocks] for t in (in_type, out_type))
    multiply_adds += pixels * plan.mixing_multiply_adds(fields_in, fields_out)
    for group in plan.groups:
        transformed = {o for _, o in group.pairs if group.selections[o] is None}
        multiply_adds += pixels * sum(group.syntheses[o].size * fields_out[o] for o in transformed)
    return multiply_adds, copied


def _tiling(block: InputBlock, window: Window, size: Size) -> Tiling:
    """The tiles in which a block of images of a size is computed."""
    taps = window.size, window.stride, window.dilation, window.pixels_of_padding, window.padding_mode
    rows, columns = (Grid(*both, *taps) for both in zip(size, window.output_size(size), strict=True))
    return tiling(rows, columns, block.kernels.shape[1])


def is_faster(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> bool:
    """Whether the factored method is worth its longer compilation here, by a cost model; False on a GPU or TPU.

    What is saved for an image by `expected_cost` must be more than `WORTHWHILE`. A batch divided over devices is not
    looked at.
    """
    known = all(isinstance(n, int) for n in size)
    if not known or not is_factorable(spaces) or jax.default_backend() != "cpu":
        return False
    dense = math.prod(window.output_size(size)) * window.size**2 * in_type.size * out_type.size // groups
    if MARGIN * dense < WORTHWHILE:
        return False
    return MARGIN * dense - expected_cost(spaces, in_type, out_type, window, size, groups) > WORTHWHILE


def expected_cost(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> float:
    """CPU time of the factored method for one image, in multiply-adds of the dense one, gradients included.

    Those it has itself; besides, numbers copied into windows (`COPIED`), which cost most where fields are few, and the
    start of each part of the batch (`PART`). Fitted to layers of regular fields, batch 16, float32, on 2 CPU cores;
    ``experiments/benchmarks/cost_model.py`` compares it with measurement.
    """
    multiply_adds, copied = _costs(spaces, in_type, out_type, window, size, groups)
    return multiply_adds + COPIED * copied + PART / _images_at_once(window.output_size(size))


def _at_once(batch: int, size: Size) -> int:
    """How many images are computed together here: all of them on a GPU or TPU, which parts would leave idle."""
    return _images_at_once(size) if jax.default_backend() == "cpu" else batch


def _images_at_once(size: Size) -> int:
    """How many images of a size of the output have about `PIXELS` pixels."""
    return max(1, round(PIXELS / max(1, math.prod(size))))


@functools.partial(
    jax.jit,
    static_argnames=("spaces", "in_type", "out_type", "window", "groups", "images_at_once", "fused"),
    inline=True,
)
def factored_correlate(
    x: jax.Array,
    weights: Sequence[jax.Array],
    spaces: KernelSpaces,
    in_type: FieldType,
    out_type: FieldType,
    window: Window,
    groups: int = 1,
    *,
    images_at_once: int | None = None,
    fused: bool = False,
) -> jax.Array:
    """What `geomdl.layers.functional.correlate` gives for the expanded kernel, without making it.

    The fields go to coordinates of irreps (those of irreps are in them), which are correlated with a few fixed kernels;
    one matrix for each output irrep mixes the channels; the fields come back. See `geomdl.kernels.factored`. A few
    images at a time, computed once more for the gradient, so the expansion takes little memory. Half precisions are
    computed in float32. What is not finite spreads to the whole tile of outputs that sees it (`geomdl.layers.tiles`).

    Args:
      x: ``[batch, height, width, channels]``.
      weights: ``[dimension, fields_in / groups, fields_out]`` for each pair of blocks.
      spaces: steerable kernels, ``spaces[i][o]``.
      in_type: what comes in.
      out_type: what goes out.
      window: its geometry.
      groups: groups of fields that are kept apart.
      images_at_once: how many images are computed together; by default, on CPUs, such that they have about `PIXELS`
        pixels, and all of them elsewhere (of which no time has been measured).
      fused: whether one kernel expands and mixes, in the precision of x; see `geomdl.layers.fused`.

    Raises:
      ValueError: when the window does not fit.
    """
    matrices = mixing_matrices(spaces, weights, groups)
    return correlate_with_matrices(
        x, matrices, spaces, in_type, out_type, window, groups, images_at_once=images_at_once, fused=fused
    )


@functools.partial(
    jax.jit,
    static_argnames=("spaces", "in_type", "out_type", "window", "groups", "images_at_once", "fused"),
    inline=True,
)
def correlate_with_matrices(
    x: jax.Array,
    matrices: Sequence[jax.Array],
    spaces: KernelSpaces,
    in_type: FieldType,
    out_type: FieldType,
    window: Window,
    groups: int = 1,
    *,
    images_at_once: int | None = None,
    fused: bool = False,
) -> jax.Array:
    """`factored_correlate` with the matrices of `mixing_matrices` in place of weights."""
    if groups > 1:
        alone = functools.partial(
            correlate_with_matrices,
            spaces=spaces,
            in_type=_part(in_type, groups),
            out_type=_part(out_type, groups),
            window=window,
            images_at_once=images_at_once,
        )
        y = jax.vmap(alone, (3, 0), 3)(x.reshape(*x.shape[:3], groups, in_type.size // groups), list(matrices))
        return y.reshape(*y.shape[:3], out_type.size)
    plan, size = factored_plan(spaces), window.output_size(x.shape[1:3])
    if not plan.groups or 0 in size or 0 in x.shape:
        return jnp.zeros((x.shape[0], *size, out_type.size), x.dtype)
    matrices = [matrix.astype(wide(x.dtype)) for matrix in matrices]

    if fused:
        return _correlate(x, matrices, plan, in_type, out_type, window, _mixed_by_one_kernel)

    def some(images: jax.Array) -> jax.Array:
        return _correlate(images, matrices, plan, in_type, out_type, window, _mixed)

    return _in_parts(some, x, images_at_once or _at_once(x.shape[0], size))


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


def _part(fields: FieldType, groups: int) -> FieldType:
    """The fields of one of several groups; they are of one kind."""
    return FieldType(fields.group, [(block.multiplicity // groups, block.representation) for block in fields.blocks])


def mixing_matrices(spaces: KernelSpaces, weights: Sequence[jax.Array], groups: int = 1) -> list[jax.Array]:
    """What mixes the channels: ``[units, rows · copies · fields_out, height · fields_in]``.

    For each group of output units, and the pairs of blocks that it mixes. Of several groups of fields each has its
    own: ``[groups, units, …]``.
    """
    if groups > 1:
        apart = [weight.reshape(*weight.shape[:2], groups, -1) for weight in weights]
        return jax.vmap(functools.partial(mixing_matrices, spaces), 2)(apart)
    plan, matrices = factored_plan(spaces), []
    for group in plan.groups:
        for i, o in group.pairs:
            weight = weights[i * len(group.copies) + o]
            fields_in, fields_out = weight.shape[1:]
            entries = _of_weights(group.mixings[i][o], weight)
            entries = entries.reshape(group.units, group.heights[i], -1, fields_in, fields_out)
            entries = entries.transpose(0, 2, 4, 1, 3)
            matrices.append(entries.reshape(group.units, -1, group.heights[i] * fields_in))
    return matrices


def _of_weights(mixing: SparseRows | np.ndarray, weight: jax.Array) -> jax.Array:
    if isinstance(mixing, SparseRows):
        return take_rows(weight, mixing)
    return jnp.tensordot(jnp.asarray(mixing, weight.dtype), weight, 1, precision="highest")


_Mixed = list[dict[int, Any]]
"""For each group of units, for blocks of the output: ``[units, rows, copies, fields, images, stacked, pixels]``."""


@dataclasses.dataclass(frozen=True)
class _Work:
    """What is mixed.

    Args:
      coordinates: of the blocks of the input, ``[sources, components, images, pixels, fields]``.
      matrices: for each group of units, by blocks of input and output; see `mixing_matrices`.
      plan: of both.
      window: the geometry.
      size: of the images.
      dtype: of the images.
    """

    coordinates: list[jax.Array]
    matrices: list[dict[tuple[int, int], jax.Array]]
    plan: Plan
    window: Window
    size: Size
    dtype: Any


def _correlate(
    x: jax.Array,
    matrices: list[jax.Array],
    plan: Plan,
    in_type: FieldType,
    out_type: FieldType,
    window: Window,
    mix: Callable[[_Work], _Mixed],
) -> jax.Array:
    dtype, size, remaining = wide(x.dtype), window.output_size(x.shape[1:3]), iter(matrices)
    coordinates = [
        _coordinates(x[..., fields.channels].astype(dtype), block, fields.multiplicity)
        for fields, block in zip(in_type.blocks, plan.inputs, strict=True)
    ]
    of_groups = [{pair: next(remaining) for pair in group.pairs} for group in plan.groups]
    found: list[Any] = [
        jnp.zeros((fields.representation.size, fields.multiplicity, x.shape[0], math.prod(size)), dtype)
        for fields in out_type.blocks
    ]
    mixed = mix(_Work(coordinates, of_groups, plan, window, x.shape[1:3], x.dtype))
    for group, blocks in zip(plan.groups, mixed, strict=True):
        for o, y in blocks.items():
            selection = group.selections[o]
            if selection is None:
                matrix = jnp.asarray(group.syntheses[o], dtype)
                found[o] += lax.dot_general(matrix, y, (((1, 2, 3, 4), (0, 1, 2, 5)), ((), ())), precision="highest")
            else:
                y = y.transpose(0, 1, 2, 5, 3, 4, 6)
                found[o] += take_rows(y.reshape(-1, *y.shape[4:]), selection)
    blocks = [y.transpose(2, 3, 1, 0).reshape(x.shape[0], *size, -1) for y in found]
    return row_major(jnp.concatenate(blocks, -1).astype(x.dtype))


def _coordinates(x: jax.Array, block: InputBlock, fields: int) -> jax.Array:
    """Those of irreps, ``[sources, components, images, pixels, fields]``."""
    sources, _, components = block.kernels.shape[:3]
    images, height, width, channels = x.shape
    x = x.reshape(-1, channels // fields)
    if block.selection is None:
        z = lax.dot_general(jnp.asarray(block.analysis, x.dtype), x, (((1,), (1,)), ((), ())), precision="highest")
    else:
        z = take_rows(x.T, block.selection)
    return z.reshape(sources, components, images, height * width, fields)


def _mixed(work: _Work) -> _Mixed:
    """By products of large matrices, between which the columns are in memory."""
    tiles = [_tiling(block, work.window, work.size) for block in work.plan.inputs]
    columns = [
        correlate_tiles(z, block.kernels, of_block)
        for z, block, of_block in zip(work.coordinates, work.plan.inputs, tiles, strict=True)
    ]
    images, found = work.coordinates[0].shape[2], []
    for group, matrices in zip(work.plan.groups, work.matrices, strict=True):
        chosen = {i: _chosen(columns[i], group, i, tiles[i]) for i in {i for i, _ in matrices}}
        mixed: dict[int, Any] = {}
        for (i, o), matrix in matrices.items():
            y = lax.dot_general(matrix, chosen[i], (((2,), (2,)), ((0,), (0,))), precision="highest")
            y = y.reshape(
                group.units,
                group.rows,
                group.copies[o],
                -1,
                images,
                group.stacked,
                y.shape[-1] // images // group.stacked,
            )
            mixed[o] = mixed.get(o, 0) + y
        found.append(mixed)
    return found


def _mixed_by_one_kernel(work: _Work) -> _Mixed:
    """By a kernel that makes the columns itself, in the precision of the images."""
    window, size = work.window, work.window.output_size(work.size)
    padded = []
    for z in work.coordinates:
        flat = z.astype(work.dtype).reshape(-1, *work.size, z.shape[-1])
        flat = pad(flat, window.pixels_of_padding, window.padding_mode)
        padded.append(flat.reshape(*z.shape[:3], *flat.shape[1:]))
    found = []
    for group, matrices in zip(work.plan.groups, work.matrices, strict=True):
        mixed: dict[int, Any] = {}
        for i in sorted({i for i, _ in matrices}):
            of_block = {o: matrix for (j, o), matrix in matrices.items() if j == i}
            matrix = jnp.concatenate(list(of_block.values()), 1)
            matrix = matrix.reshape(*matrix.shape[:2], group.heights[i], -1).transpose(0, 2, 3, 1)
            columns = columns_of(work.plan.inputs[i], group, i)
            y = expand_and_mix(padded[i], matrix, columns, window.stride, window.dilation, size)
            ends = np.cumsum([matrix.shape[1] for matrix in of_block.values()])[:-1]
            for o, part in zip(of_block, jnp.split(y.astype(matrix.dtype), ends, -1), strict=True):
                part = part.reshape(
                    *part.shape[:3], -1, group.rows, group.copies[o], part.shape[-1] // group.rows // group.copies[o]
                )
                mixed[o] = mixed.get(o, 0) + part.transpose(0, 4, 5, 6, 2, 1, 3)
        found.append(mixed)
    return found


def _chosen(columns: jax.Array, group: OutputGroup, block: int, tiles: Tiling) -> jax.Array:
    """``[units, images · stacked · pixels, height · fields]`` of all columns of a block."""
    columns = take_rows(take_rows(columns, group.columns[block]), tiles.to_pixels, axis=2)
    columns = columns.reshape(group.units, group.stacked, group.heights[block], *columns.shape[1:])
    columns = row_major(columns.transpose(0, 3, 1, 4, 2, 5))
    return columns.reshape(group.units, math.prod(columns.shape[1:4]), -1)
