"""Random keys and seeds, as whoever calls geomdl writes them."""

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Augmentation
from geomdl.equivariance import check_contract
from geomdl.layers import Dropout, GlobalPool
from geomdl.representations import FieldType

FIELDS = FieldType("C4", "2 regular")
IMAGES = np.random.default_rng(0).uniform(size=(2, 4, 4, 8)).astype(np.float32)
CALLS = {
    "layer": lambda key: Dropout(FIELDS, 0.5)(IMAGES, train=True, key=key),
    "augmentation": lambda key: Augmentation(flip=True, quarter_turns=True)(IMAGES, key),
    "contract": lambda key: check_contract(GlobalPool(FIELDS), key, size=4).spread,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_seed_is_the_key_that_jax_makes_of_it(call) -> None:
    expected = np.asarray(call(jax.random.key(3)))
    for key in (3, np.int64(3), jax.random.PRNGKey(3)):
        np.testing.assert_array_equal(call(key), expected)
    assert not np.array_equal(call(4), expected)
    call(nnx.Rngs(3))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_no_key_is_refused(call) -> None:
    for key in (-1, 1.5, "3", True, np.zeros(3)):
        with pytest.raises(ValueError, match=r"invalid key .*; allowed: a JAX random key, or a seed; try jax"):
            call(key)


def test_one_number_is_the_size_along_every_axis() -> None:
    layer = GlobalPool(FIELDS)
    assert check_contract(layer, 0, size=6).rows == check_contract(layer, 0, size=(6, 6)).rows
    for size, message in (((6, 6, 8), r"try \(6, 6\)"), (6.5, "try 6"), ((0, 6), "at least 1"), ("6", "whole number")):
        with pytest.raises(ValueError, match=f"invalid size .*{message}"):
            check_contract(layer, 0, size=size)
