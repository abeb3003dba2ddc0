"""Losses and metrics of classification against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.tasks import (
    TASKS,
    Classification,
    ClassificationConfig,
    accumulate,
    accumulators_of,
    masked_mean,
    split_metrics,
    top_k_accuracy,
)

LOGITS = np.array([[1.0, 2.0, -1.0], [0.0, 0.0, 3.0]], np.float32)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)


def test_softmax_by_hand() -> None:
    loss, metrics = Classification(3).loss(jnp.asarray(LOGITS), {"label": jnp.array([0, 2])})
    assert loss == pytest.approx(-(np.log(PROBABILITIES[0, 0]) + np.log(PROBABILITIES[1, 2])) / 2, rel=1e-6)
    assert metrics["accuracy"] == 0.5


def test_label_smoothing_by_hand() -> None:
    loss, _ = Classification(3, label_smoothing=0.3).loss(jnp.asarray(LOGITS), {"label": jnp.array([0, 2])})
    targets = 0.7 * np.eye(3)[[0, 2]] + 0.1
    assert loss == pytest.approx(-(targets * np.log(PROBABILITIES)).sum(1).mean(), rel=1e-6)


def test_sigmoid_by_hand() -> None:
    labels = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]], np.float32)
    loss, metrics = Classification(3, "sigmoid").loss(jnp.asarray(LOGITS), {"label": jnp.asarray(labels)})
    p = 1 / (1 + np.exp(-LOGITS))
    assert loss == pytest.approx(-np.log(np.where(labels > 0, p, 1 - p)).mean(), rel=1e-6)
    assert metrics["accuracy"] == pytest.approx(5 / 6)  # only the first label of the second image is missed
    assert metrics["exact_match"] == 0.5


def test_sigmoid_survives_large_logits() -> None:
    loss, _ = Classification(1, "sigmoid").loss(jnp.array([[-200.0]]), {"label": jnp.array([[1.0]])})
    assert loss == pytest.approx(200)


@pytest.mark.compiled
def test_gradient_descent_on_the_perceptron_loss_is_the_perceptron_rule() -> None:
    task = Classification(2, "perceptron")
    x, w = np.float32([[1.0, 2.0, 1.0]]), np.float32([[0.5, 0.0], [0.5, 0.0], [0.0, 0.0]])

    def loss(weights: jax.Array, label: jax.Array) -> jax.Array:
        return task.loss(x @ weights, {"label": label})[0]

    gradient = jax.jit(jax.grad(loss))
    np.testing.assert_allclose(gradient(w, np.array([0])), 0)  # right: nothing is learnt
    desired, output = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    after = w - 0.1 * np.asarray(gradient(w, np.array([1])))
    np.testing.assert_allclose(after, w + 0.1 * np.outer(x[0], desired - output), rtol=1e-6)


def test_padding_counts_nowhere() -> None:
    task, logits = Classification(3), jnp.asarray(LOGITS)
    alone = jax.jit(task.loss)(logits, {"label": jnp.array([1, 0])})
    padded = jax.jit(task.loss)(
        jnp.concatenate([logits, jnp.full((2, 3), jnp.nan)]),
        {"label": jnp.array([1, 0, 0, 0]), "mask": jnp.array([1.0, 1.0, 0.0, 0.0])},
    )
    assert alone == padded
    assert masked_mean(jnp.ones(2), jnp.zeros(2)) == 0


def test_predictions() -> None:
    np.testing.assert_array_equal(Classification(3).predictions(jnp.asarray(LOGITS)), [1, 2])
    np.testing.assert_array_equal(
        Classification(3, "sigmoid").predictions(jnp.asarray(LOGITS)), [[True, True, False], [False, False, True]]
    )


def test_the_loss_follows_the_labels_of_the_data_set() -> None:
    assert ClassificationConfig().build(num_classes=4).objective == "softmax"
    assert TASKS["classification"]().build(num_classes=4, multi_label=True).objective == "sigmoid"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassificationConfig(loss="hinge"), "unknown task.loss 'hinge'; allowed: softmax, sigmoid"),
        (
            lambda: ClassificationConfig(label_smoothing=1.0),
            r"label_smoothing 1.0; allowed: a number in \[0, 1\)",
        ),
        (lambda: ClassificationConfig(loss="perceptron", label_smoothing=0.1), "0 with the perceptron loss"),
        (lambda: ClassificationConfig(loss="softmax").build(num_classes=3, multi_label=True), "'sigmoid'"),
        (lambda: ClassificationConfig(loss="sigmoid").build(num_classes=3), "'softmax' or 'perceptron'"),
    ],
)
def test_bad_input(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_top_k_counts_as_a_sort_does_and_ties_as_chance() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(50, 7)).astype(np.float32), rng.integers(0, 7, 50)
    order = np.argsort(-logits, axis=1)
    values = jax.jit(Classification(7, top_k=(1, 3)).per_example)(jnp.asarray(logits), {"label": jnp.asarray(labels)})
    for k in (1, 3):
        np.testing.assert_array_equal(values[f"top{k}_accuracy"], (order[:, :k] == labels[:, None]).any(1))
        np.testing.assert_array_equal(values[f"top{k}_error"], 1 - values[f"top{k}_accuracy"])
    np.testing.assert_array_equal(values["accuracy"], values["top1_accuracy"])
    constant = jax.jit(Classification(7, top_k=(3,)).per_example)(jnp.ones((50, 7)), {"label": jnp.asarray(labels)})
    np.testing.assert_allclose(constant["top3_accuracy"], 3 / 7, rtol=1e-6)
    tied = top_k_accuracy(jnp.array([[2.0, 1.0, 1.0, 0.0]] * 3), jnp.array([0, 2, 3]), 2)
    np.testing.assert_array_equal(tied, [1, 0.5, 0])
    nan = jnp.array([[jnp.nan, 1.0, 0.0], [jnp.nan, 1.0, 0.0]])
    np.testing.assert_array_equal(top_k_accuracy(nan, jnp.array([0, 1]), 1), [0, 0])


def test_top_k_of_a_split_leaves_padding_out() -> None:
    task = Classification(3, top_k=(2,))
    assert split_metrics(task) == {"loss": False, "accuracy": True, "top2_accuracy": True, "top2_error": False}
    batch = {"image": jnp.asarray(LOGITS), "label": jnp.array([2, 1]), "mask": jnp.array([1.0, 0.0])}
    found = accumulate(lambda x: x, [batch, {**batch, "mask": jnp.ones(2)}], accumulators_of(task))
    assert found["top2_accuracy"] == pytest.approx(0.5 / 3)  # of image 1 classes 0 and 1 tie for the second place
    assert found["top2_error"] == pytest.approx(1 - 0.5 / 3)


def test_top_k_can_be_monitored_and_needs_so_many_classes() -> None:
    config = ClassificationConfig(top_k=(5,))
    assert "top5_error" in config.monitors
    assert "top5_error" not in ClassificationConfig().monitors
    assert config == ClassificationConfig(top_k=(5,))
    for make, message in (
        (lambda: config.build(num_classes=4), "invalid task.top_k 5; allowed: a whole number, 1 to 4; try 4"),
        (lambda: ClassificationConfig(top_k=(0,)), "invalid task.top_k 0; allowed: a whole number, at least 1"),
        (lambda: ClassificationConfig(top_k=(5, 5)), r"each number once; try \(5,\)"),
        (lambda: Classification(5, "sigmoid", top_k=(2,)), "none where an image has several labels"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize("objective", ["softmax", "sigmoid"])
def test_probabilities_of_mixed_labels_are_smoothed_and_metrics_are_of_the_label(objective: str) -> None:
    task = Classification(3, objective, label_smoothing=0.2)
    t = np.array([[0.7, 0.3, 0.0], [0.0, 0.4, 0.6]], np.float32)
    label = (t > 0.5).astype(np.float32) if objective == "sigmoid" else t.argmax(1)
    batch = {"label": jnp.asarray(label), "label_probabilities": jnp.asarray(t)}
    loss, metrics = jax.jit(task.loss)(jnp.asarray(LOGITS), batch)
    if objective == "softmax":
        expected = -((0.8 * t + 0.2 / 3) * np.log(PROBABILITIES)).sum(1).mean()
        assert metrics["accuracy"] == 0.5
    else:
        smooth, p = 0.8 * t + 0.1, 1 / (1 + np.exp(-LOGITS))
        expected = -(smooth * np.log(p) + (1 - smooth) * np.log(1 - p)).mean()
    assert loss == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"label_probabilities \(2, 2\); allowed: \(2, 3\)"):
        task.loss(jnp.asarray(LOGITS), {**batch, "label_probabilities": jnp.asarray(t[:, :2])})
