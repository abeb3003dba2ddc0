"""Correlation in tiles is correlation: every tile, stride, dilation, padding and size, borders included."""

from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomdl.kernels.factored.sparse_rows import SparseRows
from geomdl.layers import PaddingMode, Window
from geomdl.layers.convolution.algorithms.sparse_rows import take_rows
from geomdl.layers.convolution.algorithms.tiles import Grid, Tiles, Tiling, correlate_tiles, tiling
from geomdl.layers.core.correlation import PAD_MODES


@st.composite
def _tilings(draw: st.DrawFn) -> Tiling:
    taps, stride, padding, dilation = draw(st.tuples(*(st.integers(*r) for r in ((1, 4), (1, 3), (0, 3), (1, 2)))))
    mode = draw(st.sampled_from(get_args(PaddingMode)))
    window = Window(taps, stride, padding, dilation, mode, "drop")
    inputs = draw(st.integers(7, 10)), draw(st.integers(7, 10))
    grids = [
        Grid(n, outputs, taps, stride, dilation, padding, mode)
        for n, outputs in zip(inputs, window.output_size(inputs), strict=True)
    ]
    rows, columns = (Tiles(grid, draw(st.integers(1, grid.outputs))) for grid in grids)
    return Tiling(rows, columns)


def _correlated(z: np.ndarray, kernels: np.ndarray, tiles: Tiling) -> np.ndarray:
    """Tap by tap."""
    rows, columns = tiles.rows.grid, tiles.columns.grid
    p = rows.padding
    padded = np.pad(z, [(0, 0)] * 3 + [(p, p)] * 2 + [(0, 0)], PAD_MODES[rows.padding_mode])
    y = np.zeros((*kernels.shape[:2], z.shape[2], rows.outputs, columns.outputs, z.shape[-1]))
    for i, j in np.ndindex(rows.taps, rows.taps):
        seen = padded[:, :, :, i * rows.dilation :: rows.stride, j * rows.dilation :: rows.stride]
        y += np.einsum("skc,scbhwf->skbhwf", kernels[..., i, j], seen[:, :, :, : rows.outputs, : columns.outputs])
    return y


@settings(max_examples=12, deadline=None)
@given(_tilings())
def test_tiles_give_the_correlation(tiles: Tiling):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 3, 2, tiles.rows.grid.inputs, tiles.columns.grid.inputs, 2))
    kernels = rng.normal(size=(2, 4, 3, tiles.rows.grid.taps, tiles.rows.grid.taps))
    found = correlate_tiles(jnp.asarray(z.reshape(2, 3, 2, -1, 2), jnp.float32), kernels, tiles)
    found = take_rows(found, tiles.to_pixels, axis=2)
    expected = _correlated(z, kernels, tiles)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=3e-5)  # float32 against float64


def test_the_tiles_that_are_chosen_cover_the_outputs_once():
    for outputs in (1, 7, 13, 29):
        grid = Grid(outputs + 4, outputs, 5)
        tiles = tiling(grid, grid, 22)
        assert tiles.count * tiles.pixels >= outputs**2
        assert sorted(set(tiles.to_pixels.index.ravel().tolist())) == sorted(tiles.to_pixels.index.ravel().tolist())
        assert len(tiles.to_pixels.index) == outputs**2


def test_pixels_have_no_more_terms_than_windows_see_them():
    """Padding is no pixel: it must not make the transposed table longer, which would cost time for every pixel."""
    grid = Grid(13, 13, 5, padding=2)
    tiles = Tiling(Tiles(grid, 2), Tiles(grid, 2))
    assert tiles.to_windows.transposed.index.shape == (169, 9)


@pytest.mark.compiled
def test_sparse_rows_are_a_matrix_under_every_transformation():
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((5, 7)) < 0.4, rng.normal(size=(5, 7)), 0.0)
    dense[2] = 0
    table = SparseRows.of([[(int(c), row[c]) for c in np.flatnonzero(row)] for row in dense], columns=7)
    x = rng.normal(size=(2, 7, 3)).astype(np.float32)
    expected = np.einsum("rc,bcf->brf", dense, x)
    function = lambda x: take_rows(x, table, axis=1)  # noqa: E731
    np.testing.assert_allclose(jax.jit(function)(x), expected, atol=1e-6)
    np.testing.assert_allclose(function(jnp.asarray(x)), expected, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda x: take_rows(x, table))(x), expected, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda x: take_rows(x, table, axis=1), 2, 2)(x), expected, atol=1e-6)
    tangent = jax.jvp(function, (jnp.asarray(x),), (jnp.asarray(2 * x),))[1]
    np.testing.assert_allclose(tangent, 2 * expected, atol=1e-5)
    back = jax.vjp(function, jnp.asarray(x))[1](jnp.asarray(expected, jnp.float32))[0]
    np.testing.assert_allclose(back, np.einsum("rc,brf->bcf", dense, expected), atol=1e-5)
