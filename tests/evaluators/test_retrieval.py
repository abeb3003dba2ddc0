"""Nearest neighbours and retrieval metrics against loops in NumPy and scikit-learn; ties; what is refused."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import geomdl.evaluators.retrieval as retrieval
from geomdl.evaluators import nearest_neighbours, retrieval_metrics

rng = np.random.default_rng(0)
GALLERY, QUERIES = rng.normal(size=(3000, 6)).astype(np.float32), rng.normal(size=(40, 6)).astype(np.float32)
CLASSES, OWN = rng.integers(0, 5, 3000), rng.integers(0, 5, 40)


def distances(q, x, distance):
    q, x = np.asarray(q, float), np.asarray(x, float)
    if distance == "euclidean":
        return np.sqrt(((q[:, None] - x) ** 2).sum(-1))
    return 1 - (q @ x.T) / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(x, axis=1)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("block", [3000, 2**24])
def test_neighbours_are_those_of_all_distances(distance, block, monkeypatch):
    monkeypatch.setattr(retrieval, "_BLOCK", block)
    d = distances(QUERIES, GALLERY, distance)
    for k in (1, 17, 3000):
        found = nearest_neighbours(QUERIES, GALLERY, k, distance=distance)
        np.testing.assert_allclose(found.distances, np.sort(d, axis=1)[:, :k], atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(d, found.indices, 1), found.distances, atol=1e-6)
        assert all(len(set(row)) == k for row in found.indices)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_equally_near_ones_come_in_the_order_of_the_gallery(distance):
    copies = np.tile(GALLERY[:100], (30, 1))
    found = nearest_neighbours(QUERIES, copies, 60, distance=distance)
    expected = found.indices[:, :1] % 100 + 100 * np.arange(30)
    np.testing.assert_array_equal(found.indices[:, :30], expected)
    assert (found.distances[:, :30] == found.distances[:, :1]).all()


def test_what_is_nearest_is_found_though_rounding_hides_it():
    """Products in float32 lose what tells these vectors apart: candidates are taken up to rounding."""
    near = (100 + 1e-3 * rng.normal(size=(5000, 16))).astype(np.float32)
    found = nearest_neighbours(near[:20], near, 5, distance="euclidean")
    d = distances(near[:20], near, "euclidean")
    np.testing.assert_allclose(found.distances, np.sort(d, axis=1)[:, :5], atol=1e-9)
    assert (found.indices[:, 0] == np.arange(20)).all()


def test_no_vector_is_its_own_neighbour_among_themselves_though_its_copy_may_be():
    twice = np.concatenate([GALLERY[:50], GALLERY[:50]])
    found = nearest_neighbours(twice, twice, 1, exclude_same=True)
    np.testing.assert_array_equal(found.indices[:, 0], np.roll(np.arange(100), 50))


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_mean_average_precision_is_that_of_scikit_learn_and_the_others_are_counts(distance):
    found = retrieval_metrics(QUERIES, OWN, GALLERY, CLASSES, k=[1, 20], distance=distance)
    d = distances(QUERIES, GALLERY, distance)
    relevant = OWN[:, None] == CLASSES
    expected = np.mean([average_precision_score(r, -row) for r, row in zip(relevant, d, strict=True)])
    assert found.mean_average_precision == pytest.approx(expected, abs=1e-6)
    hits = np.take_along_axis(relevant, np.argsort(d, 1), 1)
    assert found.precision[20] == pytest.approx(hits[:, :20].mean())
    assert found.recall[20] == pytest.approx((hits[:, :20].sum(1) / relevant.sum(1)).mean())
    assert found.hit[1] == pytest.approx(hits[:, 0].mean())
    assert set(found.to_dict()) >= {"mean_average_precision", "precision@20", "recall@1", "hit@20", "queries"}


def test_perfect_and_useless_features_and_classes_that_are_not_there():
    labels = np.repeat(np.arange(4), 5)
    own = np.eye(4)[labels]
    assert retrieval_metrics(own, labels, own, labels, k=[1], exclude_same=True).mean_average_precision == 1
    same = np.ones((20, 3))
    assert retrieval_metrics(same[:1], [3], same, labels, k=[1]).mean_average_precision == pytest.approx(
        np.mean([(i + 1) / (16 + i) for i in range(5)])
    )
    some = retrieval_metrics(own[[0, 19]], [0, 9], own, labels, k=[1])
    assert (some.queries, some.left_out, some.precision[1]) == (1, 1, 1.0)


def test_large_small_and_zero_vectors():
    x = np.array([[1e30, 0], [0, 1e-30], [0, 0]], np.float32)
    found = nearest_neighbours(x[:2], x, 3)
    np.testing.assert_allclose(found.distances, [[0, 1, 1], [0, 1, 1]], atol=1e-6)
    assert found.indices.tolist() == [[0, 1, 2], [1, 0, 2]]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[1.0, 2.0]], [[1.0]]), {}, "invalid queries '2 channels'; allowed: the 1 channels of the gallery"),
        (([[np.nan]], [[1.0]]), {}, "invalid queries 'NaN or infinite'"),
        (([[1.0]], np.zeros((0, 1))), {}, "invalid gallery"),
        (([1.0], [[1.0]]), {}, "invalid queries"),
        (([["a"]], [[1.0]]), {}, "invalid queries"),
        (([[1.0]], [[1.0]]), {"k": 2}, "invalid k 2; allowed: at most the 1 vectors"),
        (([[1.0]], [[1.0]]), {"k": 0}, "invalid k 0"),
        (([[1.0]], [[1.0]]), {"distance": "cosin"}, "unknown distance 'cosin'.*did you mean 'cosine'"),
        (([[1.0]], [[1.0], [2.0]]), {"exclude_same": True, "k": 1}, "invalid exclude_same"),
    ],
)
def test_what_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(*arguments, **{"k": 1, **options})


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="invalid gallery_labels"):
        retrieval_metrics([[1.0]], [0], [[1.0]], [0, 1], k=[1])
    with pytest.raises(ValueError, match="classes of which the gallery has none"):
        retrieval_metrics([[1.0]], [0], [[1.0]], [1], k=[1])
