"""Actions on the inputs and outputs of a model: images, fields, label maps, points and boxes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from geomdl.actions.boxes import move_oriented, move_upright
from geomdl.actions.families import Family
from geomdl.actions.field import act, act_labels, act_on_plane, act_on_space
from geomdl.actions.grid import roll
from geomdl.actions.labels import label_maps
from geomdl.actions.projective import grid_transformation, move
from geomdl.actions.traced import plane_matrix, traced_element
from geomdl.actions.warp import Padding
from geomdl.arrays import as_array, as_floating, wide_dtype
from geomdl.errors import invalid, unknown
from geomdl.groups import VOLUME, GridTranslations, PlanarGroup, SpatialGroup, along
from geomdl.representations import FieldType

Action = Callable[[Any, Any], jax.Array]
"""``action(g, y) -> y'``; g may be traced."""

Movable = PlanarGroup | SpatialGroup | GridTranslations | Family
"""What moves images or volumes: rotations and reflections, circular shifts, or a family of Klein's ladder."""

OutputKind = Literal["invariant", "labels", "field", "points", "boxes", "detections"]
Size = tuple[int, ...]


def input_action(group: Movable, *, field_type: FieldType | None = None, padding: Padding = "zeros") -> Action:
    """How group elements move images ``[batch, height, width, channels]`` that go into a model: x'(p) = ρ(g) x(g⁻¹p).

    Groups of space move volumes ``[batch, depth, height, width, channels]``.

    Exact for circular shifts, and where g maps the pixel grid to itself (see `geomdl.actions.act`, `Family.act`).

    Args:
      group: whose elements act.
      field_type: how the channels transform, of a group of the plane or of space; as scalars by default.
      padding: what comes in from outside.

    Raises:
      ValueError: for something that is no group, or a field type of another group.

    >>> right = input_action(GridTranslations(2, 3))
    >>> right(np.array([0, 1]), jnp.arange(6.0).reshape(1, 2, 3, 1))[0, :, :, 0]
    Array([[2., 0., 1.],
           [5., 3., 4.]], dtype=float32)
    """
    _require_movable(group, field_type)
    if isinstance(group, GridTranslations):
        return lambda g, x: roll(x, _shift(g, group))
    if isinstance(group, Family):
        return lambda g, x: group.act(g, x, padding=padding)
    return lambda g, x: _act_in_group(g, x, group, field_type, padding)


def output_action(
    kind: OutputKind,
    group: Movable,
    *,
    size: Size,
    field_type: FieldType | None = None,
    out_size: Size | None = None,
    padding: Padding = "zeros",
) -> Action:
    """How group elements, which move images of ``size``, move the outputs of a model.

    - ``"invariant"``: not at all.
    - ``"field"``: ``[batch, height, width, channels]`` as the image, the channels as ``field_type`` says. Without base
      space (``[batch, channels]``) only the channels transform.
    - ``"labels"``: ``[batch, height, width]`` of integers; exact transformations of the grid only, 0 comes in.
    - Groups of space move volumes: fields ``[batch, depth, height, width, channels]``, labels without channels.
    - ``"points"``: ``[..., 2]``, (x right, y down) in pixels from the centre of the top left pixel.
    - ``"boxes"``: ``[..., 4]``, (x0, y0, x1, y1) in the same coordinates. A box becomes the smallest upright box around
      its moved corners: exact for transformations of the grid, too large otherwise. Circular shifts move a box as a
        whole, so
      that its centre stays in the image.

    - ``"detections"``: a set of boxes with scores and classes, ``{"boxes": [batch, k, 4 or 5], "scores", "classes"}``
      (class −1: none), or the same as one array, see `packed_detections`. Boxes are (x0, y0, x1, y1) in pixels from the
      top left **corner** of the image, or oriented, (cx, cy, w, h, angle); see `move_upright` and `move_oriented`.
      Measures compare them as sets.

    Pixel values (contrast, brightness) move no output: give a function of your own if they should.

    Args:
      kind: one of these.
      group: whose elements act.
      size: (height, width) of the model's input, in whose pixels translations are measured.
      field_type: how the channels of a field transform; as scalars by default. Groups of the plane or of space only.
      out_size: (height, width) of fields and labels, and of the grid in whose pixels points and boxes are given; that
        of the input by default. Translations are scaled.
      padding: what comes into fields from outside.

    Returns:
      ``(g, y) -> y'``. It raises ValueError for an element that cannot move such an output.

    Raises:
      ValueError: for an unknown kind, something that is no group, a field type of another group, or circular shifts
        that are not whole pixels of the output.

    >>> from geomdl.groups import C4
    >>> turn = output_action("points", C4, size=(5, 5))
    >>> turn(np.array([0, 1]), np.array([4.0, 2.0]))  # right of the centre → above the centre
    Array([2., 0.], dtype=float32)
    """
    if kind not in get_args(OutputKind):
        raise unknown("output", kind, get_args(OutputKind))
    require_only_fields_have_types(kind, field_type)
    _require_movable(group, field_type)
    frame = size if out_size is None else tuple(map(int, out_size))
    if kind == "invariant" or (isinstance(group, Family) and not group.moves_plane):
        return lambda g, y: y
    if isinstance(group, SpatialGroup) and kind not in ("field", "labels"):
        allowed = "invariant, field, labels, a representation, or a function (g, y) -> y'"
        raise invalid(f"output under {group}, which moves volumes", kind, allowed)
    if kind == "detections":
        return _detections_moved(group, size, frame)
    if isinstance(group, GridTranslations):
        return _shifted(kind, group, frame)
    if isinstance(group, PlanarGroup | SpatialGroup):
        if kind == "field":
            return lambda g, y: _act_in_group(g, y, group, field_type, padding)
        if kind == "labels":
            return lambda g, y: _act_labels(g, y, group)
    if isinstance(group, PlanarGroup):
        homography: Callable[[Any], Any] = lambda g: _planar_homography(g, group, frame)  # noqa: E731
    else:
        if isinstance(group, SpatialGroup):  # refused or returned above
            raise TypeError(f"{group} has no homographies")
        height, width = size
        homography = lambda g: _rescale(group.matrix(g, (height, width)), size, frame)  # noqa: E731
        if kind == "field":
            return lambda g, y: y if jnp.ndim(y) == 2 else _move_field(homography(g), y, frame, padding)
        if kind == "labels":
            return lambda g, y: _move_labels(homography(g), y, group.name)
    return lambda g, y: move_places(homography(g), y, frame, boxes=kind == "boxes")


def require_only_fields_have_types(kind: OutputKind, field_type: FieldType | None) -> None:
    """Refuses a field type of something else than a field."""
    if kind != "field" and field_type is not None:
        raise invalid("field_type", str(field_type), f"None for the output {kind!r}; only fields have one")


def _require_movable(group: Any, field_type: FieldType | None) -> None:
    if not isinstance(group, Movable):
        raise invalid("group", group, "a PlanarGroup, SpatialGroup, GridTranslations or Family")
    if field_type is None:
        return
    if isinstance(group, PlanarGroup | SpatialGroup) and field_type.group != group:
        raise invalid("field_type", str(field_type), f"a type of {group}", f"FieldType('{group}', …)")
    if isinstance(group, Family) and not field_type.is_trivial:
        raise invalid("field_type", str(field_type), f"None, or trivial: {group} moves scalars only")


def _act_in_group(
    g: Any, x: Any, group: PlanarGroup | SpatialGroup, field_type: FieldType | None, padding: Padding
) -> jax.Array:
    x = jnp.asarray(as_array(x, "field"))
    if field_type is not None:
        return act(g, x, field_type, padding=padding)
    if x.ndim == 2:
        return x
    if isinstance(group, SpatialGroup):
        return act_on_space(g, x, group, VOLUME, padding=padding)
    return act_on_plane(g, x, group, padding=padding)


def _act_labels(g: Any, y: Any, group: PlanarGroup | SpatialGroup) -> jax.Array:
    if isinstance(group, SpatialGroup):
        return _act_volume_labels(g, y, group)
    if isinstance(g, Tracer) and not (group.is_finite and bool(np.all(group.is_grid_symmetry(group.elements())))):
        raise invalid("group of label maps", group, "multiples of 90°, where elements are traced", "'C4'")
    element: Any = g
    return act_labels(element, label_maps(y), group)


def _act_volume_labels(g: Any, y: Any, group: SpatialGroup) -> jax.Array:
    y = jnp.asarray(as_array(y, "labels"))
    if y.ndim != 4 or not (jnp.issubdtype(y.dtype, jnp.integer) or y.dtype == bool):
        raise invalid("labels", f"{y.dtype}{list(y.shape)}", "whole numbers [batch, depth, height, width]")
    traced = isinstance(g, Tracer)
    if not (VOLUME.permutes_grid(group) if traced else VOLUME.is_grid_symmetry(group, g)):
        shown = str(group) if traced else group.describe(g)
        raise invalid("transformation of label maps", shown, "those that map the grid to itself, such as those of Oh")
    return act_on_space(g, y[..., None], group, VOLUME)[..., 0]


def _planar_homography(g: Any, group: PlanarGroup, frame: Size) -> Any:
    if not isinstance(g, Tracer):
        linear: Any = group.matrix(g)
        if frame[0] != frame[1] and abs(linear[0, 1]) > 1e-9:
            raise invalid(f"frame under {group}", f"{frame[0]}x{frame[1]}", "a square one for rotations")
        return np.block([[linear, np.zeros((2, 1))], [np.zeros((1, 2)), np.ones((1, 1))]])
    g = traced_element(g, group)
    if group.is_finite:
        index = jnp.asarray(g[1] + int(group.rotation_order) * g[0]).astype(jnp.int32)
        linear = jnp.asarray(group.matrix(group.elements()), jnp.result_type(float))[index]
    else:
        linear = plane_matrix(g, group)
    return jnp.eye(3, dtype=linear.dtype).at[:2, :2].set(linear)


def _rescale(matrix: Any, size: Size, frame: Size) -> Any:
    """A homography of images of one size, in the pixels of another."""
    if size == frame:
        return matrix
    ratio = np.array([frame[1] / size[1], frame[0] / size[0], 1.0])
    factors = ratio[:, None] / ratio[None, :]
    return matrix * (factors if isinstance(matrix, np.ndarray) else jnp.asarray(factors, matrix.dtype))


def _move_field(matrix: Any, y: Any, frame: Size, padding: Padding) -> jax.Array:
    y = jnp.asarray(as_array(y, "field"))
    _require_frame(y, frame)
    return move(y, matrix, padding=padding)


def _move_labels(matrix: Any, y: Any, name: str) -> jax.Array:
    y = label_maps(y)
    transformation = None if isinstance(matrix, Tracer) else grid_transformation(matrix, y.shape[1:3])
    if transformation is None:
        allowed = "elements that map the pixels to pixels, not traced: flips, quarter turns, shifts by whole pixels"
        raise invalid(f"element of {name} for label maps", "one that needs interpolation", allowed)
    return transformation.apply(y)


def _require_frame(y: jax.Array, frame: Size) -> None:
    found = y.shape[1 : 1 + len(frame)]
    if found != frame:
        raise invalid("out_size", frame, f"the size of the output, which is {found}", found)


def move_places(matrix: Any, y: Any, frame: Size, *, boxes: bool) -> jax.Array:
    """Moves points or boxes by a homography of the plane.

    Args:
      matrix: ``[3, 3]``, in coordinates (x right, y up) from the centre of the frame.
      y: points ``[..., 2]`` or boxes ``[..., 4]``, see `output_action`.
      frame: (height, width) of the grid in whose pixels they are given.
      boxes: whether they are boxes.
    """
    y = _floats(y, 4 if boxes else 2)
    matrix = jnp.asarray(matrix, y.dtype)
    corners = jnp.stack([y[..., jnp.array(pair)] for pair in ([0, 1], [0, 3], [2, 1], [2, 3])], -2) if boxes else y
    x, up = corners[..., 0] - (frame[1] - 1) / 2, (frame[0] - 1) / 2 - corners[..., 1]
    across, along, depth = (row[0] * x + row[1] * up + row[2] for row in matrix)
    depth = jnp.where(depth > 0, depth, jnp.nan)  # what moves beyond the horizon is nowhere
    moved = jnp.stack([across / depth + (frame[1] - 1) / 2, (frame[0] - 1) / 2 - along / depth], -1)
    return jnp.concatenate([moved.min(-2), moved.max(-2)], -1) if boxes else moved


def _shifted(kind: OutputKind, group: GridTranslations, frame: Size) -> Action:
    """Circular shifts, in pixels of the output."""
    sizes = group.sizes
    if kind != "field" and len(sizes) != 2:
        raise invalid("output", kind, "'field' or 'invariant' where inputs are not images", "'field'")
    steps = along(group.step, len(sizes))
    if kind in ("field", "labels") and any(t * f % s for t, f, s in zip(steps, frame, sizes, strict=True)):
        allowed = f"one whose shifts are whole pixels of the output, which is {'x'.join(map(str, frame))}"
        step = max(-(-s // f) for s, f in zip(sizes, frame, strict=True))
        fits = all(s % step == 0 and step * f % s == 0 for s, f in zip(sizes, frame, strict=True))
        nearest = f"GridTranslations({', '.join(map(str, sizes))}, step={step})" if fits else None
        raise invalid("group", group, allowed, nearest)

    def shift(g: Any, y: Any) -> jax.Array:
        g, y = _shift(g, group), jnp.asarray(as_array(y, "output"))
        if y.ndim == 2:
            return y
        if kind == "labels":
            label_maps(y)
        _require_frame(y, frame)
        return roll(y, tuple(g[i] * frame[i] // n for i, n in enumerate(sizes)))

    def shift_points(g: Any, y: Any) -> jax.Array:
        g = _shift(g, group)
        steps = [jnp.asarray(g[i]).astype(jnp.result_type(float)) * (frame[i] / sizes[i]) for i in (1, 0)]
        return shift_places(steps, y, frame, boxes=kind == "boxes")

    return shift if kind in ("field", "labels") else shift_points


def shift_places(steps: Sequence[Any], y: Any, frame: Size, *, boxes: bool) -> jax.Array:
    """Moves points or boxes with a circular shift; a box as a whole, so that its centre stays in the image.

    Args:
      steps: (right, down) in pixels of the frame.
      y: points ``[..., 2]`` or boxes ``[..., 4]``, see `output_action`.
      frame: (height, width), the period of the shift.
      boxes: whether they are boxes.
    """
    y = _floats(y, 4 if boxes else 2)
    step = jnp.stack([jnp.asarray(s).astype(y.dtype) for s in steps])
    period = jnp.asarray([frame[1], frame[0]], y.dtype)
    place = ((y[..., :2] + y[..., 2:]) / 2 if boxes else y) + step
    step = step - period * jnp.floor((place + 0.5) / period)
    return y + (jnp.concatenate([step, step], -1) if boxes else step)


def _shift(g: Any, group: GridTranslations) -> tuple[Any, ...]:
    """An element as numbers of pixels, one for each axis: checked unless it is traced."""
    checked = g if isinstance(g, Tracer) else group.require_elements(g).astype(int)
    if checked.shape != (len(group.sizes),):
        raise invalid(f"shape of an element of {group}", checked.shape, f"({len(group.sizes)},): {group.element_words}")
    if isinstance(checked, Tracer) and jnp.issubdtype(checked.dtype, jnp.inexact):
        checked = jnp.round(checked)
    return tuple(
        (checked if isinstance(checked, np.ndarray) else checked.astype(jnp.int32))[i] for i in range(len(group.sizes))
    )


def _floats(y: Any, length: int) -> jax.Array:
    y = jnp.asarray(as_floating(y, "output", integers="converted"))
    if y.ndim < 1 or y.shape[-1] != length:
        raise invalid("shape of the output", y.shape, f"[..., {length}]")
    return y.astype(wide_dtype(y.dtype))


def packed_detections(y: Any) -> jax.Array:
    """Detections as one array ``[batch, k, 6]`` (x0, y0, x1, y1, score, class) or ``[batch, k, 7]`` (oriented).

    Args:
      y: ``{"boxes": [batch, k, 4 or 5], "scores": [batch, k], "classes": [batch, k]}``; or a list of such, one for each
        image and without the batch, of any numbers of boxes, which are filled up with class −1. ``"labels"`` is
        another word for ``"classes"``, as in torchvision. An array is returned as it is.

    Raises:
      ValueError: for something else.

    >>> none = {"boxes": jnp.zeros((2, 3, 4)), "scores": jnp.ones((2, 3)), "classes": -jnp.ones((2, 3))}
    >>> packed_detections(none).shape
    (2, 3, 6)
    >>> one = {"boxes": jnp.ones((1, 4)), "scores": jnp.ones(1), "labels": jnp.ones(1)}
    >>> packed_detections([one, {"boxes": jnp.ones((0, 4)), "scores": jnp.ones(0), "labels": jnp.ones(0)}])[..., 5]
    Array([[ 1.],
           [-1.]], dtype=float32)
    """
    if isinstance(y, Mapping):
        return _packed(y)
    if isinstance(y, list | tuple) and y and all(isinstance(image, Mapping) for image in y):
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(y))
        images = [_packed(image, jnp if traced else np) for image in y]
        most = 1 << (max(1, *(len(image) for image in images)) - 1).bit_length()  # few shapes: each is compiled for
        filled: list[Any] = []
        for image in images:
            nobody = np.zeros((most - len(image), image.shape[-1]), image.dtype)
            nobody[:, -1:] = -1
            filled.append((jnp if traced else np).concatenate([image, nobody]))
        return jnp.asarray(jnp.stack(filled) if traced else np.stack(filled))
    y = jnp.asarray(as_array(y, "detections"))
    if y.ndim != 3 or y.shape[-1] not in (6, 7):
        raise invalid("shape of the detections", y.shape, "[batch, k, 6], or [batch, k, 7] for oriented boxes")
    return y


def _packed(y: Mapping[str, Any], xp: Any = jnp) -> Any:
    """Boxes, scores and classes beside one another, put there by JAX or NumPy."""
    classes = "labels" if "labels" in y and "classes" not in y else "classes"
    if not {"boxes", "scores", classes} <= set(y):
        raise invalid("detections", sorted(y), "a dict of boxes, scores and classes")
    boxes, scores, kinds = (xp.asarray(as_array(y[name], name)) for name in ("boxes", "scores", classes))
    if boxes.ndim < 2 or boxes.shape[-1] not in (4, 5):
        allowed = "[batch, k, 4], or [batch, k, 5] for oriented boxes"
        raise invalid("shape of the boxes of detections", boxes.shape, allowed)
    for name, values in (("scores", scores), (classes, kinds)):
        if values.shape != boxes.shape[:-1]:
            raise invalid(f"shape of the {name} of detections", values.shape, f"{boxes.shape[:-1]}, as there are boxes")
    if not jnp.issubdtype(boxes.dtype, jnp.floating):
        boxes = boxes.astype(np.float32)
    return xp.concatenate([boxes, *(values.astype(boxes.dtype)[..., None] for values in (scores, kinds))], -1)


def _detections_moved(group: Movable, size: Size, frame: Size) -> Action:
    """Moves detections, packed or not, which stay as they are given."""

    def moved(g: Any, boxes: jax.Array) -> jax.Array:
        oriented = boxes.shape[-1] == 5
        move_boxes = move_oriented if oriented else move_upright
        if isinstance(group, GridTranslations):
            shift = _shift(g, group)
            steps = [jnp.asarray(shift[i]).astype(boxes.dtype) * (frame[i] / group.sizes[i]) for i in (1, 0)]
            period = jnp.asarray([frame[1], frame[0]], boxes.dtype)
            middle = boxes[..., :2] if oriented else (boxes[..., :2] + boxes[..., 2:]) / 2
            step = jnp.stack(steps)
            step = step - period * jnp.floor((middle + step) / period)
            return boxes.at[..., :2].add(step) if oriented else boxes + jnp.concatenate([step, step], -1)
        if isinstance(group, PlanarGroup):
            matrix = _planar_homography(g, group, frame)
        else:
            if isinstance(group, SpatialGroup):
                raise TypeError(f"{group} moves no detections")
            height, width = size
            matrix = _rescale(group.matrix(g, (height, width)), size, frame)
        affine = isinstance(group, PlanarGroup) or (
            not isinstance(matrix, jax.core.Tracer) and np.allclose(np.asarray(matrix)[2], [0, 0, 1])
        )
        if affine:
            matrix = _whole(jnp.asarray(matrix, boxes.dtype))
            return move_boxes(boxes, matrix[:2, :2], matrix[:2, 2], (int(frame[0]), int(frame[1])))
        if oriented:
            raise invalid(f"group {group} of oriented boxes", str(group), "one of affine maps, not traced", "'C4'")
        return move_places(matrix, boxes - 0.5, frame, boxes=True) + 0.5

    def act(g: Any, y: Any) -> Any:
        if isinstance(y, Mapping):
            there = (jnp.asarray(y["classes"]) >= 0)[..., None]
            return {**y, "boxes": jnp.where(there, moved(g, jnp.asarray(y["boxes"])), 0)}
        y = packed_detections(y)
        boxes = jnp.where(y[..., -1:] >= 0, moved(g, y[..., :-2]), 0)
        return jnp.concatenate([boxes, y[..., -2:]], -1)

    return act


def _whole(matrix: jax.Array) -> jax.Array:
    """A matrix whose entries that are 0 or ±1 up to rounding are so exactly: quarter turns and flips."""
    near = jnp.round(matrix)
    return jnp.where((jnp.abs(matrix - near) < 1e-6) & (jnp.abs(near) <= 1), near, matrix)
