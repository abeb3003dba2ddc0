"""Dropout against its definition; and layers within layers, none of which draws the numbers of another."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import Contract, exact_everywhere
from geomdl.layers import Branch, Dropout, Hourglass, Layer, Parallel, Residual, Sequential
from geomdl.layers.containers.remat import rematerialised
from geomdl.representations import FieldType

T = FieldType("C4", "1 trivial + 2 regular + 1 irrep(1)")
FIELDS = [slice(0, 1), slice(1, 5), slice(5, 9), slice(9, 11)]
KEY = jax.random.key(5)
RATE = 0.25


@pytest.mark.parametrize("whole_fields", [False, True])
def test_dropout_keeps_the_mean(whole_fields: bool) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1.5, (1000, 3, 1, T.size)).astype(np.float32)
    y = np.asarray(Dropout(T, RATE, whole_fields=whole_fields)(jnp.asarray(x), train=True, key=KEY))
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - RATE), rtol=1e-6)
    for field in FIELDS:
        assert abs(kept[..., field].mean() - (1 - RATE)) < 0.06
        shares = kept[..., field].mean((1, 2, 3))  # of each image
        assert bool(np.isin(shares, (0, 1)).all()) == whole_fields
    assert len({kept[:, 0, 0, field.start].tobytes() for field in FIELDS}) == len(FIELDS)


class Draws(Layer):
    """Notes the random number that its key gives."""

    def __init__(self) -> None:
        self.in_type = self.out_type = T
        self.number = nnx.BatchStat(jnp.zeros(()))

    @property
    def contract(self) -> Contract:
        return exact_everywhere(T, random_in_training=True)

    def __call__(self, x: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        assert key is not None
        self.number[...] = jax.random.uniform(key)
        return x


CONTAINERS: dict[str, Callable[[], Layer]] = {
    "Sequential": lambda: Sequential([Draws(), Sequential([Draws(), Draws()]), Draws()]),
    "Branch": lambda: Branch([Draws(), Draws()]),
    "Parallel": lambda: Parallel([Draws(), Draws()]),
    "Residual": lambda: Residual(Draws(), Draws()),
    "Hourglass": lambda: Hourglass(Draws(), Draws(), Draws()),
}


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("name", CONTAINERS)
def test_every_layer_within_another_has_a_key_of_its_own(name: str, remat: bool) -> None:
    layer = CONTAINERS[name]()
    with rematerialised(remat):
        layer(jnp.ones((1, 2, 2, layer.in_type.size)), train=True, key=KEY)
    numbers = [float(part.number[...]) for _, part in nnx.iter_graph(layer) if isinstance(part, Draws)]
    assert len(numbers) >= 2
    assert len({*numbers, float(jax.random.uniform(KEY))}) == len(numbers) + 1
