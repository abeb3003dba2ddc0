"""Actions of arrays of every dtype: the numbers that float32 gives, and labels that move exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import (
    FAMILIES,
    GENERATORS,
    Cutout,
    Shift,
    Warp,
    act,
    act_labels,
    input_action,
    move,
    move_values,
    output_action,
    representation_matrix,
    roll,
    rotate,
    shift_crop,
    turn,
    warp,
    warp_labels,
    warp_projective,
)
from geomdl.groups import C4, C8, SO2, GridTranslations
from geomdl.representations import FieldType, irrep

WHOLE = (np.uint8, np.int8, np.uint16, np.int32, np.int64)
DTYPES = (*WHOLE, np.bool_, np.float16, jnp.bfloat16, np.float64)
SHEAR = [[0.9, 0.1], [0.0, 1.1]]
SCALARS, VECTORS, TURNED = FieldType("C8", "2 trivial"), FieldType("C8", "1 irrep(1)"), FieldType("SO2", "1 irrep(1)")


def _family(name):
    element = FAMILIES[name].sample(np.random.default_rng(0), 1)[0]
    return lambda x: FAMILIES[name].act(element, x)


def _act_traced(field_type, element):
    compiled = jax.jit(lambda g, x: act(g, x, field_type))
    return lambda x: compiled(element, x)


ACTIONS = {
    "warp": lambda x: warp(x, SHEAR, [1, 2]),
    "quarter turn": lambda x: rotate(x, 90),
    "rotation": lambda x: rotate(x, 30),
    "rotations": lambda x: rotate(x, np.array([30, 60], np.uint8)),
    "act, scalars": lambda x: act([0, 1], x, SCALARS),
    "act, vectors": lambda x: act([0, 1], x, VECTORS),
    "act, vectors, on the grid": lambda x: act([0, 2], x, VECTORS),
    "act, traced": _act_traced(VECTORS, np.array([0, 3], np.uint8)),
    "act, traced, continuous": _act_traced(TURNED, np.array([0, 1], np.uint8)),
    "homography": lambda x: warp_projective(x, [[1, 0, 0], [0, 1, 0.5], [0.01, 0, 1]]),
    "identity": lambda x: move(x, np.eye(3)),
    "contrast": lambda x: GENERATORS["contrast"].act(0.5, x),
    "brightness": lambda x: GENERATORS["brightness"].act(0.5, x),
    "circular shift": lambda x: roll(x, (1, -1)),
    "shift": lambda x: shift_crop(x, np.array([1, 2], np.uint8), fill=-1),
    "turn": lambda x: turn(x, 1, 1),
    "Warp": lambda x: Warp(jnp.array(SHEAR)).images(x),
    "Cutout": lambda x: Cutout(jnp.eye(8, dtype=bool)[None]).images(x),
    "translations": lambda x: input_action(GridTranslations(8, 8))([0, -1], x),
    "field output": lambda x: output_action("field", FAMILIES["scale"], size=(8, 8))([0.2], x),
    "similarity": _family("similarity"),
}  # fmt: skip


def _agrees(name: str, dtype) -> None:
    whole = np.random.default_rng(0).integers(0, 100, (2, 8, 8, 2))
    x = (whole > 50 if dtype is np.bool_ else whole).astype(dtype)
    y, wanted = ACTIONS[name](x), ACTIONS[name](x.astype(np.float32))
    error = np.abs(np.asarray(y, np.float32) - np.asarray(wanted)).max()
    eps = float(jnp.finfo(y.dtype).eps) if jnp.issubdtype(y.dtype, jnp.floating) else 0
    # Coordinates in float32: numbers are rounded once or twice, at the size of the largest.
    assert error <= 2 * eps * np.abs(wanted).max(), f"{np.dtype(dtype)} → {y.dtype}: {error}"


@pytest.mark.parametrize("name", ACTIONS)
def test_images(name):
    _agrees(name, np.uint8)
    if name in ("warp", "act, traced", "homography", "contrast"):
        _agrees(name, jnp.bfloat16)


@pytest.mark.long
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("name", ACTIONS)
def test_images_of_every_dtype(name, dtype):
    _agrees(name, dtype)


@pytest.mark.parametrize("name", ["warp", "rotation", "act, scalars", "homography", "contrast", "similarity"])
def test_complex_images_are_refused(name):
    with pytest.raises(ValueError, match="real and imaginary part"):
        ACTIONS[name](np.zeros((2, 8, 8, 2), np.complex64))


@pytest.mark.parametrize("dtype", [*WHOLE, np.uint32, np.bool_])
def test_label_maps_of_every_dtype_move_exactly(dtype):
    labels = np.random.default_rng(0).integers(0, 2 if dtype is np.bool_ else 100, (2, 6, 6))
    given, quarter = labels.astype(dtype), np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = np.rot90(labels, axes=(1, 2))
    for moved in (
        act_labels(np.array([0, 1]), given, C4),
        warp_labels(given, quarter),
        output_action("labels", C4, size=(6, 6))([0, 1], given),
        jax.jit(lambda g, y: act_labels(g, y, C4))(np.array([0, 1], np.uint8), given),
    ):
        assert not jnp.issubdtype(moved.dtype, jnp.inexact)
        np.testing.assert_array_equal(moved, turned)
    shifted = np.full_like(labels, -1)
    shifted[:, 1:] = labels[:, :-1]
    np.testing.assert_array_equal(Shift(jnp.array([1, 0])).labels(given, -1), shifted)
    hidden = np.eye(6, dtype=bool)[None]
    np.testing.assert_array_equal(Cutout(jnp.asarray(hidden)).labels(given, -1), np.where(hidden, -1, labels))
    half = np.asarray(warp_labels(given, quarter * 0.5))
    assert set(half.ravel().tolist()) <= {-1, *labels.ravel().tolist()}
    assert (half == -1).any()


def test_labels_with_a_fraction_are_refused():
    for move_labels in (lambda y: act_labels([0, 1], y, C4), lambda y: warp_labels(y, np.eye(2))):
        with pytest.raises(ValueError, match="integers"):
            move_labels(np.zeros((1, 4, 4), np.float32))
        with pytest.raises(ValueError, match=r"try x\[\.\.\., 0\]"):
            move_labels(np.zeros((1, 4, 4, 1), np.int32))


def test_coordinates_of_half_precision_are_computed_in_float32():
    points = jnp.array([[100.0, 100.0]], jnp.bfloat16)  # 100.5 has no bfloat16
    moved = output_action("points", C8, size=(256, 256))(np.array([0, 1]), points)
    c, centre = np.sqrt(0.5), 127.5
    x, up = 100 - centre, centre - 100
    np.testing.assert_allclose(moved, [[centre + c * (x - up), centre - c * (x + up)]], atol=1e-3)


def test_vectors_of_whole_numbers_turn():
    moved = move_values(
        np.array([[1, 0]], np.int32), np.array([[0.0, -1.0], [1.0, 0.0]]), FieldType(SO2, "1 irrep(1)"), C4
    )
    np.testing.assert_allclose(moved, [[0.0, 1.0]], atol=1e-6)
    np.testing.assert_allclose(representation_matrix(jnp.array([0, 1]), irrep(SO2, 1))[0, 0], np.cos(1), atol=1e-6)


X = np.zeros((1, 8, 8, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: act([0, 45], X, SCALARS), "which is 45°"),
        (lambda: act([0, 1.5], X, SCALARS), "element of C8"),
        (lambda: act([[0, 1]], X, SCALARS), "one element at a time"),
        (lambda: act_labels([0, 90], np.zeros((1, 4, 4), int), C4), "which is 90°"),
        (lambda: act_labels([0, -1], np.zeros((1, 4, 4), int), C4), "element of C4"),
        (lambda: input_action(SO2)([0, 90.0], X), "which is 90°"),
        (lambda: input_action(GridTranslations(8, 8))([0, 0.5], X), "element of Z8xZ8"),
        (lambda: input_action(GridTranslations(8, 8, step=2))([0, 1], X), "multiples of 2"),
        (lambda: output_action("points", C4, size=(8, 8))([0, 4], np.zeros((1, 2))), "element of C4"),
        (lambda: output_action("points", GridTranslations(8, 8), size=(8, 8))([0, 0.5], np.zeros((1, 2))), "Z8xZ8"),
        (lambda: representation_matrix(jnp.array([0.0, 90.0]), irrep(SO2, 1)), "element of SO2"),
        (lambda: FAMILIES["rotation"].act([np.nan], X), "finite"),
        (lambda: GENERATORS["rotate"].act(np.nan, X), "finite"),
        (lambda: GENERATORS["contrast"].act(np.inf, X), "finite"),
        (lambda: rotate(X, np.nan), "finite"),
        (lambda: warp(X, np.zeros((2, 2))), "inverse"),
        (lambda: warp(X, [[1, 0], [0, np.nan]]), "finite"),
        (lambda: warp(X, np.eye(3)), "shape of the matrix"),
        (lambda: warp(X, np.eye(2), [1, 2, 3]), "shape of the offset"),
        (lambda: roll(X, (0.5, 0)), "whole numbers of pixels"),
        (lambda: shift_crop(X, (np.nan, 0)), "whole numbers of pixels"),
        (lambda: turn(X, 0, 0.5), "whole number"),
        (lambda: rotate(X[0], 30), r"try x\[None\]"),
        (lambda: rotate(X[..., 0], 90), r"try x\[\.\.\., None\]"),
        (lambda: FAMILIES["scale"].act([0.1], X[0]), r"try x\[None\]"),
        (lambda: act([0, 1], X[0], SCALARS), r"try x\[None\]"),
    ],
)
def test_what_does_not_exist_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
