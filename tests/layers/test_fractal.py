"""Fractal blocks: which columns meet where, and what drop-path does to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import exact_everywhere
from geomdl.layers import Fractal, Layer
from geomdl.representations import FieldType

T = FieldType("C1", "1 trivial")


class Plus(Layer):
    """Adds a number, and so says which units an input has passed."""

    def __init__(self, number, out_type=T):
        self.in_type, self.out_type, self.number = T, out_type, number

    @property
    def contract(self):
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x):
        return x + self.number


def three_columns(**options):
    """Units 1, 10, 100, 1000 of the deepest column, 0.1 and 0.2 of the next, 0.01 of the last."""
    return Fractal([[[Plus(1), Plus(10), Plus(100), Plus(1000)], [Plus(0.1), Plus(0.2)], [Plus(0.01)]]], **options)


def test_columns_that_meet_are_averaged_and_go_on_from_the_mean():
    x = 5.0
    middle = ((x + 1 + 10) + (x + 0.1)) / 2
    wanted = ((middle + 100 + 1000) + (middle + 0.2) + (x + 0.01)) / 3
    np.testing.assert_allclose(three_columns()(jnp.full((2, 1), x)), np.full((2, 1), wanted), rtol=1e-6)
    names = [(child.name, child.layer.number) for child in three_columns().children(())]
    assert names == [
        ("blocks.0.0.0", 1),
        ("blocks.0.0.1", 10),
        ("blocks.0.1.0", 0.1),
        ("blocks.0.0.2", 100),
        ("blocks.0.0.3", 1000),
        ("blocks.0.1.1", 0.2),
        ("blocks.0.2.0", 0.01),
    ]


def test_an_image_with_one_column_goes_along_it_through_all_blocks():
    block = [[Plus(1.0), Plus(2.0)], [Plus(10.0)]]
    other = [[Plus(100.0), Plus(200.0)], [Plus(1000.0)]]
    y = Fractal([block, other], global_share=1.0)(jnp.zeros((200, 1)), train=True, key=jax.random.key(0))
    values, counts = np.unique(y, return_counts=True)
    assert values.tolist() == [303.0, 1010.0], "never one column here and the other one there"
    assert counts.min() > 70


def test_local_draws_keep_one_column_at_least_and_the_mean_of_those_kept():
    layer = three_columns(drop_path=0.5, global_share=0.0)
    y = np.asarray(layer(jnp.zeros((4000, 1)), train=True, key=jax.random.key(0))).ravel()
    middles = [11, 0.1, 5.55]
    ends = [[m + 1100, m + 0.2, 0.01] for m in middles]
    subsets = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]
    possible = {round(float(np.mean([e[c] for c in s])), 3) for e in ends for s in subsets}
    assert {round(float(v), 3) for v in np.round(y, 3)} <= {
        round(p + d, 3) for p in possible for d in (-0.001, 0, 0.001)
    }
    assert len(np.unique(np.round(y, 1))) > 12


@pytest.mark.parametrize(("drop_path", "share"), [(0.15, 0.5), (0.9, 0.0), (0.3, 1.0)])
def test_the_expectation_of_a_join_is_the_mean_of_its_columns(drop_path, share):
    layer = Fractal([[[Plus(0.0), Plus(1.0)], [Plus(2.0)]]], drop_path=drop_path, global_share=share)
    y = layer(jnp.zeros((20_000, 1)), train=True, key=jax.random.key(1))
    assert float(y.mean()) == pytest.approx(float(layer(jnp.zeros((1, 1)))[0, 0]), abs=0.02)


def test_without_paths_left_out_training_is_evaluation():
    layer = three_columns(drop_path=0.0, global_share=0.0)
    x = jnp.arange(3.0)[:, None]
    np.testing.assert_array_equal(layer(x, train=True), layer(x))


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"columns of block 0 of Fractal \[1, 1\]; allowed: \[2, 1\]"):
        Fractal([[[Plus(1)], [Plus(1)]]])
    with pytest.raises(ValueError, match=r"drop_path of Fractal 1.5"):
        three_columns(drop_path=1.5)
    two = FieldType("C1", "2 trivial")
    with pytest.raises(ValueError, match=r"unit 1 of column 0 of block 0 of Fractal takes"):
        Fractal([[[Plus(1, two), Plus(1, two)], [Plus(1, two)]]])
    with pytest.raises(ValueError, match="pass key="):
        three_columns()(jnp.zeros((1, 1)), train=True)
