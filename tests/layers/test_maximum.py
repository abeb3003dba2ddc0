"""Gradients of maxima: equal shares at ties, in every way of compiling, on every number of devices."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from geomdl.actions import act
from geomdl.groups import group
from geomdl.layers import (
    AdaptivePool,
    GlobalPool,
    GroupPool,
    Identity,
    Layer,
    Maxout,
    NormMaxPool,
    Pool,
    ReducedSize,
    VectorField,
    Window,
    antialiased_max_pool,
    pool,
)
from geomdl.layers.core.functional import maxout
from geomdl.layers.core.maximum import Along, Bins, Sliding, largest, maximum_over, shares_of_largest
from geomdl.representations import FieldType

pytestmark = pytest.mark.compiled
WAYS: list[dict[str, int | bool]] = [{}, {"xla_backend_optimization_level": 0}]
if jax.__version__.startswith("0.10."):  # others may not know the option
    WAYS[1] |= {"xla_cpu_use_fusion_emitters": False}


def tied(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers such that most windows have several equal largest ones."""
    return np.random.default_rng(seed).integers(-1, 2, shape).astype(np.float32)


def weighted(f: Callable, y: jax.Array) -> Callable:
    weights = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    return lambda x: (f(x) * weights).sum()


def windows_of(n: int, window: Window) -> list[list[int]]:
    """The pixels of each window along an axis, one by one."""
    starts = (k * window.stride - window.pixels_of_padding for k in range(window.output_size((n,))[0]))
    places = [[start + t * window.dilation for t in range(window.size)] for start in starts]
    return [[p for p in window_places if 0 <= p < n] for window_places in places]


def explicit(x: np.ndarray, rows: list[list[int]], columns: list[list[int]], weights: np.ndarray) -> np.ndarray:
    """The gradient of Σ weight · maximum of rows × columns: weight/n for each of the n largest, window by window."""
    gradient = np.zeros(x.shape)
    for b, r, s, c in np.ndindex(weights.shape):
        places = [(b, i, j, c) for i in rows[r] for j in columns[s]]
        winners = [p for p in places if x[p] == max(x[q] for q in places)]
        for p in winners:
            gradient[p] += weights[b, r, s, c] / len(winners)
    return gradient


def agrees_with_the_loop(f: Callable, x: np.ndarray, rows: list[list[int]], columns: list[list[int]]) -> None:
    weights = np.random.default_rng(1).normal(size=jax.eval_shape(f, x).shape).astype(np.float32)
    found = jax.jit(jax.grad(lambda x: (f(x) * weights).sum()))(x)
    np.testing.assert_allclose(found, explicit(x, rows, columns, weights), atol=1e-5)


@pytest.mark.parametrize(
    ("size", "window"),
    [
        ((6, 8), Window(2, 2)),
        ((7, 5), Window(3, 2, 1)),
        ((7, 6), Window(2, 3, 1, remainder="keep")),
        ((8, 7), Window(3, 2, remainder="drop")),
        ((35, 36), Window(33, 2, 1, remainder="drop")),
    ],
    ids=str,
)
def test_pooling_is_the_loop_over_windows(size: tuple[int, int], window: Window) -> None:
    options = {"stride": window.stride, "padding": window.padding, "remainder": window.remainder}
    rows, columns = (windows_of(n, window) for n in size)
    agrees_with_the_loop(lambda x: pool(x, window.size, **options), tied(1, *size, 2), rows, columns)


def test_windows_with_dilation_bins_and_long_axes_are_the_loop() -> None:
    wide = Window(3, 2, 1, dilation=2, remainder="drop")
    slides = [Sliding(axis, 3, 2, wide.output_size((n,))[0], 1, 2) for axis, n in ((1, 8), (2, 9))]
    x = tied(1, 8, 9, 2)
    agrees_with_the_loop(lambda x: maximum_over(x, *slides), x, windows_of(8, wide), windows_of(9, wide))
    ends = [(0, 4), (3, 6), (5, 8)]
    bins = [list(range(a, b)) for a, b in ends]
    agrees_with_the_loop(lambda x: maximum_over(x, Bins(1, tuple(ends)), Bins(2, tuple(ends))), x, bins, bins)
    long = tied(1, 70, 3, 2)
    whole = [[list(range(n))] for n in (70, 3)]
    agrees_with_the_loop(lambda x: maximum_over(x, Along(2), Along(1))[:, None, None], long, *whole)


REGULAR, SCALAR = FieldType("D4", "4 regular"), FieldType("D4", "2 trivial")
LAYERS: list[tuple[Layer, int]] = [
    (Pool(REGULAR, 2), 6),
    (Pool(SCALAR, 3, stride=2, padding=1), 7),
    (ReducedSize(Identity(SCALAR)), 6),
    (ReducedSize(Identity(SCALAR)), 5),
    (ReducedSize(Identity(SCALAR), circular=True), 5),
    (AdaptivePool(SCALAR, 3, "max"), 5),
    (GlobalPool(REGULAR, "max"), 4),
    (GroupPool(REGULAR), 3),
    (Maxout(REGULAR), 3),
    (antialiased_max_pool(SCALAR), 6),
    (NormMaxPool(REGULAR, 2), 4),
]


@pytest.mark.parametrize(("layer", "n"), LAYERS, ids=[f"{type(layer).__name__}-{n}" for layer, n in LAYERS])
def test_gradients_at_ties_are_equivariant(layer: Layer, n: int) -> None:
    """∇⟨ρ_out(g) w, f⟩ at ρ_in(g) x is ρ_in(g) ∇⟨w, f⟩ at x: for few values, zeros of a ReLU, and a constant."""
    many = jnp.stack([tied(n, n, layer.in_type.size), np.maximum(tied(n, n, layer.in_type.size, seed=2), 0),
                      np.ones((n, n, layer.in_type.size), np.float32)])  # fmt: skip
    shape = jax.eval_shape(layer, many).shape
    weights = jnp.asarray(np.random.default_rng(1).normal(size=shape), jnp.float32)

    @jax.jit
    def gradient(x: jax.Array, weights: jax.Array) -> jax.Array:
        return jax.grad(lambda x: (layer(x) * weights).sum())(x)

    found = gradient(many, weights)
    for g in group("D4").elements():
        there = gradient(act(g, many, layer.in_type), act(g, weights, layer.out_type))
        np.testing.assert_allclose(there, act(g, found, layer.in_type), atol=1e-5)
    if not isinstance(layer, NormMaxPool) and len(getattr(layer, "layers", [])) == 0:
        np.testing.assert_allclose(found.sum(), weights.sum(), rtol=1e-4)  # every share counts, and no more than once


def reduced(x: jax.Array) -> jax.Array:
    return ReducedSize(Identity(FieldType("C1", "16 trivial")))(x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: largest(x.reshape(*x.shape[:3], 4, 4)),
        lambda x: pool(x, 2),
        lambda x: pool(x, 3, stride=1, padding=1),
        lambda x: reduced(x),
        lambda x: largest(x, 2),
    ],
    ids=["group pooling", "pooling", "overlapping", "reduced size", "axis"],
)
def test_gradients_are_the_same_in_every_way_of_compiling(f: Callable) -> None:
    """What is compared with its maximum comes from a batch norm, which compilers fuse with what follows, or do not."""
    keys = jax.random.split(jax.random.key(0), 3)
    x, shift = jax.random.normal(keys[0], (4, 16, 16, 16)), jax.random.normal(keys[1], (16,))
    x = x.at[1].set(x[1, :1, :1])  # a constant image
    scale = 1 + jax.random.normal(keys[2], (16,))

    def values(x: jax.Array) -> jax.Array:
        return f(x * scale + shift)

    loss = weighted(values, values(x))
    eager = jax.grad(loss)(x)
    for way in WAYS:
        found = jax.jit(jax.grad(loss)).lower(x).compile(way)(x)
        np.testing.assert_allclose(found, eager, atol=1e-4, err_msg=str(way))


def test_shares_that_are_values_are_never_lost() -> None:
    """The norm and the direction of what symmetry makes equal: a lost share would be a vector of zeros."""
    keys = jax.random.split(jax.random.key(0), 3)
    x, shift = jax.random.normal(keys[0], (4, 16, 16, 16)), jax.random.normal(keys[1], (16,))
    scale = 1 + jax.random.normal(keys[2], (16,))
    layer = VectorField(FieldType("C4", "4 regular"), "identity")
    for way in WAYS:
        y = jax.jit(lambda x: layer(x * scale + shift)).lower(x).compile(way)(x)
        most = np.asarray(x * scale + shift).reshape(*x.shape[:3], 4, 4).max(-1)
        norms = np.linalg.norm(np.asarray(y).reshape(*x.shape[:3], 4, 2), axis=-1)
        np.testing.assert_allclose(norms, np.abs(most), atol=1e-5, err_msg=str(way))


def test_four_devices_have_the_gradient_of_one() -> None:
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))

    def gradient(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: (pool(x, 3, stride=2, padding=1) ** 2).sum() + (maxout(x) ** 2).sum())(x)

    x = tied(8, 7, 7, 4)
    alone = jax.jit(gradient)(x)
    there = jax.device_put(x, NamedSharding(mesh, PartitionSpec("data")))
    np.testing.assert_allclose(jax.jit(gradient)(there), alone, atol=1e-6)
    mapped = jax.shard_map(gradient, mesh=mesh, in_specs=PartitionSpec("data"), out_specs=PartitionSpec("data"))
    np.testing.assert_allclose(jax.jit(mapped)(there), alone, atol=1e-6)


def test_forward_mode_second_derivatives_and_batches() -> None:
    x, t = tied(2, 5, 5, 3), np.random.default_rng(1).normal(size=(2, 5, 5, 3)).astype(np.float32)

    def f(x: jax.Array) -> jax.Array:
        return (pool(x, 3, stride=2, padding=1) ** 2).sum() + (largest(x) ** 3).sum()

    @jax.jit
    def derivatives(x: jax.Array, t: jax.Array) -> tuple[jax.Array, ...]:
        forward, second = (jax.jvp(g, (x,), (t,))[1] for g in (f, jax.grad(f)))
        backward = jax.grad(lambda x: (jax.grad(f)(x) * t).sum())(x)
        return jax.grad(f)(x), forward, second, backward, jax.vmap(jax.grad(f))(x[:, None])[:, 0]

    gradient, forward, second, backward, batched = derivatives(x, t)
    np.testing.assert_allclose(forward, (gradient * t).sum(), rtol=1e-4)
    np.testing.assert_allclose(second, backward, atol=1e-4)
    np.testing.assert_allclose(batched, gradient, atol=1e-5)
    # Where the winners stay, Σ y³ is a polynomial of them.
    most = jax.jit(jax.grad(lambda x: jax.grad(lambda x: largest(x) ** 3)(x).sum()))(jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(most, [0.0, 12.0])


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float64])
def test_every_precision(dtype: type) -> None:
    with jax.enable_x64(dtype == jnp.float64):
        gradient = jax.jit(jax.grad(lambda x: pool(x, 2).sum() + largest(x).sum()))
        x = tied(1, 6, 6, 4)
        found, expected = gradient(x.astype(dtype)), gradient(x.astype(jnp.float32))
        assert found.dtype == dtype
        np.testing.assert_allclose(np.asarray(found, np.float32), expected, rtol=1e-2)


def test_infinities_and_missing_numbers() -> None:
    x = jnp.array([[-np.inf, -np.inf], [np.inf, 1.0], [np.nan, 1.0], [0.0, -0.0]])
    np.testing.assert_array_equal(largest(x), [-np.inf, np.inf, np.nan, 0])
    shares = jax.jit(jax.grad(lambda x: largest(x).sum()))(x)
    np.testing.assert_array_equal(shares, [[0.5, 0.5], [1, 0], [0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_array_equal(shares_of_largest(x[:2]), shares[:2])
