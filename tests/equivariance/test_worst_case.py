"""The worst of many transformations, found where it was planted."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import as_function, worst_of_k, worst_on_grid

i, j = np.meshgrid(np.arange(16) - 7.5, np.arange(16) - 7.5, indexing="ij")
BAR = np.exp(-(i**2) / 4 - j**2 / 60)  # lies along x
DOT = np.exp(-(i**2 + j**2) / 4)
X = np.stack([BAR, DOT])[..., None].astype(np.float32)


def upright(x):
    """Class 1 when the image is inclined by more than about 20°."""
    moment = jnp.einsum("bijc,ij->b", x, jnp.asarray(i * j, x.dtype)) / x.sum((1, 2, 3))
    return jnp.stack([0 * moment, jnp.abs(moment) - 4.5], -1)


def test_the_planted_rotation_is_found():
    """Only the bar, turned far enough, deceives; the dot looks the same at every angle."""
    result = worst_on_grid(upright, X, np.array([0, 0]), steps=(1, 1, 7))
    assert result.natural == 1
    assert result.worst == 0.5
    assert result.deceived == (True, False)
    assert abs(result.worst_transformations[0][2]) == 30
    assert result.transformations == 7
    assert 0.5 < result.average < 1


def test_the_planted_shift_is_found():
    """A dot that leaves its place by 3 pixels to the right, and no other transformation of the grid, deceives."""
    place = lambda x: jnp.stack([0 * x[:, 0, 0, 0], x[:, 7, 12, 0] - 0.3], -1)  # noqa: E731
    result = worst_on_grid(place, X[1:], np.array([0]), steps=(3, 3, 1))
    assert result.deceived == (True,)
    assert result.worst_transformations == ((3.0, 0.0, 0.0),)
    assert result.average == pytest.approx(8 / 9)


def test_worst_of_k_draws_for_each_image_and_repeats():
    result = worst_of_k(upright, np.concatenate([X] * 4), k=12, max_shift=0, seed=1)
    again = worst_of_k(upright, np.concatenate([X] * 4), k=12, max_shift=0, seed=1)
    assert result == again
    assert result.natural == 1  # its own predictions
    assert result.worst <= result.average
    assert len(set(result.worst_transformations)) == 8
    assert not any(result.deceived[1::2])
    assert sum(result.deceived[::2]) >= 3  # most draws of 12 angles within ±30° contain a large one
    assert result.rows()[0].keys() == {"image", "right", "up", "degrees", "deceived"}


def test_constant_and_numpy():
    constant = worst_of_k(lambda x: jnp.stack([0 * x[:, 0, 0, 0] + 1, 0 * x[:, 0, 0, 0]], -1), X, np.array([0, 1]), k=2)
    assert constant.worst == constant.natural == constant.constant == 0.5
    assert not constant.alive
    assert "CONSTANT" in str(constant)

    def numpy_upright(x):
        moment = np.einsum("bijc,ij->b", x, i * j) / x.sum((1, 2, 3))
        return (np.abs(moment) > 4.5).astype(np.int64)

    looped = worst_on_grid(as_function(numpy_upright, numpy=True), X, np.array([0, 0]), steps=(1, 1, 7))
    assert looped.deceived == (True, False)
    assert looped.worst == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: worst_of_k(upright, X, np.array([0])), "one per image"),
        (lambda: worst_of_k(upright, X, k=0), "invalid k 0; allowed: a whole number, at least 1"),
        (lambda: worst_on_grid(upright, X, steps=(5, 5)), "three positive"),
        (lambda: worst_of_k(lambda x: x, X), "logits"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
