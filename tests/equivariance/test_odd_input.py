"""Every measure of any model, given arrays, elements and numbers that it does not expect."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import geomdl.equivariance as eq
from geomdl.actions.families import family
from geomdl.audit import audit

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(4, 12, 12, 1)).astype(np.float32)


def pooled(x: Any) -> jax.Array:
    return jnp.stack([(x**3).mean((1, 2, 3)), x[:, 0, 0, 0]], -1)


ON_IMAGES: dict[str, Callable[..., Any]] = {
    "orbit_errors": lambda x, f=pooled: eq.orbit_errors(f, x, "C4").errors,
    "orbit_spread": lambda x, f=pooled: eq.orbit_spread(f, x, "C4").orbit_spread,
    "layer_errors": lambda x, f=None: eq.layer_errors(f or (lambda x: (x, {"a": x**2})), x, "C4").matrix,
    "firing_invariance": lambda x, f=pooled: eq.firing_invariance(f, x, "C4", global_rate=0.5).score,
    "feature_equivariance": lambda x, f=pooled: eq.feature_equivariance(f, x, "C4", elements=[[0, 1]]).fitted,
    "lie_derivative": lambda x, f=pooled: eq.lie_derivative(f, x, ["rotate"]).norms,
    "lie_derivative_per_layer": lambda x, f=pooled: (
        eq.lie_derivative_per_layer(lambda x: (f(x), {"a": x}), x, ["rotate"]).norms
    ),
    "eq_t": lambda x, f=pooled: eq.eq_t(f, x, "invariant", count=2).mses,
    "eq_t_frac": lambda x, f=pooled: eq.eq_t_frac(f, x, "invariant", count=2).mses,
    "eq_r": lambda x, f=pooled: eq.eq_r(f, x, "invariant", count=2, max_degrees=20).mses,
    "eq_scale": lambda x, f=pooled: eq.eq_scale(f, x, "invariant", count=2).mses,
    "crop_consistency": lambda x, f=pooled: eq.crop_consistency(f, x, 9, pairs=2).consistency,
    "circular_consistency": lambda x, f=pooled: eq.circular_consistency(f, x, pairs=2).consistency,
    "top1_change_rate": lambda x, f=pooled: eq.top1_change_rate(f, x, "rotation").change_rate,
    "worst_of_k": lambda x, f=pooled: eq.worst_of_k(f, x, k=2).worst,
    "worst_on_grid": lambda x, f=pooled: eq.worst_on_grid(f, x, steps=(1, 1, 2)).worst,
    "position_leak": lambda x, f=pooled: eq.position_leak(f, x, (13, 13)).leak,
}
"""Measures of a model on images: numbers that they give."""


def test_no_measure_is_forgotten() -> None:
    of_models = {
        name
        for name in eq.__all__
        if inspect.isfunction(thing := getattr(eq, name)) and {"model", "x"} <= set(inspect.signature(thing).parameters)
    }
    of_volumes = {"lie_derivative_of_volumes"}
    assert of_models - {"activations"} - of_volumes <= set(ON_IMAGES)


@pytest.mark.parametrize("name", ON_IMAGES)
def test_images_that_are_no_images_are_refused(name) -> None:
    measure = ON_IMAGES[name]
    for dtype in ("uint8", "int8", "uint16", "int16", "int32", "int64", "uint64"):
        with pytest.raises(ValueError, match=r"invalid dtype of (x|patches) .*; divide images by the largest value"):
            measure((X * 100).astype(dtype))
    for images, message in (
        (X.astype(complex), "real and imaginary part are two channels"),
        (np.where(X.max() > X, X, np.nan), "NaN or infinite"),
        (np.where(X.max() > X, X, np.inf), "NaN or infinite"),
        (X[:0], r"of shape \(0, 12, 12, 1\); allowed: images \[batch"),
        (X[..., 0], r"of shape \(4, 12, 12\); .*try .*\[None"),
        (X[0, ..., 0], r"of shape \(12, 12\); .*try .*\[None, ..., None\]"),
        (None, "invalid (x|patches)"),
        ("images", "invalid (dtype of )?(x|patches)"),
    ):
        with pytest.raises(ValueError, match=message):
            measure(images)


class Tensor:
    """What a tensor of PyTorch looks like from outside."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.values.astype(dtype or self.values.dtype)


@pytest.mark.long
@pytest.mark.compiled
@pytest.mark.parametrize("name", ON_IMAGES)
def test_the_same_numbers_in_other_types_and_containers_give_the_same(name) -> None:
    coarse = np.round(X * 64) / 64  # exact in every type
    expected = ON_IMAGES[name](coarse)
    for images in (coarse.astype(np.float64), coarse.tolist(), jnp.asarray(coarse), Tensor(coarse)):
        np.testing.assert_allclose(ON_IMAGES[name](images), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.long
@pytest.mark.compiled
@pytest.mark.parametrize("name", ["orbit_errors", "lie_derivative", "eq_t_frac", "eq_r", "eq_scale", "worst_of_k"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_measures_what_single_precision_does(name, dtype) -> None:
    def soft(x):  # computed in float32: what is measured is the measure
        return jnp.stack([jnp.sin(3 * x.astype(jnp.float32)).mean((1, 2, 3)), x[:, 3, 4, 0].astype(jnp.float32)], -1)

    coarse = np.round(X * 64) / 64
    expected = ON_IMAGES[name](coarse, soft)
    np.testing.assert_allclose(ON_IMAGES[name](jnp.asarray(coarse, dtype), soft), expected, rtol=0.05, atol=2e-3)


@pytest.mark.parametrize("name", ["orbit_spread", "eq_t", "worst_of_k", "circular_consistency", "lie_derivative"])
def test_complex_outputs_are_refused(name) -> None:
    with pytest.raises(ValueError, match="complex64'; allowed: real numbers"):
        ON_IMAGES[name](X, lambda x: jax.lax.complex(pooled(x), pooled(x)))


def test_whole_numbers_of_an_output_do_not_wrap_around() -> None:
    whole = lambda x: (255 * x).astype(jnp.uint8)  # noqa: E731
    real = lambda x: (255 * x).astype(jnp.uint8).astype(jnp.float32)  # noqa: E731
    assert eq.eq_t(whole, X, count=2).mses == pytest.approx(eq.eq_t(real, X, count=2).mses, rel=1e-5)
    a, b = np.array([0, 10], np.uint8), np.array([1, 10], np.uint8)
    assert float(eq.relative_error(a, b)) == pytest.approx(float(eq.relative_error(a.astype(float), b.astype(float))))
    big = np.full(9, 300.0, np.float16)
    assert float(eq.relative_error(2 * big, big)) == pytest.approx(1)
    assert float(eq.relative_error(np.array([1j]), np.array([1.0 + 0j]))) == pytest.approx(2**0.5)


WRONG_ELEMENTS = [
    ("C8", [[0, 45]], "invalid element of C8"),
    ("C4", [[0, 4]], "invalid element of C4"),
    ("C4", [[0, -1]], "invalid element of C4"),
    ("C4", [[0, 1.5]], "invalid element of C4"),
    ("C4", [[1, 0]], "invalid element of C4"),
    ("D4", [[2, 0]], "invalid element of D4"),
    ("SO2", [[0, 90.0]], "invalid element of SO2"),
    ("SO2", [[0, np.nan]], "invalid element of SO2"),
    ("rotation", [[90.0]], "invalid element of rotation .*radians from"),
    ("affine", [[2, 0, 0, 0, 0, 0, 0]], "invalid element of affine .*0 or 1"),
    ("C4", np.zeros((0, 2)), r"invalid elements .*\[n, 2\]"),
    ("C4", [[0, 1, 2]], r"invalid elements .*\[n, 2\]"),
    ("rotate", [np.nan], "invalid elements .*finite strengths"),
    ("rotate", [90.0], "invalid element of rotate .*radians from"),
    ("C4", [["a", "b"]], "invalid"),
]


@pytest.mark.parametrize(("group", "elements", "message"), WRONG_ELEMENTS)
def test_elements_that_do_not_exist_are_refused_by_every_measure(group, elements, message) -> None:
    for name in ("orbit_errors", "orbit_spread", "layer_errors", "firing_invariance", "feature_equivariance"):
        with pytest.raises(ValueError, match=message):
            getattr(eq, name)(pooled, X, group, elements=elements)


WRONG_NUMBERS: list[tuple[Callable[[], Any], str]] = [
    (lambda: eq.orbit_errors(pooled, X, "SO2", count=2.5), r"invalid count 2.5; allowed: a whole number"),
    (lambda: eq.orbit_errors(pooled, X, "SO2", count=0), r"invalid count 0; .*at least 1"),
    (lambda: eq.orbit_errors(pooled, X, "SO2", seed=-1), r"invalid seed -1; .*at least 0"),
    (lambda: eq.eq_t(pooled, X, "invariant", count=0), r"invalid count 0; .*at least 1"),
    (lambda: eq.eq_r(pooled, X, "invariant", count=True), r"invalid count True"),
    (lambda: eq.eq_r(pooled, X, "invariant", max_degrees=np.nan), r"invalid max_degrees nan"),
    (lambda: eq.eq_scale(pooled, X, "invariant", max_factor=np.inf), r"invalid max_factor inf"),
    (lambda: eq.crop_consistency(pooled, X, 9.5), r"invalid crop 9.5; allowed: a whole number"),
    (lambda: eq.crop_consistency(pooled, X, 9, pairs=0), r"invalid pairs 0; .*at least 1"),
    (lambda: eq.circular_consistency(pooled, X, max_shift=1.5), r"invalid max_shift 1.5; allowed: a whole number"),
    (lambda: eq.top1_change_rate(pooled, X, strength=np.nan), r"invalid strength nan"),
    (lambda: eq.worst_of_k(pooled, X, k=1.5), r"invalid k 1.5; allowed: a whole number"),
    (lambda: eq.worst_of_k(pooled, X, max_shift=np.nan), r"invalid max_shift, max_degrees .*nan"),
    (lambda: eq.worst_on_grid(pooled, X, steps=(1, 1, 0)), r"invalid steps 0; .*at least 1"),
    (lambda: eq.worst_on_grid(pooled, X, max_degrees=np.inf), r"invalid max_shift, max_degrees .*inf"),
    (lambda: eq.position_leak(pooled, X, (13.5, 13)), r"invalid size 13.5; allowed: a whole number"),
    (lambda: eq.position_leak(pooled, X, (13, 13), step=0), r"invalid step 0; .*at least 1"),
    (lambda: eq.position_leak(pooled, X, (13, 13), background=np.nan), r"invalid background nan"),
    (lambda: eq.firing_invariance(pooled, X, "C4", global_rate=np.nan), r"invalid global_rate, proportion .*nan"),
    (lambda: eq.feature_equivariance(pooled, X, "C4", ridge=np.nan), r"invalid ridge nan"),
    (lambda: audit(pooled, group="C4", images=X, batch=0), r"invalid batch 0; .*at least 1"),
    (lambda: audit(pooled, group="C4", images=X, count=2.5), r"invalid count 2.5; allowed: a whole number"),
    (lambda: audit(pooled, group="C4", size=(8, 8.5, 1)), r"invalid width 8.5; allowed: a whole number"),
    (lambda: audit(pooled, group="C4", seed=-1, images=X), r"invalid seed -1; .*at least 0"),
    (lambda: audit(pooled, group="C4", images=np.where(X.max() > X, X, np.nan)), r"images contain NaN or infinity"),
    (lambda: audit(pooled, group="C4", images=X[:0]), r"invalid images .*two or more"),
    (
        lambda: audit(pooled, group="C4", images=(X * 255).astype(np.uint8)),
        r"invalid dtype of images 'uint8'; .*divide images by the largest value",
    ),
    (lambda: audit(pooled, group="C4", images=X * 1j), r"invalid dtype of images 'complex64'"),
    (lambda: audit(lambda x: x[:, 0, 0, :0], group="C4", images=X), r"without any number in them"),
]


@pytest.mark.parametrize(("call", "message"), WRONG_NUMBERS)
def test_numbers_that_count_nothing_are_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    found = eq.circular_consistency(pooled, X, max_shift=np.int64(2), pairs=np.uint8(2), seed=np.int32(1))
    assert found == eq.circular_consistency(pooled, X, max_shift=2, pairs=2, seed=1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2, 0], "label of image 2 2; allowed: a whole number from 0 to 1"),
        ([0, -1, 1, 0], "label of image 1 -1; allowed"),
        ([0.0, 1.0, 1.0, 0.0], "invalid labels 'float64"),
        ([0, 1, 1], r"invalid labels .*integers \[4\]"),
        (np.eye(2, dtype=int)[[0, 1, 0, 1]], r"invalid labels .*try labels.argmax\(-1\)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        eq.worst_of_k(pooled, X, labels, k=1)


@pytest.mark.compiled
def test_labels_of_every_integer_type_give_the_same_accuracy() -> None:
    labels = np.array([0, 1, 1, 0])
    expected = eq.worst_of_k(pooled, X, labels, k=1)
    for dtype in ("bool", "uint8", "int16", "uint64"):
        assert eq.worst_of_k(pooled, X, labels.astype(dtype), k=1) == expected


@pytest.mark.parametrize(
    ("x", "elements", "message"),
    [
        (np.ones((1, 4)), np.zeros((0, 2)), r"invalid elements of shape \(0, 2\)"),
        (np.ones((0, 4)), [[0, 1]], r"invalid x of shape \(0, 4\)"),
        (np.full((1, 4), np.nan), [[0, 1]], "invalid x: it contains NaN"),
        (np.ones((1, 4)), [[0, np.inf]], "invalid elements: it contains NaN"),
    ],
)
def test_equivariance_error_has_something_to_measure(x, elements, message) -> None:
    with pytest.raises(ValueError, match=message):
        eq.equivariance_error(lambda x: x, x, lambda g, x: x, lambda g, y: y, elements)


def test_families_take_the_elements_that_they_draw() -> None:
    for name in ("rotation", "affine", "reflection", "contrast"):
        drawn = np.array([[0], [1]]) if name == "reflection" else family(name).sample(np.random.default_rng(0), 3)
        assert len(eq.orbit_errors(pooled, X[:2], name, elements=drawn).errors) == len(drawn)
