"""Products with sparse matrices, as a JAX primitive whose transpose is such a product too.

XLA's own transpose of taking rows adds them up one at a time; here the transposed table takes rows again.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from geomdl.kernels.factored.sparse_rows import SparseRows


def take_rows(x: jax.Array, table: SparseRows, axis: int = 0) -> jax.Array:
    """y[r] = Σ_s value[r, s] x[index[r, s]] along an axis ≥ 0; every transformation of JAX knows it.

    >>> table = SparseRows.of([[(2, 1.0)], [(0, 0.5), (2, -1.0)]], columns=3)
    >>> print(take_rows(jnp.array([2.0, 4.0, 8.0]), table))
    [ 8. -7.]
    >>> print(jax.grad(lambda x: take_rows(x, table)[1])(jnp.zeros(3)))
    [ 0.5  0.  -1. ]
    """
    if table.is_identity:
        return x
    return _take_rows_p.bind(x, table=table, axis=axis)


def _shape(shape: tuple[int, ...], table: SparseRows, axis: int) -> tuple[int, ...]:
    return (*shape[:axis], len(table.index), *shape[axis + 1 :])


def _take_rows(x: jax.Array, *, table: SparseRows, axis: int) -> jax.Array:
    if (table.index == table.columns).any():
        x = jnp.pad(x, [(0, int(n == axis)) for n in range(x.ndim)])
    total = jnp.zeros(_shape(x.shape, table, axis), x.dtype)
    for s in range(table.index.shape[1]):
        rows = jnp.take(x, table.index[:, s], axis=axis, mode="clip")
        if table.value is not None and not (table.value[:, s] == 1).all():
            rows *= jnp.asarray(table.value[:, s], x.dtype).reshape(-1, *[1] * (x.ndim - 1 - axis))
        total = rows if s == 0 else total + rows
    return total


def _batched(args: Any, axes: Any, *, table: SparseRows, axis: int) -> tuple[jax.Array, int]:
    return take_rows(jnp.moveaxis(args[0], axes[0], 0), table, axis + 1), 0


def _abstract(x: Any, *, table: SparseRows, axis: int) -> Any:
    return x.update(shape=_shape(x.shape, table, axis))


def _transposed(ct: jax.Array, _: Any, *, table: SparseRows, axis: int) -> list[jax.Array]:
    return [take_rows(ct, table.transposed, axis)]


_take_rows_p = Primitive("geomdl_take_rows")
_take_rows_p.def_impl(jax.jit(_take_rows, static_argnames=("table", "axis")))
_take_rows_p.def_abstract_eval(_abstract)
mlir.register_lowering(_take_rows_p, mlir.lower_fun(_take_rows, multiple_results=False))
ad.deflinear2(_take_rows_p, _transposed)
batching.primitive_batchers[_take_rows_p] = _batched
