"""An array as a value of its own in memory, as a JAX primitive."""

from typing import Any

import jax
from jax.experimental.layout import Layout, with_layout_constraint
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


def row_major(x: jax.Array) -> jax.Array:
    """x, which on CPUs is written to memory with its axes as they are; so is the gradient.

    Otherwise XLA lets a loop that moves numbers about end in the axes that a following reshape makes of them. The loop
    divides the place of every single number by the length of an axis then, and takes several times as long.

    >>> print(jax.grad(lambda x: (row_major(x) ** 2).sum())(jax.numpy.ones((2, 2))))
    [[2. 2.]
     [2. 2.]]
    """
    return _row_major_p.bind(x)


def _on_cpu(ctx: Any, x: Any) -> Any:
    exported = ctx.module_context.lowering_parameters.for_export  # other versions of XLA may not know it
    if exported or not _is_of_one_device(ctx.module_context.axis_context):
        return [x]
    layout = Layout(tuple(range(ctx.avals_in[0].ndim)))
    return mlir.lower_fun(lambda x: with_layout_constraint(x, layout), multiple_results=False)(ctx, x)


def _is_of_one_device(context: Any) -> bool:
    """Whether the program is one device's; XLA would gather an array that it divides itself."""
    if hasattr(context, "num_devices"):
        return context.num_devices == 1
    return hasattr(context, "mesh") and set(context.mesh.axis_names) == set(context.manual_axes)


_row_major_p = Primitive("geomdl_row_major")
_row_major_p.def_impl(lambda x: x)
_row_major_p.def_abstract_eval(lambda x: x)
mlir.register_lowering(_row_major_p, lambda _, x: [x])
mlir.register_lowering(_row_major_p, _on_cpu, platform="cpu")
ad.deflinear2(_row_major_p, lambda ct, _: [_row_major_p.bind(ct)])
batching.primitive_batchers[_row_major_p] = lambda args, axes: (row_major(args[0]), axes[0])
