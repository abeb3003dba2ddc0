"""Inception v3: published counts, modules written out, sizes at which twins are exact."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Branch, Conv, ElongatedConv, Pool, Sequential, WithAuxiliary
from geomdl.models import InceptionV3Config, count_parameters, exact_sizes_near
from geomdl.representations import FieldType

NARROW = InceptionV3Config(width=0.03, auxiliary=False)


def test_published_counts():
    """With the head it is in the docstring."""
    model = nnx.eval_shape(
        lambda: Sequential(InceptionV3Config(auxiliary=False).layers((299, 299, 3), 1000, nnx.Rngs(0)))
    )
    assert count_parameters(model) == 23_834_568
    assert model.multiply_adds((299, 299)) == pytest.approx(5.71e9, rel=0.005)


def shaped(config, side):
    return nnx.eval_shape(lambda: Sequential(config.layers((side, side, 3), 10, nnx.Rngs(0))))


def test_maps_at_299_pixels_are_those_of_table_1():
    whole = shaped(InceptionV3Config(), 299).layers[0]
    assert isinstance(whole, WithAuxiliary)
    size, found = (299, 299), []
    for layer in (layer for stage in whole.stages for layer in stage.layers):
        size = layer.contract.output_size(size)
        if isinstance(layer, Branch):
            found.append((size[0], layer.out_type.size))
    sizes = [35] * 3 + [17] * 5 + [8] * 3
    assert found == list(zip(sizes, [256, 288, 288] + [768] * 5 + [1280, 2048, 2048], strict=True))
    head = whole.heads[0]
    assert head.in_type.size == 768
    assert head.layers[0].window.output_size((17, 17)) == (5, 5)
    assert [c.window.size for c in head.layers if isinstance(c, Conv)] == [1, 5]


def test_a_mean_counts_its_padding_as_pytorch_does():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 6, 3)), jnp.float32)
    t = FieldType("C1", "3 trivial")
    wide = jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    wanted = sum(wide[:, i : i + 5, j : j + 6] for i in range(3) for j in range(3)) / 9
    options = {"reduce": "mean", "stride": 1, "padding": 1}
    np.testing.assert_allclose(Pool(t, 3, count_padding=True, **options)(x), wanted, atol=1e-6)
    assert np.abs(Pool(t, 3, **options)(x) - wanted)[:, 0].max() > 0.01
    # of a window that sticks out beyond the padding, what is there counts: torch's avg_pool2d(…, ceil_mode=True)
    last = Pool(t, 3, reduce="mean", stride=2, padding=1, remainder="keep", count_padding=True)(x)
    assert last.shape == (2, 3, 4, 3)
    np.testing.assert_allclose(last[:, 0, 3], wide[:, 0:3, 6:8].sum((1, 2)) / 6, atol=1e-6)
    with pytest.raises(ValueError, match=r"count_padding of Pool True; allowed: with reduce='mean'"):
        Pool(t, 3, padding=1, count_padding=True)


def test_modules_against_those_written_out():
    model = NARROW.build((75, 75, 2), 3, rngs=0)
    modules = [layer for layer in model.layers if isinstance(layer, Branch)]
    assert len(modules) == 11

    def unit(layers, x):
        """Convolution by a sum over taps, untrained batch norm, maximum with 0; three layers at a time."""
        for conv in layers[::3]:
            k = np.asarray(conv.dense_kernel())
            rows, columns = k.shape[:2]
            around = np.pad(x, [(0, 0), (rows // 2,) * 2, (columns // 2,) * 2, (0, 0)])
            taps = [(i, j) for i in range(rows) for j in range(columns)]
            x = sum(around[:, i : i + x.shape[1], j : j + x.shape[2]] @ k[i, j] for i, j in taps)
            x = np.maximum(x / np.sqrt(1 + 1e-3), 0)
        return x

    def mean(x):
        around = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        return sum(around[:, i : i + x.shape[1], j : j + x.shape[2]] for i in range(3) for j in range(3)) / 9

    def crossed(path, x):
        *layers, cross = path.layers
        x = unit(layers, x)
        return [unit(branch.layers, x) for branch in cross.layers]

    for module, last in ((modules[4], False), (modules[9], True)):
        x = np.random.default_rng(0).normal(size=(2, 9, 9, module.in_type.size)).astype(np.float32)
        one, two, three, pooled = module.layers
        middle = [*crossed(two, x), *crossed(three, x)] if last else [unit(two.layers, x), unit(three.layers, x)]
        wanted = np.concatenate([unit(one.layers, x), *middle, unit(pooled.layers[1:], mean(x))], -1)
        np.testing.assert_allclose(jax.jit(lambda x, f=module: f(x))(x), wanted, atol=1e-5)
    windows = [c.window.size for c in modules[4].layers[2].layers if isinstance(c, Conv)]
    assert windows == [1, (7, 1), (1, 7), (7, 1), (1, 7)]


@pytest.mark.long
def test_windows_of_twins_beyond_the_grid_are_squares():
    c8 = [p for _, p in nnx.iter_graph(shaped(dataclasses.replace(NARROW, group="C8"), 75))]
    assert not any(isinstance(p, ElongatedConv) for p in c8)
    assert sum(isinstance(p, Conv) and p.window.size == 7 for p in c8) == 4 * 6 + 2


@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes_and_windows_that_turn_with_the_group(group):
    model = shaped(InceptionV3Config(width=0.03, group=group), 299)
    assert sum(isinstance(p, ElongatedConv) for _, p in nnx.iter_graph(model)) == 4 * 6 + 2 + 2 * 4
    contract = model.contract
    assert exact_sizes_near(contract, (299, 299), 1) == [(299, 299)]
    assert exact_sizes_near(contract, (283, 283), 2) == [(267, 267), (299, 299)]


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    model = dataclasses.replace(NARROW, group=group).build((75, 75, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(75, 75), max_shifts=0, approximate=False).passed


@pytest.mark.long
@pytest.mark.parametrize("group", ["C4", "D4"])
def test_twins_are_invariant_in_training_too(group):
    """With the head, in float64: batch statistics of few pixels amplify rounding beyond the tolerances of the table."""
    with jax.enable_x64(True):
        model = InceptionV3Config(width=0.03, group=group).build((107, 107, 2), 3, rngs=0)
        graph, state = nnx.split(model)
        state = jax.tree.map(lambda a: a.astype(jnp.float64), state)
        compiled = jax.jit(lambda state, x: nnx.merge(graph, state)(x, train=True, key=jax.random.key(0)))
        call = functools.partial(compiled, state)
        x = np.random.default_rng(0).normal(size=(4, 107, 107, 2))
        whole = jax.tree.leaves(call(x))
        assert [y.shape for y in whole] == [(4, 3), (4, 3)]
        moved = [np.rot90(x, axes=(1, 2))] + ([x[:, ::-1]] if group == "D4" else [])
        for y in moved:
            for got, wanted in zip(jax.tree.leaves(call(y)), whole, strict=True):
                np.testing.assert_allclose(got, wanted, atol=1e-10 * np.ptp(wanted))
        if group == "C4":
            assert np.abs(jax.tree.leaves(call(x[:, ::-1]))[0] - whole[0]).max() > 1e-3 * np.ptp(whole[0])
