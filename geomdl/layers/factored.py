"""The factored group convolution: the convolution of `geomdl.layers.Conv` with less arithmetic, exactly."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from geomdl.equivariance.contract import Size
from geomdl.errors import invalid
from geomdl.kernels.factored import InputBlock, Mixing, Plan, Target, factored_plan, is_factorable
from geomdl.layers.expansion import Geometry, expand
from geomdl.layers.functional import pad
from geomdl.layers.weights import KernelSpaces
from geomdl.layers.window import Window
from geomdl.representations import FieldType

Method = Literal["auto", "dense", "factored"]
"""How a convolution is computed; see `geomdl.layers.Conv`."""

PIXELS = 192
"""About how many output pixels are computed together, so that their expansion stays in cache."""

EXPANSION, REST, MARGIN = 5.2, 2.4, 0.95
"""Of the cost model of `is_faster`: CPU time of a multiply-add over that of one of the dense method."""

WORTHWHILE = 2_000_000
"""Multiply-adds of the dense method, for one image, that the factored one must save: compiling it takes about 2 s of
CPU time more for each layer, which a batch of 16 images then earns back in about a thousand steps."""


def has_factored_method(spaces: KernelSpaces, groups: int) -> bool:
    """Whether a convolution has a factored method besides the dense one: steerable kernels, fields in one group."""
    return groups == 1 and is_factorable(spaces)


def require_factorable(spaces: KernelSpaces, groups: int) -> None:
    """Raises a ValueError where a convolution has no factored method."""
    if groups > 1:
        raise invalid("method with groups", "factored", f"'dense' with groups={groups}", "'dense'")
    if not is_factorable(spaces):
        allowed = "'dense' for pixel kernels, which have no harmonics to factor; or take basis='steerable'"
        raise invalid("method", "factored", allowed, "'dense'")


def factored_multiply_adds(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> int | None:
    """Multiply-adds of `factored_correlate` for one image; None where there is no factored method.

    Of a field pair of C_N and an output pixel about 2·N·S instead of N²·k², S the number of functions; besides, the
    expansion and the changes of basis, which grow with the fields and not with their product.
    """
    if not has_factored_method(spaces, groups):
        return None
    plan = factored_plan(spaces)  # type: ignore[arg-type]
    fields_in, fields_out = [b.multiplicity for b in in_type.blocks], [b.multiplicity for b in out_type.blocks]
    pixels = math.prod(window.output_size(size))
    count = plan.mixing_multiply_adds(fields_in, fields_out) + plan.expansion_multiply_adds(fields_in)
    count += sum(n * block.synthesis.size for n, block in zip(fields_out, plan.outputs, strict=True))
    to_irreps = sum(n * block.analysis.size for n, block in zip(fields_in, plan.inputs, strict=True))
    return pixels * count + math.prod(n + 2 * window.pixels_of_padding for n in size) * to_irreps


def is_faster(
    spaces: KernelSpaces, in_type: FieldType, out_type: FieldType, window: Window, size: Size, groups: int = 1
) -> bool:
    """Whether the factored method is worth its longer compilation here, by a cost model; False on a GPU or TPU.

    The model weighs multiply-adds: those of the expansion `EXPANSION`, all others `REST` times one of the dense method.
    Fitted to the CPU time of gradients of layers of C4 and C8 with 12 to 48 fields, 5 × 5, on 13 × 13 pixels,
    batch 16, float32, on 2 CPU cores; there it is right to about 15 %. What is saved for an image must be more than
    `WORTHWHILE`. A batch divided over devices is not looked at.
    """
    count = factored_multiply_adds(spaces, in_type, out_type, window, size, groups)
    if count is None or jax.default_backend() != "cpu":
        return False
    plan = factored_plan(spaces)  # type: ignore[arg-type]
    pixels = math.prod(window.output_size(size))
    expansion = pixels * plan.expansion_multiply_adds([b.multiplicity for b in in_type.blocks])
    dense = pixels * window.size**2 * in_type.size * out_type.size
    saved = MARGIN * dense - (EXPANSION * expansion + REST * (count - expansion))
    return saved > WORTHWHILE


def factored_correlate(
    x: jax.Array,
    weights: Sequence[jax.Array],
    spaces: KernelSpaces,
    in_type: FieldType,
    out_type: FieldType,
    window: Window,
    *,
    images_at_once: int | None = None,
) -> jax.Array:
    """What `geomdl.layers.functional.correlate` gives for the expanded kernel, without making it.

    The fields go to coordinates of irreps; every component is correlated with the spatial functions; one matrix for
    each output irrep mixes the channels; the fields come back. See `geomdl.kernels.factored`. A few images at a time,
    computed once more for the gradient, so the expansion takes little memory. Half precisions are computed in float32.

    Args:
      x: ``[batch, height, width, channels]``.
      weights: ``[dimension, fields_in, fields_out]`` for each pair of blocks.
      spaces: steerable kernels, ``spaces[i][o]``.
      in_type: what comes in.
      out_type: what goes out.
      window: its geometry.
      images_at_once: how many images are computed together; by default such that they have about `PIXELS` pixels.

    Raises:
      ValueError: when the window does not fit.
    """
    plan = factored_plan(spaces)  # type: ignore[arg-type]
    kernels = mixing_matrices(plan, weights)
    return correlate_with_matrices(x, kernels, plan, in_type, out_type, window, images_at_once=images_at_once)


def correlate_with_matrices(
    x: jax.Array,
    kernels: Sequence[jax.Array],
    plan: Plan,
    in_type: FieldType,
    out_type: FieldType,
    window: Window,
    *,
    images_at_once: int | None = None,
) -> jax.Array:
    """`factored_correlate` with the matrices of `mixing_matrices` in place of weights."""
    size = window.output_size(x.shape[1:3])
    if not plan.targets or 0 in size or 0 in x.shape:
        return jnp.zeros((len(x), *size, out_type.size), x.dtype)
    matrices = [kernel.astype(_wide(x.dtype)) for kernel in kernels]

    def some(images: jax.Array) -> jax.Array:
        return _correlate(images, matrices, plan, in_type, out_type, window)

    return _in_parts(some, x, images_at_once or max(1, round(PIXELS / math.prod(size))))


def _in_parts(function: Callable[[jax.Array], jax.Array], x: jax.Array, images_at_once: int) -> jax.Array:
    """``function`` of a few images at a time; what it computes between is computed once more for the gradient.

    With several devices every part has images from all over the batch, one run of neighbours for each device or more: a
    batch that is divided over them stays where it is.
    """
    batch, devices = len(x), jax.device_count()
    once = jax.checkpoint(function, prevent_cse=False)
    images_at_once *= devices
    if batch <= images_at_once:
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


def mixing_matrices(plan: Plan, weights: Sequence[jax.Array]) -> list[jax.Array]:
    """For each target irrep the matrix ``[columns of all input fields, rows of all output fields]``."""
    flat = iter(weights)
    rows = [[_mixing(mixing, next(flat)) for mixing in row] for row in plan.mixings]
    return [
        jnp.concatenate([jnp.concatenate([pair[n] for pair in row], 1) for row in rows], 0)
        for n in range(len(plan.targets))
    ]


def _mixing(mixing: Mixing, weights: jax.Array) -> list[jax.Array]:
    fields_in, fields_out = weights.shape[1:]
    shapes = mixing.shapes
    ends = np.cumsum([a * b for a, b in shapes])
    if len(mixing.index) and mixing.index.shape[1]:
        value = jnp.asarray(mixing.value, weights.dtype)[..., None, None]
        entries = (weights[jnp.asarray(mixing.index)] * value).sum(1)
    else:
        entries = jnp.zeros((len(mixing.index), fields_in, fields_out), weights.dtype)
    return [
        entries[end - a * b : end]
        .reshape(a, b, fields_in, fields_out)
        .transpose(0, 2, 1, 3)
        .reshape(a * fields_in, b * fields_out)
        for end, (a, b) in zip(ends, shapes, strict=True)
    ]


def _wide(dtype: Any) -> jnp.dtype:
    """float64 for float64, else float32."""
    return jnp.dtype(dtype) if jnp.dtype(dtype).itemsize > 4 else jnp.dtype("float32")


def _correlate(
    x: jax.Array, kernels: list[jax.Array], plan: Plan, in_type: FieldType, out_type: FieldType, window: Window
) -> jax.Array:
    images, size = len(x), window.output_size(x.shape[1:3])
    wide = _wide(x.dtype)
    columns: list[list[jax.Array]] = [[] for _ in plan.targets]
    for field_block, block in zip(in_type.blocks, plan.inputs, strict=True):
        part = x[..., field_block.channels].astype(wide)
        d = _expanded(part, block, plan, window, size, field_block.multiplicity)
        for n, found in enumerate(_columns(d, block, plan.targets)):
            columns[n] += found
    mixed = []
    for target, parts, kernel in zip(plan.targets, columns, kernels, strict=True):
        together = jnp.concatenate(parts, -1)  # [stacked, pixels, columns]
        y = jnp.matmul(together, kernel, precision="highest")
        mixed.append((target, y))
    return _collected(mixed, plan, out_type, (images, *size), wide).astype(x.dtype)


def _expanded(
    x: jax.Array, block: InputBlock, plan: Plan, window: Window, size: tuple[int, ...], fields: int
) -> jax.Array:
    """``[functions, components, images, height, width, fields]``: every component by every function."""
    x = pad(x, window.pixels_of_padding, window.padding_mode)
    z = jnp.einsum(
        "pq,bhwfq->pbhwf",
        jnp.asarray(block.analysis, x.dtype),
        x.reshape(*x.shape[:3], fields, len(block.analysis)),
        precision="highest",
    )
    geometry = Geometry(plan.spatial, window.stride, window.dilation, x.shape[1:3], size)  # pyright: ignore
    return expand(z, geometry)


def _columns(d: jax.Array, block: InputBlock, targets: tuple[Target, ...]) -> list[list[jax.Array]]:
    """For each target the columns of every source, ``[stacked, pixels, columns · copies · fields]``."""
    found: list[list[jax.Array]] = [[] for _ in targets]
    functions, _, images, height, width, fields = d.shape
    pixels = images * height * width
    for source in block.sources:
        if not len(source.matrix):
            continue
        here = d[:, source.rows].reshape(functions, -1, source.copies, images, height * width * fields)
        columns = jnp.einsum("csd,sdkbx->ckbx", jnp.asarray(source.matrix, d.dtype), here, precision="highest")
        for n, (target, part) in enumerate(zip(targets, source.slices, strict=True)):
            count = (part.stop - part.start) // target.stacked
            if count:
                e = columns[part].reshape(target.stacked, count, source.copies, pixels, fields)
                found[n].append(e.transpose(0, 3, 1, 2, 4).reshape(target.stacked, pixels, -1))
    return found


def _collected(
    mixed: list[tuple[Target, jax.Array]], plan: Plan, out_type: FieldType, shape: tuple[int, ...], dtype: jnp.dtype
) -> jax.Array:
    """Back from the irreps to the channels of every block."""
    starts = [0] * len(mixed)
    blocks = []
    for field_block, block in zip(out_type.blocks, plan.outputs, strict=True):
        fields, parts = field_block.multiplicity, []
        for n, copies in enumerate(block.copies):
            if not copies:
                continue
            target, y = mixed[n]
            width = target.rows * copies * fields
            part = y[:, :, starts[n] : starts[n] + width]
            starts[n] += width
            part = part.reshape(target.stacked, -1, target.rows, copies, fields).transpose(1, 0, 2, 3, 4)
            parts.append(part.reshape(-1, target.size * copies, fields))
        if not parts:
            blocks.append(jnp.zeros((*shape, fields * len(block.synthesis)), dtype))
            continue
        matrix = jnp.asarray(block.synthesis, dtype)
        y = jnp.einsum("qc,pcf->pfq", matrix, jnp.concatenate(parts, 1), precision="highest")
        blocks.append(y.reshape(*shape, -1))
    return jnp.concatenate(blocks, -1)
