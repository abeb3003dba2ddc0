"""Small examples with known numbers, of the kind that lectures work out by hand, from geomdl's public functions."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.data import o_pattern, x_pattern
from geomdl.kernels import classical_filters as filters
from geomdl.layers import convolve, correlate, output_size, pool
from geomdl.layers.core.functional import elu, leaky_relu, maxout, relu, sigmoid, tanh
from geomdl.models import (
    conv_multiplications,
    conv_parameters,
    dense_multiplications,
    dense_parameters,
    local_parameters,
    perceptron_update,
)
from geomdl.tasks import perceptron_loss, sigmoid_cross_entropy, softmax_cross_entropy


def numbers(text):
    """A matrix from lines of numbers; a row ends at a line break or a slash."""
    return np.array([[float(n) for n in line.split()] for line in text.replace("/", "\n").strip().splitlines()])


def truncated(values):
    """Cut off after two decimals, as the worked examples print their numbers (7/9 as 0.77)."""
    return np.trunc(np.round(np.asarray(values, float) * 100, 3)) / 100


def correlate_map(image, kernel, **options):
    """Correlation of one image [rows, columns] with one kernel [rows, columns]."""
    return correlate(jnp.asarray(image, jnp.float32)[None, :, :, None], filters.bank(kernel), **options)[0, :, :, 0]


def convolve_map(image, kernel, **options):
    return convolve(jnp.asarray(image, jnp.float32)[None, :, :, None], filters.bank(kernel), **options)[0, :, :, 0]


def pool_map(image, **options):
    return pool(jnp.asarray(image, jnp.float32)[None, :, :, None], 2, stride=2, **options)[0, :, :, 0]


# --- Output sizes: (W − F + 2P)/S + 1 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "kernel", "stride", "padding", "size"),
    [
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (7, 3, 3, 1, 3),
        (32, 5, 1, 2, 32),
        (32, 5, 2, 2, None),  # (32 − 5 + 4)/2 + 1 = 16.5: the material prints 16, see below
        (32, 5, 1, 0, 28),
        (28, 1, 1, 0, 28),
    ],
)
def test_output_size(width, kernel, stride, padding, size):
    if size is None:
        with pytest.raises(ValueError, match="fit"):
            output_size(width, kernel, stride=stride, padding=padding)
        assert output_size(width, kernel, stride=stride, padding=padding, remainder="drop") == 16
    else:
        assert output_size(width, kernel, stride=stride, padding=padding) == size


def test_a_stride_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="fit"):
        output_size(7, 3, stride=3)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 11])
def test_same_padding_is_half_of_the_kernel_less_one(kernel):
    assert output_size(32, kernel, padding=(kernel - 1) // 2) == 32


@pytest.mark.parametrize("width", [2, 28, 224])
def test_max_pooling_2x2_with_stride_2_halves(width):
    assert output_size(width, 2, stride=2) == width // 2
    assert pool(jnp.zeros((1, width, width, 3)), 2, stride=2).shape == (1, width // 2, width // 2, 3)


@pytest.mark.parametrize(
    ("shape", "kernel", "options", "expected"),
    [
        ((32, 32, 3), (5, 5, 3, 6), {}, (28, 28, 6)),
        ((32, 32, 3), (5, 5, 3, 10), {"padding": 2}, (32, 32, 10)),
        ((32, 32, 3), (5, 5, 3, 10), {"padding": 2, "stride": 2, "remainder": "drop"}, (16, 16, 10)),
        ((28, 28, 192), (1, 1, 192, 32), {}, (28, 28, 32)),
    ],
)
def test_shapes_of_convolutions(shape, kernel, options, expected):
    result = jax.eval_shape(lambda x, k: correlate(x, k, **options), jnp.zeros((2, *shape)), jnp.zeros(kernel))
    assert result.shape == (2, *expected)


# --- Fully connected → locally connected → convolutional --------------------------------------------------------------


def test_ten_filters_of_5x5_on_three_channels():
    assert conv_parameters(5, 3, 10) == 760


def test_from_dense_to_local_to_shared_weights():
    # A 200 × 200 image and 40,000 hidden units; the slides round 1.6 billion to "~2B".
    assert dense_parameters(200 * 200, 40_000, bias=False) == 1_600_000_000
    assert local_parameters(10, 1, 1, (200, 200), bias=False) == 4_000_000
    assert conv_parameters(10, 1, 1, bias=False) == 100


def test_large_dense_layers():
    assert dense_parameters(1000 * 1000, 1_000_000, bias=False) == 10**12
    assert dense_parameters(1000 * 1000 * 3, 1000, bias=False) == 3_000_000_000


# --- X's and O's ------------------------------------------------------------------------------------------------------

DIAGONAL_MATCHES = numbers("""
     0.77 -0.11  0.11  0.33  0.55 -0.11  0.33
    -0.11  1.00 -0.11  0.33 -0.11  0.11 -0.11
     0.11 -0.11  1.00 -0.33  0.11 -0.11  0.55
     0.33  0.33 -0.33  0.55 -0.33  0.33  0.33
     0.55 -0.11  0.11 -0.33  1.00 -0.11  0.11
    -0.11  0.11 -0.11  0.33 -0.11  1.00 -0.11
     0.33 -0.11  0.55  0.33  0.11 -0.11  0.77
""")
CROSS_MATCHES_UPPER = numbers("""
     0.33 -0.55  0.11 -0.11  0.11 -0.55  0.33
    -0.55  0.55 -0.55  0.33 -0.55  0.55 -0.55
     0.11 -0.55  0.55 -0.77  0.55 -0.55  0.11
    -0.11  0.33 -0.77  1.00 -0.77  0.33 -0.11
""")
CROSS_MATCHES = np.vstack([CROSS_MATCHES_UPPER, CROSS_MATCHES_UPPER[-2::-1]])
DIAGONAL_POOLED = numbers("1.00 .33 .55 .33 / .33 1.00 .33 .55 / .55 .33 1.00 .11 / .33 .55 .11 .77")


def test_the_x_has_ones_on_both_diagonals_of_rows_and_columns_1_to_7():
    x = np.asarray(x_pattern())
    expected = -np.ones((9, 9))
    for i in range(1, 8):
        expected[i, i] = expected[i, 8 - i] = 1
    np.testing.assert_array_equal(x, expected)


def test_matches_of_the_diagonal():
    matches = correlate_map(x_pattern(), filters.matching(filters.diagonal()))
    np.testing.assert_array_equal(truncated(matches), DIAGONAL_MATCHES)


def test_matches_of_the_cross():
    matches = correlate_map(x_pattern(), filters.matching(filters.cross()))
    np.testing.assert_array_equal(truncated(matches), CROSS_MATCHES)


def test_matches_of_the_anti_diagonal_are_those_of_the_diagonal_mirrored():
    matches = correlate_map(x_pattern(), filters.matching(filters.anti_diagonal()))
    np.testing.assert_array_equal(truncated(matches), DIAGONAL_MATCHES[:, ::-1])


def test_a_match_is_the_mean_of_nine_products():
    x = np.asarray(x_pattern())
    matches = correlate_map(x, filters.matching(filters.diagonal()))
    for row, column in [(0, 0), (1, 1), (3, 3), (2, 5)]:
        products = (x[row : row + 3, column : column + 3] * filters.diagonal()).sum()
        np.testing.assert_allclose(matches[row, column], float(Fraction(int(products), 9)), rtol=1e-6)


def test_relu_sets_negative_matches_to_zero():
    matches = correlate_map(x_pattern(), filters.matching(filters.diagonal()))
    np.testing.assert_array_equal(truncated(relu(matches)), np.where(DIAGONAL_MATCHES < 0, 0, DIAGONAL_MATCHES))


def test_pooling_keeps_the_windows_at_the_edge():
    matches = relu(correlate_map(x_pattern(), filters.matching(filters.diagonal())))
    np.testing.assert_array_equal(truncated(pool_map(matches, reduce="max", remainder="keep")), DIAGONAL_POOLED)


def test_the_cross_is_in_the_x_and_not_in_the_o():
    kernel = filters.matching(filters.cross())
    assert float(correlate_map(x_pattern(), kernel).max()) == pytest.approx(1)
    assert float(correlate_map(o_pattern(), kernel).max()) < 0.99


# --- Filters ----------------------------------------------------------------------------------------------------------

IMAGE = np.arange(25.0).reshape(5, 5) ** 2 % 11


def test_identity_and_shift():
    np.testing.assert_array_equal(correlate_map(IMAGE, filters.identity(), padding=1), IMAGE)
    right = correlate_map(IMAGE, filters.shift(0, 1), padding=1)
    np.testing.assert_array_equal(right[:, 1:], IMAGE[:, :-1])
    np.testing.assert_array_equal(right[:, 0], 0)
    down = correlate_map(IMAGE, filters.shift(1, 0), padding=1, padding_mode="circular")
    np.testing.assert_array_equal(down, np.roll(IMAGE, 1, axis=0))


def test_mean_blur_and_sharpening():
    blurred = correlate_map(IMAGE, filters.mean_blur())
    np.testing.assert_allclose(blurred[0, 0], IMAGE[:3, :3].mean(), rtol=1e-6)
    sharpened = correlate_map(IMAGE, filters.sharpen())
    np.testing.assert_allclose(sharpened, 2 * IMAGE[1:-1, 1:-1] - blurred, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kernel", [filters.vertical_edge(), filters.sobel()], ids=["difference", "sobel"])
def test_edge_filters_see_vertical_edges_only(kernel):
    edge = np.zeros((6, 6))
    edge[:, 3:] = 1
    assert np.abs(correlate_map(edge, kernel)).max() > 0
    assert np.abs(correlate_map(edge.T, kernel)).max() == 0


def test_correlation_is_the_sum_of_products_and_convolution_turns_the_kernel():
    k, i = filters.sobel(), IMAGE
    correlated, convolved = correlate_map(i, k), convolve_map(i, k)
    for x in range(3):
        for y in range(3):
            window = [(s, t) for s in range(3) for t in range(3)]
            assert float(correlated[x, y]) == sum(k[s, t] * i[x + s, y + t] for s, t in window)
            assert float(convolved[x, y]) == sum(k[2 - s, 2 - t] * i[x + s, y + t] for s, t in window)
    assert (correlated != convolved).any()


@pytest.mark.parametrize("kernel", [filters.mean_blur(), filters.binomial_blur(), filters.sharpen()])
def test_correlation_and_convolution_agree_for_symmetric_filters(kernel):
    np.testing.assert_allclose(correlate_map(IMAGE, kernel), convolve_map(IMAGE, kernel), rtol=1e-6)


def test_binary_image():
    image = numbers("1 1 1 0 0 / 0 1 1 1 0 / 0 0 1 1 1 / 0 0 1 1 0 / 0 1 1 0 0")
    kernel = numbers("1 0 1 / 0 1 0 / 1 0 1").astype(np.float32)
    result = correlate_map(image, kernel)
    assert float(result[0, 0]) == 4
    np.testing.assert_array_equal(result, numbers("4 3 4 / 2 4 3 / 2 3 4"))


@pytest.mark.parametrize(
    ("image", "pooled"),
    [
        ("1 1 2 4 / 5 6 7 8 / 3 2 1 0 / 1 2 3 4", "6 8 / 3 4"),
        (
            "9 0 2 1 0 9 / 6 9 1 2 9 0 / 3 1 9 9 2 3 / 0 2 9 9 1 0 / 1 9 2 1 9 1 / 9 3 0 2 3 9",
            "9 2 9 / 3 9 3 / 9 2 9",
        ),
        (
            # One slide changes the window of the middle right to hold only 1s and 0s, and prints 1 for it.
            "9 0 2 1 0 9 / 6 9 1 2 9 0 / 3 1 9 9 1 1 / 0 2 9 9 1 0 / 1 9 2 1 9 1 / 9 3 0 2 3 9",
            "9 2 9 / 3 9 1 / 9 2 9",
        ),
    ],
    ids=["4x4", "6x6", "6x6 changed"],
)
def test_max_pooling(image, pooled):
    np.testing.assert_array_equal(pool_map(numbers(image), reduce="max"), numbers(pooled))


# --- Activations and losses -------------------------------------------------------------------------------------------


def test_activations():
    z = jnp.array([-2.0, -0.5, 0.0, 3.0])
    close = {"rtol": 1e-6, "atol": 1e-7}
    np.testing.assert_allclose(sigmoid(z), [1 / (1 + math.exp(-float(v))) for v in z], **close)
    np.testing.assert_allclose(tanh(z), [math.tanh(float(v)) for v in z], **close)
    np.testing.assert_array_equal(relu(z), [0, 0, 0, 3])
    np.testing.assert_allclose(leaky_relu(z, 0.1), np.maximum(0.1 * np.asarray(z), z), **close)
    np.testing.assert_allclose(elu(z), [math.expm1(-2), math.expm1(-0.5), 0, 3], **close)


def test_maxout_is_the_largest_of_several_linear_functions():
    x = jnp.array([2.0, -1.0])
    weights = jnp.array([[1.0, 0.0, -1.0, 0.5], [0.0, 1.0, 2.0, 0.0]])  # two units of two pieces each
    np.testing.assert_array_equal(maxout(x @ weights, pieces=2), [max(2, -1), max(-4, 1)])
    absolute = maxout(jnp.stack([x, -x], axis=-1).reshape(-1), pieces=2)  # |x| is a maxout of x and −x
    np.testing.assert_array_equal(absolute, [2, 1])


def test_softmax_cross_entropy_is_the_negative_logarithm_of_the_probability():
    logits = jnp.log(jnp.array([[0.2, 0.5, 0.3]]))
    np.testing.assert_allclose(softmax_cross_entropy(logits, jnp.eye(3)[1:2]), [-math.log(0.5)], rtol=1e-6)


def test_binary_cross_entropy_is_one_per_label_averaged():
    probabilities, labels = np.array([[0.9, 0.2, 0.6]]), np.array([[1.0, 0.0, 0.0]])
    logits = jnp.asarray(np.log(probabilities / (1 - probabilities)), jnp.float32)
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.4)) / 3
    np.testing.assert_allclose(sigmoid_cross_entropy(logits, jnp.asarray(labels, jnp.float32)), [expected], rtol=1e-5)


@pytest.mark.compiled
def test_one_gradient_step_on_the_perceptron_loss_is_the_perceptron_rule():
    x, rate = jnp.array([1.0, -2.0, 0.5]), 0.1
    weights = jnp.array([[0.2, 0.1, 0.0], [0.4, -0.3, 0.2]])  # the second output is larger, the first was desired
    desired = jnp.array([1.0, 0.0])
    output = (weights @ x == (weights @ x).max()).astype(jnp.float32)
    gradient = jax.grad(lambda w: perceptron_loss((w @ x)[None], desired[None])[0])(weights)
    np.testing.assert_array_equal(output, [0, 1])
    updated = weights + rate * jnp.outer(desired - output, x)
    np.testing.assert_allclose(weights - rate * gradient, updated, rtol=1e-6)
    np.testing.assert_allclose(perceptron_update(weights.T, jnp.zeros(2), x, desired, rate)[0], updated.T, rtol=1e-6)


# --- Networks, layer by layer -----------------------------------------------------------------------------------------


def test_lenet5():
    assert conv_parameters(5, 1, 6, bias=False) == 150
    assert conv_parameters(5, 1, 6) == 156
    size = output_size(32, 5)
    assert size == 28
    size = output_size(size, 2, stride=2)
    assert size == 14
    assert conv_parameters(5, 6, 16) == 2416  # all maps connected
    size = output_size(size, 5)
    assert size == 10
    size = output_size(size, 2, stride=2)
    assert size == 5
    assert dense_parameters(size * size * 16, 120, bias=False) == 48_000
    assert dense_parameters(120, 84, bias=False) == 10_080
    assert dense_parameters(84, 10) == 850


def test_alexnet():
    """One tower, no grouping, 227 × 227 × 3."""
    size = output_size(227, 11, stride=4)
    assert size == 55
    size = output_size(size, 3, stride=2)
    assert size == 27
    size = output_size(size, 5, padding=2)
    assert size == 27
    size = output_size(size, 3, stride=2)
    assert size == 13
    assert output_size(size, 3, padding=1) == 13
    size = output_size(size, 3, stride=2)
    assert size == 6
    convolutions = [
        conv_parameters(11, 3, 96),
        conv_parameters(5, 96, 256),
        conv_parameters(3, 256, 384),
        conv_parameters(3, 384, 384),
        conv_parameters(3, 384, 256),
    ]
    assert convolutions == [34_944, 614_656, 885_120, 1_327_488, 884_992]
    dense = [
        dense_parameters(size * size * 256, 4096),
        dense_parameters(4096, 4096),
        dense_parameters(4096, 1000),
    ]
    assert dense == [37_752_832, 16_781_312, 4_097_000]
    # The material gives 58.62 M for the dense layers; the three counts above, which it also gives, add up to 58.63 M.
    assert sum(dense) == 58_631_144
    assert sum(convolutions) + sum(dense) == 62_378_344


VGG = {
    "A": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "B": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "C": "64 64 M 128 128 M 256 256 1x256 M 512 512 1x512 M 512 512 1x512 M",
    "D": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "E": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


@pytest.mark.parametrize(
    ("name", "weight_layers", "millions"),
    [("A", 11, 133), ("B", 13, 133), ("C", 16, 134), ("D", 16, 138), ("E", 19, 144)],
)
def test_vgg(name, weight_layers, millions):
    size, channels, total, layers = 224, 3, 0, 0
    for layer in VGG[name].split():
        if layer == "M":
            size = output_size(size, 2, stride=2)
            continue
        kernel, width = (1, int(layer[2:])) if layer.startswith("1x") else (3, int(layer))
        size = output_size(size, kernel, padding=kernel // 2)
        total, channels, layers = total + conv_parameters(kernel, channels, width), width, layers + 1
    assert size == 7
    for inputs, outputs in [(size * size * channels, 4096), (4096, 4096), (4096, 1000)]:
        total, layers = total + dense_parameters(inputs, outputs), layers + 1
    assert layers == weight_layers
    assert abs(total / 1e6 - millions) < 1  # the published table cuts off or rounds to whole millions


def test_inception_multiplications():
    naive = conv_multiplications(5, 192, 32, 28)
    assert naive == 120_422_400  # 120 M
    reduced = [conv_multiplications(1, 192, 16, 28), conv_multiplications(5, 16, 32, 28)]
    assert reduced == [2_408_448, 10_035_200]  # 2.4 M + 10.0 M
    assert round(sum(reduced) / 1e6, 1) == 12.4

    assert conv_multiplications(5, 64, 128, 32) == 209_715_200
    reduced = [conv_multiplications(1, 64, 8, 32), conv_multiplications(5, 8, 128, 32)]
    assert reduced == [524_288, 26_214_400]
    assert round(sum(reduced) / 1e6, 1) == 26.7


def test_naive_inception_module():
    branches = [conv_multiplications(k, 192, out, 28) for k, out in [(1, 64), (3, 128), (5, 32)]]
    assert branches == [9_633_792, 173_408_256, 120_422_400]
    # 303.5 M; a slide sets this module beside one of 963.4 M, which is another module than this one.
    assert round(sum(branches) / 1e6, 1) == 303.5


def test_dense_layers_multiply_once_per_weight():
    assert dense_multiplications(1000 * 1000 * 3, 1000) == 3_000_000_000
