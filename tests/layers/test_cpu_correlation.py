"""Correlations on CPUs, gradients summed in parts: derivatives of every mode are those of the plain correlation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from geomdl.layers.core import cpu_correlation
from geomdl.layers.core.correlation import correlate
from geomdl.layers.core.cpu_correlation import correlation, looped, parts

SHAPES = (  # images, kernel, padding, parts
    ((16, 12, 10, 8), (3, 3, 8, 5), (1, 1), (4, 3)),
    ((8, 24, 7, 8), (5, 3, 8, 6), (2, 1), (2, 6)),
    ((6, 16, 8, 8), (2, 4, 8, 4), (0, 0), (1, 3)),
    ((4, 40, 9, 8), (1, 1, 8, 4), (0, 0), (1, 10)),
    ((12, 12, 12, 8), (3, 3, 8, 3), (2, 3), (3, 2)),  # the output is larger than the input
    ((5, 11, 12, 8), (3, 3, 8, 3), (1, 1), (1, 1)),  # primes have no parts
)


def plain(x, kernel, padding):
    pads = [(p, p) for p in padding]
    return lax.conv_general_dilated(x, kernel, (1, 1), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.fixture
def small_parts(monkeypatch):
    for name, value in (("_PIXELS", 64), ("_LARGE", 2**9), ("_PART", 2**12)):
        monkeypatch.setattr(cpu_correlation, name, value)


def draw(shape, kernel, dtype):
    a, b = jax.random.split(jax.random.key(0))
    return jax.random.normal(a, shape, dtype), jax.random.normal(b, kernel, dtype)


DERIVATIVES = {
    "reverse": lambda f, x, k: jax.vjp(f, x, k)[1](jnp.cos(f(x, k))),
    "forward": lambda f, x, k: jax.jvp(f, (x, k), (x * 0.3, k**2)),
    "of the kernel alone": lambda f, x, k: jax.grad(lambda k: (f(x, k) ** 3).sum())(k),
    "of the images alone": lambda f, x, k: jax.grad(lambda x: (f(x, k) ** 3).sum())(x),
    "of a gradient": lambda f, x, k: jax.grad(
        lambda x: (jax.grad(lambda k: jnp.sin(f(x, k)).sum())(k) ** 2).sum()
    )(x),
    "of many kernels": lambda f, x, k: jax.vmap(jax.grad(lambda k: (f(x, k) ** 2).sum()))(jnp.stack([k, 2 * k])),
}  # fmt: skip


@pytest.mark.parametrize(
    ("shapes", "inside"),
    [
        pytest.param(s, i, marks=[] if (n, i) in ((1, False), (4, True)) else pytest.mark.long)
        for n, s in enumerate(SHAPES)
        for i in (False, True)
    ],
    ids=str,
)
@pytest.mark.usefixtures("small_parts")
def test_derivatives_are_those_of_the_plain_correlation(shapes, inside):
    shape, kernel, padding, expected = shapes
    with jax.enable_x64(True), looped(inside):
        x, k = draw(shape, kernel, jnp.float64)
        assert parts(x, k, padding) == expected

        def derivatives(of, x, k):
            return {name: d(lambda x, k: of(x, k, padding), x, k) for name, d in DERIVATIVES.items()}

        found, wanted = (jax.jit(lambda x, k, f=f: derivatives(f, x, k))(x, k) for f in (correlation, plain))
        for name in DERIVATIVES:
            for a, b in zip(jax.tree.leaves(found[name]), jax.tree.leaves(wanted[name]), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * np.abs(b).max(), err_msg=name)


@pytest.mark.usefixtures("small_parts")
def test_half_precisions_stay_what_they_are():
    x, k = (jax.ShapeDtypeStruct(shape, jnp.bfloat16) for shape in ((16, 12, 10, 8), (3, 3, 8, 5)))
    assert parts(x, k, (1, 1))[0] > 1
    gradients = jax.grad(lambda x, k: correlation(x, k, (1, 1)).astype(jnp.float32).sum(), (0, 1))
    assert [g.dtype for g in jax.eval_shape(gradients, x, k)] == [jnp.bfloat16, jnp.bfloat16]


@pytest.mark.usefixtures("small_parts")
def test_every_device_keeps_its_images():
    """A batch divided over devices is not moved between them: only the gradient is summed over all, once."""
    mesh = jax.make_mesh((4,), ("batch",), axis_types=(AxisType.Auto,))
    x, k = draw((32, 12, 10, 8), (3, 3, 8, 5), jnp.float32)
    assert parts(x, k, (1, 1))[0] > 1
    divided = jax.device_put(x, NamedSharding(mesh, PartitionSpec("batch")))
    same = jax.device_put(k, NamedSharding(mesh, PartitionSpec()))

    def gradient(x, k):
        return jax.grad(lambda k: (correlation(x, k, (1, 1)) ** 2).sum())(k)

    program = jax.jit(gradient, out_shardings=NamedSharding(mesh, PartitionSpec())).lower(divided, same).compile()
    text = program.as_text()
    assert text.count(" all-reduce(") == 1
    assert not any(name in text for name in ("all-gather", "all-to-all", "collective-permute"))
    # thousands of products are summed in another order, in float32: hence the tolerance
    wanted = jax.grad(lambda k: (plain(x, k, (1, 1)) ** 2).sum())(k)
    np.testing.assert_allclose(program(divided, same), wanted, rtol=1e-4)

    def of_each(x, k):
        return jax.grad(lambda k: (correlation(x, k, (1, 1)) ** 2).sum())(k)

    alone = jax.shard_map(
        of_each, mesh=mesh, in_specs=(PartitionSpec("batch"), PartitionSpec()), out_specs=PartitionSpec()
    )
    np.testing.assert_allclose(jax.jit(alone)(divided, same), wanted, rtol=1e-4)


def test_layers_take_them():
    """The convolutions of images and of volumes have the parts where they are large, and not where they are small."""

    def in_loops(size, images):
        x, k = (
            jax.ShapeDtypeStruct((images, *size, 16), "float32"),
            jax.ShapeDtypeStruct((*[3 for _ in size], 16, 64), "float32"),
        )
        jaxpr = jax.make_jaxpr(jax.grad(lambda x, k: correlate(x, k, padding=1).sum(), (0, 1)))(x, k)
        return "scan" in str(jaxpr)

    assert in_loops((32, 32), 64)
    assert in_loops((16, 32, 32), 4)
    assert not in_loops((8, 8), 16)
    assert not in_loops((8, 8, 8), 2)
