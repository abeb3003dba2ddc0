"""Outputs move as the images do: points, boxes, labels and fields follow a bright pixel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import FAMILIES, act, input_action, output_action
from geomdl.groups import C4, D4, O2, SO2, C, GridTranslations
from geomdl.representations import FieldType


def _pixel(row: int, column: int, size: tuple[int, int] = (6, 6)) -> jax.Array:
    return jnp.zeros((1, *size, 1)).at[0, row, column, 0].set(1.0)


def _where(image: jax.Array) -> np.ndarray:
    row, column = np.unravel_index(int(jnp.argmax(image[0, :, :, 0])), image.shape[1:3])
    return np.array([column, row], np.float32)


CASES = {
    "D4": (D4, D4.elements()),
    "O2": (O2, np.array([[1, np.pi / 2], [0, np.pi]])),
    "shifts": (GridTranslations(6, 6), np.array([[1, 2], [5, 0], [3, 4]])),
    "translation": (FAMILIES["translation"], np.array([[1.0, -2.0], [-1.0, 0.0]])),
    "isometry": (FAMILIES["isometry"], np.array([[1.0, 0.0, 0.0, np.pi / 2], [1.0, 1.0, -1.0, 0.0]])),
}


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("case", list(CASES))
def test_points_and_boxes_follow_a_bright_pixel(case, traced):
    group, elements = CASES[case]
    point = np.array([3.0, 2.0], np.float32)
    box = np.array([2.5, 1.5, 3.5, 2.5], np.float32)  # the pixel's own square
    images, points, boxes = (
        input_action(group, padding="wrap"),
        output_action("points", group, size=(6, 6)),
        output_action("boxes", group, size=(6, 6)),
    )
    if traced:
        images, points, boxes = jax.jit(images), jax.jit(points), jax.jit(boxes)
    for g in elements:
        expected = _where(images(g, _pixel(2, 3)))
        exact = not traced or case in ("D4", "shifts")
        tolerance = 0 if exact else 1e-5
        np.testing.assert_allclose(points(g, point), expected, atol=tolerance)
        np.testing.assert_allclose(boxes(g, box), [*(expected - 0.5), *(expected + 0.5)], atol=tolerance)


def test_points_follow_projective_maps():
    projective = FAMILIES["projective"]
    grid = np.arange(33.0)
    blob = np.exp(-((grid[None] - 20) ** 2 + (grid[:, None] - 14) ** 2) / 4)[None, :, :, None].astype(np.float32)
    for g in projective.sample(np.random.default_rng(0), 3, strength=0.6):
        moved = output_action("points", projective, size=(33, 33))(g, np.array([20.0, 14.0]))
        np.testing.assert_allclose(_where(projective.act(g, blob)), moved, atol=1.0)


def test_a_box_is_the_hull_of_its_corners():
    boxes = output_action("boxes", SO2, size=(7, 7))
    box = np.array([2.0, 2.0, 4.0, 4.0], np.float32)  # a square about the centre
    turned = boxes(np.array([0.0, np.pi / 4]), box)
    np.testing.assert_allclose(turned, 3 + np.sqrt(2) * np.array([-1, -1, 1, 1]), atol=1e-6)


def test_boxes_keep_their_size_under_circular_shifts():
    boxes = output_action("boxes", GridTranslations(6, 8), size=(6, 8))
    moved = boxes(np.array([4, 7]), np.array([[1, 1, 3, 4]]))
    np.testing.assert_array_equal(moved, [[0, -1, 2, 2]])  # centre (2, 2.5) → (9, 6.5) → (1, 0.5)


def test_labels_move_exactly_and_never_between_pixels():
    labels = jax.random.randint(jax.random.key(0), (2, 6, 6), 1, 5)
    turned = output_action("labels", C4, size=(6, 6))
    np.testing.assert_array_equal(turned(np.array([0, 1]), labels), jnp.rot90(labels, axes=(1, 2)))
    np.testing.assert_array_equal(jax.jit(turned)(np.array([0, 1]), labels), jnp.rot90(labels, axes=(1, 2)))
    rolled = output_action("labels", GridTranslations(6, 6), size=(6, 6))
    np.testing.assert_array_equal(rolled(np.array([1, 2]), labels), jnp.roll(labels, (1, 2), (1, 2)))
    shifted = output_action("labels", FAMILIES["translation"], size=(6, 6))(np.array([2.0, 0.0]), labels)
    np.testing.assert_array_equal(shifted[:, :, 2:], labels[:, :, :-2])
    np.testing.assert_array_equal(shifted[:, :, :2], 0)


@pytest.mark.parametrize("fields", ["1 regular", None])
def test_fields_move_with_their_channels(fields):
    t = FieldType(C4, fields) if fields else FieldType(C4, "4 trivial")
    y = jax.random.normal(jax.random.key(0), (2, 6, 6, 4))
    moved = output_action("field", C4, size=(12, 12), field_type=t if fields else None)
    for g in C4.elements():
        np.testing.assert_array_equal(moved(g, y), act(g, y, t))
        pooled = moved(g, y[:, 0, 0])
        np.testing.assert_array_equal(pooled, act(g, y[:, 0, 0], t) if fields else y[:, 0, 0])


def test_translations_are_scaled_to_smaller_outputs():
    y = jax.random.normal(jax.random.key(0), (1, 4, 4, 1))
    half = output_action("field", GridTranslations(8, 8, step=2), size=(8, 8), out_size=(4, 4))
    np.testing.assert_array_equal(half(np.array([2, 4]), y), jnp.roll(y, (1, 2), (1, 2)))
    family = output_action("field", FAMILIES["translation"], size=(8, 8), out_size=(4, 4), padding="wrap")
    np.testing.assert_array_equal(family(np.array([4.0, -2.0]), y), jnp.roll(y, (1, 2), (1, 2)))
    points = output_action("points", FAMILIES["translation"], size=(8, 8), out_size=(4, 4))
    np.testing.assert_allclose(points(np.array([4.0, -2.0]), np.array([1.0, 1.0])), [3, 2])


def test_invariant_outputs_and_pixel_values_leave_outputs_alone():
    y = jnp.arange(4.0)
    assert output_action("invariant", C4, size=(6, 6))(np.array([0, 1]), y) is y
    assert output_action("points", FAMILIES["contrast"], size=(6, 6))(np.array([0.3]), y) is y
    bright = input_action(FAMILIES["brightness"])(np.array([0.5]), _pixel(0, 0))
    np.testing.assert_array_equal(bright, _pixel(0, 0) + 0.5)


LABELS = np.ones((1, 6, 6), np.int32)
REGULAR = FieldType(C4, "1 regular")
SHIFTS = GridTranslations(6, 6)
SMALL = np.ones((1, 3, 3, 1), np.float32)


@pytest.mark.parametrize(
    ("message", "build"),
    [
        ("did you mean 'labels'", lambda: output_action("label", C4, size=(6, 6))),  # type: ignore[arg-type]
        ("a PlanarGroup", lambda: output_action("field", "C4", size=(6, 6))),  # type: ignore[arg-type]
        ("a PlanarGroup", lambda: input_action(3)),  # type: ignore[arg-type]
        ("a type of C4", lambda: input_action(C4, field_type=FieldType(D4, "1 regular"))),
        ("moves scalars only", lambda: input_action(FAMILIES["affine"], field_type=REGULAR)),
        ("only fields have one", lambda: output_action("points", C4, size=(6, 6), field_type=REGULAR)),
        ("45°", lambda: output_action("labels", C(8), size=(6, 6))(np.array([0, 1]), LABELS)),
        ("traced", lambda: jax.jit(output_action("labels", C(8), size=(6, 6)))(np.array([0, 2]), LABELS)),
        ("interpolation", lambda: output_action("labels", FAMILIES["rotation"], size=(6, 6))([0.3], LABELS)),
        ("integers", lambda: output_action("labels", C4, size=(6, 6))(np.array([0, 1]), LABELS * 1.0)),
        ("whole pixels of the output", lambda: output_action("field", SHIFTS, size=(6, 6), out_size=(3, 3))),
        (r"try GridTranslations\(6, 6, step=2\)", lambda: output_action("field", SHIFTS, size=(6, 6), out_size=(3, 3))),
        ("the size of the output", lambda: output_action("field", FAMILIES["scale"], size=(6, 6))([0.1], SMALL)),
        (r"\[\.\.\., 4\]", lambda: output_action("boxes", C4, size=(6, 6))(np.array([0, 1]), np.ones((2, 2)))),
        ("a square one", lambda: output_action("points", C4, size=(6, 8))(np.array([0, 1]), np.ones((2, 2)))),
    ],
)  # fmt: skip
def test_bad_input(message, build):
    with pytest.raises(ValueError, match=message):
        build()
