"""An array that is written to memory as it is: what a loop of XLA's gives, on one device and on several."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from geomdl.layers.convolution.algorithms.row_major import row_major

X = jnp.arange(4 * 6 * 5.0).reshape(4, 6, 5)
"""Divided over four devices below."""


def _moved(x: jax.Array) -> jax.Array:
    return row_major(x.swapaxes(1, 2)).reshape(len(x), -1)


def _plainly(x: jax.Array) -> jax.Array:
    return x.swapaxes(1, 2).reshape(len(x), -1)


@pytest.mark.compiled
def test_it_is_the_array_and_its_derivatives_and_batches_are_too():
    np.testing.assert_array_equal(jax.jit(_moved)(X), _plainly(X))
    gradients = [jax.grad(lambda x, f=f: (f(x) ** 3).sum())(X) for f in (_moved, _plainly)]
    np.testing.assert_array_equal(*gradients)
    np.testing.assert_array_equal(jax.jvp(_moved, (X,), (X,))[1], _plainly(X))
    several = jnp.stack([X, X + 1], 1)
    np.testing.assert_array_equal(jax.vmap(_moved, 1, 1)(several)[:, 1], _plainly(X + 1))


def test_a_loop_ends_in_its_axes():
    """In ``[4, 5, 6]``, not in ``[4, 30]`` as XLA does by itself; so does that of the gradient."""
    assert "f32[4,5,6]{2,1,0} fusion" in _compiled(jax.jit(_moved), X)
    assert "f32[4,5,6]{2,1,0} fusion" not in _compiled(jax.jit(_plainly), X)
    backwards = jax.jit(lambda y: jax.linear_transpose(_moved, X)(y)[0])
    assert _constrained(backwards, _plainly(X))


def _constrained(f: Any, x: jax.Array) -> bool:
    return "LayoutConstraint" in f.lower(x).as_text()


def _compiled(f: Any, x: jax.Array) -> str:
    return f.lower(x).compile().as_text()


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return Mesh(np.array(jax.devices()[:4]), ("data",))


def test_an_array_that_xla_divides_is_left_alone(mesh: Mesh):
    divided = jax.device_put(X, NamedSharding(mesh, P("data")))
    assert "all-gather" not in _compiled(jax.jit(_moved), divided)
    y = jax.jit(_moved)(divided)
    assert y.sharding.is_equivalent_to(divided.sharding, 2)
    np.testing.assert_array_equal(y, _plainly(X))
    assert _constrained(jax.jit(_moved), X)


def test_each_device_of_shard_map_writes_its_own(mesh: Mesh):
    mapped = jax.jit(jax.shard_map(_moved, mesh=mesh, in_specs=P("data"), out_specs=P("data")))
    assert _constrained(mapped, X)
    assert "all-gather" not in _compiled(mapped, X)
    np.testing.assert_array_equal(mapped(X), _plainly(X))


def test_exported_programs_do_not_have_it():
    program = export.export(jax.jit(_moved), platforms=("cpu", "cuda"))(X)
    np.testing.assert_array_equal(program.call(X), _plainly(X))
