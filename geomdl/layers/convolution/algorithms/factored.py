"""The factored group convolution: the convolution of `geomdl.layers.Conv` with less arithmetic, exactly."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid, unknown
from geomdl.kernels.factored import InputBlock, Plan, factored_plan, is_factorable
from geomdl.kernels.sparse_rows import SparseRows
from geomdl.layers.convolution.algorithms.mixing import Geometry, mix, tiles_of
from geomdl.layers.convolution.algorithms.pallas_kernel import mix_by_one_kernel
from geomdl.layers.convolution.algorithms.sparse_rows import take_rows
from geomdl.layers.core.field_channels import wide
from geomdl.layers.core.weights import KernelSpaces
from geomdl.layers.core.window import Window
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


def require_possible(method: str, spaces: KernelSpaces, groups: int = 1, window: Window | None = None) -> Method:
    """Returns a method of a layer; raises a ValueError for any other, or one that a convolution does not have."""
    found = require_method(method)
    if found in ("factored", "fused") and not _is_square_on_plane(spaces, window):
        raise invalid(
            "method", found, "'dense' of windows that differ from axis to axis, or are not of the plane", "'dense'"
        )
    if found in ("factored", "fused") and not is_factorable(spaces):
        allowed = "'dense' where some pairs of fields have pixel kernels and others have not; or take basis='steerable'"
        raise invalid("method", found, allowed, "'dense'")
    if found == "fused" and groups > 1:
        raise invalid("method", found, f"'dense', 'factored' or 'auto' with {groups} groups of fields", "'factored'")
    return found


def _is_square_on_plane(spaces: KernelSpaces, window: Window | None) -> bool:
    """Whether windows and kernels are what the plan of the factored convolution is made for."""
    square = window is None or window.dimension is None
    return square and all(len(space.shape) == 2 and isinstance(space.size, int) for row in spaces for space in row)


def factored_multiply_adds(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> int | None:
    """Multiply-adds of `factored_correlate` for one image; None where there is no factored method.

    Of a field pair of C_N and an output pixel about 2·N·S instead of N²·k², S the number of functions; besides, the
    expansion, tile by tile, and the changes of basis, which grow with the fields and not with their product.
    """
    if not is_factorable(spaces) or not _is_square_on_plane(spaces, window):
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
        tiles = tiles_of(block, window, size)
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


def is_faster(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> bool:
    """Whether the factored method is worth its longer compilation here, by a cost model; False on a GPU or TPU.

    What is saved for an image by `expected_cost` must be more than `WORTHWHILE`. A batch divided over devices is not
    looked at.
    """
    known = all(isinstance(n, int) for n in size)
    if (
        not known
        or not is_factorable(spaces)
        or not _is_square_on_plane(spaces, window)
        or jax.default_backend() != "cpu"
    ):
        return False
    dense = math.prod(window.output_size(size)) * window.taps(2) * in_type.size * out_type.size // groups
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
    """What `geomdl.layers.core.functional.correlate` gives for the expanded kernel, without making it.

    The fields go to coordinates of irreps (those of irreps are in them), which are correlated with a few fixed kernels;
    one matrix for each output irrep mixes the channels; the fields come back. See `geomdl.kernels.factored`. A few
    images at a time, computed once more for the gradient, so the expansion takes little memory. Half precisions are
    computed in float32. What is not finite spreads to the whole tile of outputs that sees it
    (`geomdl.layers.convolution.algorithms.tiles`).

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
      fused: whether one kernel expands and mixes, in the precision of x; see
        `geomdl.layers.convolution.algorithms.pallas_kernel`.

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

    def some(images: jax.Array) -> jax.Array:
        return _correlate(images, matrices, plan, in_type, out_type, window, fused=fused)

    return some(x) if fused else _in_parts(some, x, images_at_once or _at_once(x.shape[0], size))


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

    For each group of output units, of all blocks of the output, and each block of the input that goes into it. Of
    several groups of fields each has its own: ``[groups, units, …]``.
    """
    if groups > 1:
        apart = [weight.reshape(*weight.shape[:2], groups, -1) for weight in weights]
        return jax.vmap(functools.partial(mixing_matrices, spaces), 2)(apart)
    plan, matrices = factored_plan(spaces), {}
    for g, group in enumerate(plan.groups):
        for i, o in group.pairs:
            weight = weights[i * len(group.copies) + o]
            fields_in, fields_out = weight.shape[1:]
            entries = _of_weights(group.mixings[i][o], weight)
            entries = entries.reshape(group.units, group.heights[i], -1, fields_in, fields_out)
            entries = entries.transpose(0, 2, 4, 1, 3)
            matrices.setdefault((g, i), []).append(entries.reshape(group.units, -1, group.heights[i] * fields_in))
    return [jnp.concatenate(of_pair, 1) for of_pair in matrices.values()]


def _of_weights(mixing: SparseRows | np.ndarray, weight: jax.Array) -> jax.Array:
    if isinstance(mixing, SparseRows):
        return take_rows(weight, mixing)
    return jnp.tensordot(jnp.asarray(mixing, weight.dtype), weight, 1, precision="highest")


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
    dtype, geometry, images = wide(x.dtype), Geometry(plan, window, x.shape[1:3]), x.shape[0]
    coordinates = [
        _coordinates(x[..., fields.channels].astype(dtype), block, fields.multiplicity)
        for fields, block in zip(in_type.blocks, plan.inputs, strict=True)
    ]
    if fused:
        mixed = [y.astype(dtype) for y in mix_by_one_kernel(coordinates, matrices, geometry, x.dtype)]
    else:
        mixed = mix(coordinates, matrices, geometry)
    pixels = math.prod(geometry.out_size)
    found: list[Any] = [
        jnp.zeros((fields.representation.size, fields.multiplicity, images, pixels), dtype)
        for fields in out_type.blocks
    ]
    for group, of_group in zip(plan.groups, mixed, strict=True):
        lengths = [group.rows * n * b.multiplicity for n, b in zip(group.copies, out_type.blocks, strict=True)]
        parts = jnp.split(of_group, np.cumsum(lengths)[:-1].tolist(), 1)
        for o, part in enumerate(parts):
            if not lengths[o]:
                continue
            y = part.reshape(group.units, group.rows, group.copies[o], -1, images, group.stacked, pixels)
            selection = group.selections[o]
            if selection is None:
                matrix = jnp.asarray(group.syntheses[o], dtype)
                found[o] += lax.dot_general(matrix, y, (((1, 2, 3, 4), (0, 1, 2, 5)), ((), ())), precision="highest")
            else:
                y = y.transpose(0, 1, 2, 5, 3, 4, 6)
                found[o] += take_rows(y.reshape(-1, *y.shape[4:]), selection)
    blocks = [y.transpose(2, 3, 1, 0).reshape(images, *geometry.out_size, -1) for y in found]
    return jnp.concatenate(blocks, -1).astype(x.dtype)


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
