"""Random draws and stratified splits: fixed, nested, disjoint, in proportion."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.data import stratified_order, stratified_split, uniforms
from geomdl.data.draws import derived_seed, normals, permutation


def test_draws_are_fixed_extend_and_do_not_share_streams():
    long = uniforms(3, "a", (10, 2))
    np.testing.assert_array_equal(uniforms(3, "a", (4, 2)), long[:4])
    assert not np.isclose(uniforms(3, "b", (10, 2)), long).any()
    assert not np.isclose(uniforms(4, "a", (10, 2)), long).any()
    assert derived_seed(0, "a") == 2461430604  # any change of the generator changes every data set: it must be noticed


def test_draws_have_their_distributions():
    u, z = uniforms(0, "u", (20_000,)), normals(0, "z", (20_000,))
    assert 0 <= u.min() < u.max() < 1
    np.testing.assert_allclose([u.mean(), u.var()], [1 / 2, 1 / 12], atol=0.01)
    np.testing.assert_allclose([z.mean(), z.var(), (z**4).mean()], [0, 1, 3], atol=0.12)
    assert sorted(permutation(0, "p", 100)) == list(range(100))


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array),
    cut=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_any_prefix_holds_each_class_in_proportion(labels, cut, seed):
    order = stratified_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    size = int(cut * len(labels))
    for k in np.unique(labels):
        share = (labels == k).mean() * size
        # The prefix ends at one position for all classes, up to a rounding of each, so their counts balance out.
        assert abs((labels[order[:size]] == k).sum() - share) <= 1 + len(np.unique(labels)) * (labels == k).mean()


def test_splits_are_disjoint_fixed_and_nested():
    labels = np.repeat(np.arange(10), 30)
    test, validation, train = stratified_split(labels, (50, 40, 210), seed=7)
    assert sorted([*test, *validation, *train]) == list(range(300))
    np.testing.assert_array_equal(np.bincount(labels[test]), 5)
    small = stratified_split(labels, (50, 40, 100), seed=7)
    np.testing.assert_array_equal(small[0], test)
    np.testing.assert_array_equal(small[2], train[:100])
    assert not np.array_equal(stratified_split(labels, (50,), seed=8)[0], test)
    assert (
        hashlib.sha256(np.concatenate([test, validation, train]).astype("<i8").tobytes()).hexdigest()[:16]
        == "46998bff026be545"
    )


def test_combinations_of_labels_are_strata():
    labels = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (25, 1)).astype(np.float32)
    (half,) = stratified_split(labels, (52,), seed=0)
    counts = np.unique(labels[half], axis=0, return_counts=True)[1]
    assert counts.min() >= 12
    assert counts.max() <= 14


def test_too_large_splits_are_refused():
    with pytest.raises(ValueError, match=r"split sizes \(3, 3\).*at most 5"):
        stratified_split(np.zeros(5), (3, 3), seed=0)
