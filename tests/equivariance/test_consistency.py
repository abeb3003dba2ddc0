"""Consistency of classifiers whose answers are known to flip."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import as_function, circular_consistency, crop_consistency, top1_change_rate

X = np.random.default_rng(0).normal(size=(6, 8, 8, 1)).astype(np.float32)


def two_classes(score):
    return lambda x: jnp.stack([score(x), jnp.zeros(len(x), x.dtype)], -1)


def test_an_invariant_classifier_is_consistent():
    invariant = two_classes(lambda x: (x**3).mean((1, 2, 3)))
    result = circular_consistency(invariant, X)
    assert result.consistency == 1
    assert result.chance < 1
    assert result.above_chance == 1


def test_the_parity_of_the_shift_decides():
    """The column of the bright pixel is even or odd: two shifts agree when their columns have the same parity."""
    x = np.zeros((4, 8, 8, 1), np.float32)
    for n in range(4):
        x[n, 2, n] = 1.0
    parity = two_classes(lambda x: x[:, :, ::2].sum((1, 2, 3)) - 0.5)
    result = circular_consistency(parity, x, pairs=20)
    expected = [float((a[1] - a[3]) % 2 == 0) for a in result.elements]
    assert 0 < sum(expected) < 20
    assert result.agreements == tuple(expected)
    assert result.consistency == pytest.approx(np.mean(expected))
    crops = crop_consistency(parity, x, (8, 6), pairs=20)
    seen = [all(row["element"][k] <= 0 for k in (1, 3)) for row in crops.rows()]
    assert all(row["agreement"] == 1 for row, same in zip(crops.rows(), seen, strict=True) if same)


def test_known_change_rates():
    """A pixel in the corner, read there: each of the four shifts moves it away; a pixel inside is never read."""
    x = np.zeros((2, 8, 8, 1), np.float32)
    x[0, 0, 0] = x[1, 4, 4] = 1.0
    corner = two_classes(lambda x: x[:, 0, 0, 0] - 0.5)
    result = top1_change_rate(corner, x)
    assert result.change_rate == pytest.approx(0.5)
    two = np.repeat(x, 2, 1).repeat(2, 2)  # 16 x 16, blocks of 2 x 2: one pixel down or right leaves the corner dark
    assert top1_change_rate(corner, two[:1]).change_rate == pytest.approx(0.5)
    assert top1_change_rate(corner, two[:1], strength=2).change_rate == 1
    blob = np.exp(-((np.arange(16) - 7.5)[:, None] ** 2 + (np.arange(16) - 7.5) ** 2) / 8)[None, ..., None]
    centre = two_classes(lambda x: x[:, 7, 7, 0] - 0.5)
    for transformation in ("scale", "rotation"):
        assert top1_change_rate(centre, blob, transformation).change_rate == 0
    size = two_classes(lambda x: x.sum((1, 2, 3)) - float(blob.sum()) * 1.001)  # larger, and it flips
    assert top1_change_rate(size, blob, "scale").change_rate == pytest.approx(0.5)


def test_a_constant_classifier_is_not_praised():
    for result in (
        circular_consistency(two_classes(lambda x: 0 * x[:, 0, 0, 0] - 1), X),
        top1_change_rate(two_classes(lambda x: 0 * x[:, 0, 0, 0] - 1), X),
    ):
        assert result.consistency == 1
        assert not result.alive
        assert result.above_chance == 0
        assert "CONSTANT" in str(result)


def test_numpy_and_integer_classes():
    labels = as_function(lambda x: (x[:, 0, 0, 0] > 0).astype(np.int64), numpy=True)
    logits = two_classes(lambda x: -x[:, 0, 0, 0])
    assert circular_consistency(labels, X).agreements == circular_consistency(logits, X).agreements
    assert crop_consistency(labels, X, 5).agreements == crop_consistency(logits, X, 5).agreements


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: crop_consistency(two_classes(lambda x: x[:, 0, 0, 0]), X, 9), "smaller than the images"),
        (lambda: circular_consistency(lambda x: x, X), "logits"),
        (lambda: circular_consistency(lambda x: x.mean((1, 2)), X), "two classes"),
        (lambda: circular_consistency(two_classes(lambda x: x[:, 0, 0, 0]), X, max_shift=0), "max_shift"),
        (lambda: top1_change_rate(two_classes(lambda x: x[:, 0, 0, 0]), X, "rotate"), "did you mean 'rotation'"),
        (lambda: top1_change_rate(two_classes(lambda x: x[:, 0, 0, 0]), X, strength=0.5), "whole pixels"),
        (lambda: circular_consistency(two_classes(lambda x: x[:, 0, 0, 0] / 0), X), "NaN"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
