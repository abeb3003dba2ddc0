"""The words for how outputs move, and one mechanism behind them in measures and assertions."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import OutputLaw, act, output_law
from geomdl.actions.layouts import LAYOUTS, canonical, in_layout
from geomdl.equivariance import eq_t, lie_derivative, orbit_errors
from geomdl.groups import C4, D4, SO2
from geomdl.representations import FieldType, permutation
from geomdl.testing import SymmetryError, assert_equivariant

X = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
WEIGHTS = jnp.asarray(np.random.default_rng(1).normal(size=(8, 8)), jnp.float32)


def four(x):
    return jnp.stack([(x[..., 0] * jnp.rot90(WEIGHTS, k)).sum((1, 2)) for k in range(4)], -1)


def tokens(x):
    return (x**2).reshape(len(x), -1, x.shape[-1])


@pytest.mark.parametrize(
    "words",
    [
        "invariant", "field", "channels-first", "tokens", "labels", "labels tokens", "labels channels-first", "points",
        "points relative", "boxes", "boxes xywh", "boxes cxcywh relative", "1 regular", "2 trivial + 1 irrep(1)",
        "tokens 2 regular", "channels-first 1 regular", "permutation 1 2 3 0", "2 quotient(C2)",
    ],
)  # fmt: skip
def test_a_law_reads_back_what_it_prints(words) -> None:
    law = output_law(words, C4)
    assert str(law) == words
    assert output_law(str(law), C4) == law


@pytest.mark.parametrize(("kind", "layout"), [(k, layout) for k, all_of in LAYOUTS.items() for layout in ("", *all_of)])
def test_layouts_are_inverted(kind, layout) -> None:
    shape = {"points": (2, 5, 2), "boxes": (2, 5, 4)}.get(kind, (2, 24, 3) if layout == "tokens" else (2, 3, 4, 6))
    y, size = np.random.default_rng(0).normal(size=shape), (8, 12)
    inner = canonical(y, kind, layout, size)
    np.testing.assert_allclose(in_layout(inner, kind, layout, size, y.shape), y, atol=1e-12)
    if kind in ("field", "labels"):
        assert inner.shape[1:3] == ((3, 4) if layout == "" else (4, 6))


def test_box_conventions_agree() -> None:
    box = np.array([1.0, 2.0, 5.0, 4.0])
    for layout, given in (
        ("xyxy", box), ("xywh", [1, 2, 4, 2]), ("cxcywh", [3, 3, 4, 2]),
        ("cxcywh relative", np.array([3.5, 3.5, 4, 2]) / 8), ("xyxy relative", (box + 0.5) / 8),
    ):  # fmt: skip
        np.testing.assert_allclose(canonical(np.array(given, float), "boxes", layout, (8, 8)), box)


def test_permutations_are_representations_and_regular_is_one_of_them() -> None:
    y = jnp.arange(4.0)[None]
    for k in range(4):
        g = np.array([0, k])
        moved = act(g, y, FieldType(C4, [permutation(C4, [3, 0, 1, 2])]))
        np.testing.assert_allclose(moved, act(g, y, FieldType(C4, "1 regular")), atol=1e-6)
    rotation, reflection = [3, 0, 1, 2], [0, 3, 2, 1]
    rho = permutation(D4, [rotation, reflection])
    for p, g in ((rotation, [0, 1]), (reflection, [1, 0])):
        np.testing.assert_allclose(rho(np.array(g)) @ np.arange(4.0), np.arange(4.0)[p], atol=1e-6)


@pytest.mark.parametrize(
    ("model", "output"),
    [
        (four, "1 regular"), (four, jnp.array([3, 0, 1, 2])), (four, FieldType(C4, "1 regular")), (tokens, "tokens"),
        (lambda x: (x**2).transpose(0, 3, 1, 2), "channels-first"),
        (lambda x: x[..., 0] ** 2, "field"),
        (lambda x: (x[..., 0] > 0).astype(jnp.int32), "labels"), (lambda x: (x > 0).astype(jnp.int32), "labels"),
        (lambda x: (tokens(x) > 1).astype(jnp.int32)[..., 0], "labels tokens"),
    ],
)  # fmt: skip
def test_measures_and_assertions_take_the_same_words(model, output) -> None:
    assert orbit_errors(model, X, "C4", output).worst < 1e-5
    assert assert_equivariant(model, X, "C4", output=output)
    with pytest.raises(SymmetryError, match="is not equivariant"):
        assert_equivariant(lambda x: model(x * jnp.arange(8.0)[:, None]), X, "C4", output=output)


@pytest.mark.long
def test_shifts_decibels_and_derivatives_of_tokens() -> None:
    assert orbit_errors(tokens, X, "shifts", "tokens", elements=[[1, 2], [3, 0]]).worst == 0
    assert eq_t(tokens, X, "tokens").decibels > 150
    assert eq_t(lambda x: tokens(x)[:, ::-1], X, "tokens").decibels < 50
    smooth = np.exp(-((np.arange(16) - 7.5) ** 2) / 8).astype(np.float32)
    x = np.stack([np.outer(smooth, smooth), np.outer(smooth, smooth**2)])[..., None]
    field = lie_derivative(lambda x: x**2, x, ["translate_x"], "field").relative
    assert lie_derivative(tokens, x, ["translate_x"], "tokens").relative == pytest.approx(field, rel=1e-5)


def test_what_cannot_be() -> None:
    for call, message in (
        (lambda: orbit_errors(four, X, "shifts", "1 regular"), "a group of the plane, such as C4"),
        (lambda: orbit_errors(tokens, X[:, :4], "C2", "channels-first"), r"\[batch, channels, height, width\]"),
        (lambda: orbit_errors(lambda x: tokens(x)[:, 1:], X, "C4", "tokens"), "leave out class tokens"),
        (lambda: eq_t(four, X, "1 irrep(1)"), "a group of the plane"),
        (lambda: eq_t(four, X, "points"), "unknown output 'points'; allowed: field, channels-first, tokens, invariant"),
        (lambda: lie_derivative(four, X, ["rotate"], OutputLaw("field", FieldType(SO2, "2 irrep(1)"))), "do not move"),
        (lambda: OutputLaw("field", layout="token"), "unknown layout of field 'token'; .*did you mean 'tokens'"),
        (lambda: permutation(C4, "1230"), "invalid permutations '1230'"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
