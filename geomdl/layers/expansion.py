"""Correlation of images with a few fixed functions, as sums of shifted images; linear, with a transpose of its own.

XLA's own transposes of such sums take many times as long on CPUs: here the transpose is a sum of shifted images too.
Two JAX primitives, one the transpose of the other, so that every transformation (jit, grad, jvp, vmap, remat) knows
them.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from geomdl.kernels.rings import Rings

_Sums = dict[tuple[int, int], jax.Array]


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Which functions, and where: output pixel (i, j) sees input pixels (i · stride + s · dilation, …), s < taps.

    Args:
      spatial: the functions, of its size in taps.
      stride: between outputs.
      dilation: between taps.
      size_in: rows and columns of the input, padding included.
      size_out: rows and columns of the output.
    """

    spatial: Rings
    stride: int
    dilation: int
    size_in: tuple[int, int]
    size_out: tuple[int, int]

    @property
    def taps(self) -> list[tuple[int, int, int, int]]:
        """Of every tap the phase of the stride, and the shift within it, along both axes."""
        at = [divmod(s * self.dilation, self.stride) for s in range(self.spatial.size)]
        return [(a[1], b[1], a[0], b[0]) for a in at for b in at]

    @property
    def reach(self) -> int:
        """The largest shift."""
        return (self.spatial.size - 1) * self.dilation // self.stride

    @property
    def size_of_phase(self) -> tuple[int, int]:
        """Rows and columns of each phase, those included that lie below and right of the input."""
        height, width = self.size_out
        return height + self.reach, width + self.reach

    def values(self, dtype: Any) -> jax.Array:
        """``[functions, taps²]``."""
        return jnp.asarray(self.spatial.functions_sampled().T, dtype)


def expand(z: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of images with every function of a geometry.

    Args:
      z: ``[..., height, width, fields]``, padded.
      geometry: of that size.

    Returns:
      ``[functions, ..., height', width', fields]``.
    """
    return _expand_p.bind(z, geometry=geometry)


def gather_back(d: jax.Array, geometry: Geometry) -> jax.Array:
    """The transpose of `expand`."""
    return _back_p.bind(d, geometry=geometry)


def _expand(z: jax.Array, *, geometry: Geometry) -> jax.Array:
    (height, width), (rows, columns) = geometry.size_out, geometry.size_of_phase
    stride, fields, first = geometry.stride, z.shape[-1], z.shape[:-3]
    z = _fit(z, rows * stride, columns * stride)
    phases = {}
    for p, q, _, _ in geometry.taps:
        phase = z[..., p::stride, q::stride, :] if stride > 1 else z
        phases[p, q] = lax.optimization_barrier(phase.reshape(*first, rows, columns * fields))

    def one(values: jax.Array) -> jax.Array:
        parts = [
            phases[p, q][..., i : i + height, j * fields : (j + width) * fields] * values[n]
            for n, (p, q, i, j) in enumerate(geometry.taps)
        ]
        return functools.reduce(jnp.add, parts)

    found = lax.map(one, geometry.values(z.dtype))
    return found.reshape(-1, *first, height, width, fields)


def _fit(z: jax.Array, rows: int, columns: int) -> jax.Array:
    """Zeros below and on the right, or pixels that no window sees left out."""
    below, right = max(0, rows - z.shape[-3]), max(0, columns - z.shape[-2])
    if below or right:
        z = jnp.pad(z, [(0, 0)] * (z.ndim - 3) + [(0, below), (0, right), (0, 0)])
    return z[..., :rows, :columns, :]


def _back(d: jax.Array, *, geometry: Geometry) -> jax.Array:
    (rows, columns), reach, stride = geometry.size_of_phase, geometry.reach, geometry.stride
    functions, *first, height, width, fields = d.shape
    d = jnp.pad(d, [(0, 0)] * (d.ndim - 3) + [(reach, reach), (reach, reach), (0, 0)])
    d = lax.optimization_barrier(d.reshape(functions, *first, height + 2 * reach, (width + 2 * reach) * fields))
    phases: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for n, (p, q, i, j) in enumerate(geometry.taps):
        phases.setdefault((p, q), []).append((n, reach - i, reach - j))
    values = geometry.values(d.dtype)

    def add(s: jax.Array | int, sums: _Sums) -> _Sums:
        here = lax.dynamic_index_in_dim(d, s, keepdims=False)
        weights = lax.dynamic_index_in_dim(values, s, keepdims=False)
        return {
            phase: functools.reduce(
                jnp.add,
                [
                    here[..., i : i + rows, j * fields : (j + columns) * fields] * weights[n]
                    for n, i, j in phases[phase]
                ],
                total,
            )
            for phase, total in sums.items()
        }

    zero = jnp.zeros((*first, rows, columns * fields), d.dtype)
    sums = lax.fori_loop(0, functions, add, dict.fromkeys(phases, zero))
    if stride > 1:
        z = jnp.stack([jnp.stack([sums.get((p, q), zero) for q in range(stride)], -1) for p in range(stride)], -1)
        z = z.reshape(*first, rows, columns, fields, stride, stride)
        n = len(first)
        z = z.transpose(*range(n), n, n + 4, n + 1, n + 3, n + 2)
    else:
        z = sums[0, 0]
    return _fit(z.reshape(*first, rows * stride, columns * stride, fields), *geometry.size_in)


def _primitive(name: str, compute: Any, shape: Any) -> Primitive:
    """A linear primitive of one array whose images are independent."""
    primitive = Primitive(name)
    primitive.def_impl(jax.jit(compute, static_argnames="geometry"))
    primitive.def_abstract_eval(lambda a, *, geometry: ShapedArray(shape(a.shape, geometry), a.dtype))
    mlir.register_lowering(primitive, mlir.lower_fun(compute, multiple_results=False))
    return primitive


def _expanded(shape: tuple[int, ...], geometry: Geometry) -> tuple[int, ...]:
    return (geometry.spatial.functions, *shape[:-3], *geometry.size_out, shape[-1])


def _gathered(shape: tuple[int, ...], geometry: Geometry) -> tuple[int, ...]:
    return (*shape[1:-3], *geometry.size_in, shape[-1])


def _batch_expand(args: Any, axes: Any, *, geometry: Geometry) -> tuple[jax.Array, int]:
    return expand(jnp.moveaxis(args[0], axes[0], 0), geometry), 1


def _batch_back(args: Any, axes: Any, *, geometry: Geometry) -> tuple[jax.Array, int]:
    return gather_back(jnp.moveaxis(args[0], axes[0], 1), geometry), 0


_expand_p = _primitive("geomdl_expand", _expand, _expanded)
_back_p = _primitive("geomdl_expand_transpose", _back, _gathered)
ad.deflinear2(_expand_p, lambda ct, _, *, geometry: [gather_back(ct, geometry)])
ad.deflinear2(_back_p, lambda ct, _, *, geometry: [expand(ct, geometry)])
batching.primitive_batchers[_expand_p] = _batch_expand
batching.primitive_batchers[_back_p] = _batch_back
