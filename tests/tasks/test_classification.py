"""Losses and metrics of classification against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.tasks import TASKS, Classification, ClassificationConfig, masked_mean

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
