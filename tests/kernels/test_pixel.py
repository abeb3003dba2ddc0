"""Pixel kernels: dimensions by characters and by linear algebra, and the group convolution written as loops."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.groups import C1, C2, C4, D1, D2, D4
from geomdl.kernels import PixelKernelSpace
from geomdl.layers import Conv
from geomdl.representations import FieldType, regular, trivial


def pixel_matrices(group, size):
    """How each element permutes the pixels of a window, from its 2 × 2 matrix: [order, k², k²]."""
    axis = np.arange(size) - (size - 1) / 2
    points = np.stack([np.tile(axis, size), -np.repeat(axis, size)], -1)
    moved = np.einsum("gab,xb->gxa", group.matrix(group.elements()), points)
    return np.all(np.isclose(points[None, :, None], moved[:, None]), -1).astype(float)


@pytest.mark.parametrize("group", [C1, C2, C4, D1, D2, D4], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_dimension_by_characters_and_by_a_null_space(group, size):
    pixels = pixel_matrices(group, size)
    for rho_in, rho_out in itertools.product([trivial(group), regular(group)], repeat=2):
        g = group.elements()
        acting = [np.kron(np.kron(p, rho_in(e)), rho_out(e)) for p, e in zip(pixels, g, strict=True)]
        dimension = PixelKernelSpace(rho_in, rho_out, size).dimension
        assert dimension == round(np.mean([np.trace(a) for a in acting]))
        if len(acting[0]) <= 150:
            generators = group.index(group.generators())
            constraint = np.concatenate([acting[n] - np.eye(len(acting[0])) for n in generators])
            assert dimension == len(acting[0]) - np.linalg.matrix_rank(constraint)


def looped_group_convolution(x, kernel, group):
    """y[u, h] = Σ_{v, g} x[u + v, g] w[h⁻¹v, h⁻¹g], one pixel, element and tap at a time.

    x: [rows, columns, fields_in, order or 1]; kernel w: {(a, b, g): [fields_in, fields_out]} with g = 0 when lifting.
    """
    size = max(a for a, _, _ in kernel) + 1
    half = (size - 1) / 2
    rows, columns = x.shape[0] - size + 1, x.shape[1] - size + 1
    fields_out = next(iter(kernel.values())).shape[1]
    y = np.zeros((rows, columns, fields_out, group.order))
    elements = group.elements()
    for number, h in enumerate(elements):
        back = group.inverse(h)
        matrix = group.matrix(back)
        for a, b in itertools.product(range(size), repeat=2):
            right, up = matrix @ [b - half, half - a]
            source_a, source_b = round(half - up), round(right + half)
            for g in range(x.shape[3]):
                moved = int(group.index(group.product(back, elements[g]))) if x.shape[3] > 1 else 0
                taps = kernel[source_a, source_b, moved]
                for r, c in itertools.product(range(rows), range(columns)):
                    y[r, c, :, number] += x[r + a, c + b, :, g] @ taps
    return y


@pytest.mark.parametrize("group", [C4, D4], ids=str)
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("field_in", ["trivial", "regular"], ids=["lifting", "regular"])
def test_conv_equals_the_group_convolution_in_loops(group, size, field_in):
    in_type, out_type = FieldType(group, f"2 {field_in}"), FieldType(group, "3 regular")
    conv = Conv(in_type, out_type, size, use_bias=False, rngs=nnx.Rngs(0))
    per_field = in_type.size // 2
    dense = np.asarray(conv.dense_kernel(), float).reshape(size, size, 2, per_field, 3, group.order)
    kernel = {
        (a, b, g): dense[a, b, :, g, :, 0]  # w is the part of the kernel that goes to the identity
        for a, b, g in itertools.product(range(size), range(size), range(per_field))
    }
    x = np.random.default_rng(0).normal(size=(4, 5, 2, per_field))
    y = conv(jnp.asarray(x.reshape(1, 4, 5, -1), jnp.float32))
    expected = looped_group_convolution(x, kernel, group)
    assert np.abs(np.asarray(y).reshape(expected.shape) - expected).max() < 1e-5 * np.abs(expected).max()


def test_variance_of_the_dense_kernel_is_the_variance_of_the_weights():
    space = PixelKernelSpace(regular(D4), regular(D4), 3)
    kernel = space.expand(jax.random.normal(jax.random.key(0), (space.dimension, 20, 20)))
    assert abs(float((kernel**2).mean()) - 1) < 0.05
