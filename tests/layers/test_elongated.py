"""Group convolutions with elongated windows, against a loop over the group and its windows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.groups import D, group
from geomdl.layers import Conv, ElongatedConv
from geomdl.models import count_parameters
from geomdl.representations import FieldType


def looped(layer, x, points, size):
    """y_g(p) = Σ_u Σ_h k_{g⁻¹h}(g⁻¹ u) f_h(p + u), pixel by pixel in coordinates (x right, y up)."""
    elements = points.elements()
    k, reach = np.asarray(layer.kernel[0][...]), max(size) // 2
    order, n = len(elements), x.shape[1]
    centre = [s // 2 for s in size]
    padded = np.pad(x, [(0, 0), (reach, reach), (reach, reach), (0, 0)])
    fields_in, fields_out = x.shape[-1] // order, k.shape[-1]
    f = padded.reshape(*padded.shape[:-1], fields_in, order)
    k = k.reshape(*size, fields_in, order, fields_out)
    y = np.zeros((len(x), n, n, fields_out, order))
    for a, g in enumerate(elements):
        back = points.matrix(points.inverse(g))
        for i in range(-reach, reach + 1):
            for j in range(-reach, reach + 1):
                right, up = back @ [j, -i]
                row, column = round(-up) + centre[0], round(right) + centre[1]
                if not (0 <= row < size[0] and 0 <= column < size[1]):
                    continue
                part = f[:, reach + i : reach + i + n, reach + j : reach + j + n]
                for b, h in enumerate(elements):
                    c = int(points.index(points.product(points.inverse(g), h)))
                    y[..., a] += np.einsum("bxyi,io->bxyo", part[..., b], k[row, column, :, c])
    return y.reshape(*y.shape[:3], -1)


@pytest.mark.parametrize("points", ["C2", "C4", "D1", "D2", "D4", D(1, mirror=45), D(1, mirror=90)], ids=str)
@pytest.mark.parametrize("size", [(1, 5), (3, 1)])
def test_against_a_loop_over_the_group(points, size):
    points = group(points) if isinstance(points, str) else points
    t, s = FieldType(points, "2 regular"), FieldType(points, "3 regular")
    layer = ElongatedConv(t, s, size, rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).normal(size=(2, 6, 6, t.size)).astype(np.float32)
    np.testing.assert_allclose(layer(x), looped(layer, x, points, size), atol=1e-4)
    assert layer.kernel[0].size == points.order * size[0] * size[1] * 2 * 3


def test_without_symmetry_it_is_the_ordinary_convolution():
    t = FieldType("C1", "3 trivial")
    layer, plain = ElongatedConv(t, t, (1, 7), rngs=nnx.Rngs(0)), Conv(t, t, (1, 7), padding=(0, 3), rngs=nnx.Rngs(1))
    assert count_parameters(layer) == count_parameters(plain) == 7 * 9 + 3
    x = jax.random.normal(jax.random.key(0), (2, 8, 9, 3))
    numbers = ("NHWC", "HWIO", "NHWC")
    wanted = jax.lax.conv_general_dilated(x, layer.kernel[0][...], (1, 1), "SAME", dimension_numbers=numbers)
    np.testing.assert_allclose(layer(x), wanted, atol=1e-5)
    assert layer.multiply_adds((8, 9)) == plain.multiply_adds((8, 9))


def test_windows_of_a_pair_are_one_by_seven_and_seven_by_one():
    t = FieldType("D4", "1 regular")
    layer = ElongatedConv(t, t, (1, 7), rngs=nnx.Rngs(0))
    assert [(k.shape, len(channels)) for k, channels in layer.dense_kernels()] == [((1, 7, 8, 4), 4), ((7, 1, 8, 4), 4)]
    still = FieldType("D2", "1 regular")
    assert len(ElongatedConv(still, still, (1, 7), rngs=nnx.Rngs(0)).dense_kernels()) == 1


def test_a_filter_that_is_not_turned_breaks_quarter_turns():
    t = FieldType("C4", "1 regular")
    layer = ElongatedConv(t, t, (1, 5), rngs=nnx.Rngs(0))
    assert check_contract(layer, 0, size=(6, 6)).passed

    class Unturned(ElongatedConv):
        def dense_kernels(self):
            k = jnp.concatenate(
                [k if k.shape[0] == 1 else k.transpose(1, 0, 2, 3) for k, _ in super().dense_kernels()], -1
            )
            return [(k, np.concatenate([c for _, c in super().dense_kernels()]))]

    assert not check_contract(Unturned(t, t, (1, 5), rngs=nnx.Rngs(0)), 0, size=(6, 6)).passed


def test_variance_is_kept_as_in_a_network_of_relu():
    t = FieldType("C4", "16 regular")
    layer = ElongatedConv(t, t, (1, 7), padding_mode="circular", rngs=nnx.Rngs(0))
    y = layer(jax.random.normal(jax.random.key(1), (4, 12, 12, 64)))
    assert float((y**2).mean()) == pytest.approx(2, rel=0.2)


def test_what_is_refused():
    eight, four = FieldType("C8", "1 regular"), FieldType("C4", "1 regular")
    with pytest.raises(ValueError, match=r"group of ElongatedConv .*C8.*Conv with a square window"):
        ElongatedConv(eight, eight, (1, 7), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"out_type of ElongatedConv .*regular fields"):
        ElongatedConv(four, FieldType("C4", "1 trivial"), (1, 7), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"odd extent"):
        ElongatedConv(four, four, (1, 6), rngs=nnx.Rngs(0))
