"""What may be learnt about an image, and how each kind of it is checked, batched and moved together with the image.

A data set says of each of its named targets which kind it is; loaders, augmentation, evaluators and tasks ask the kind.
A kind of one's own is any frozen, hashable value with the members of `TargetKind`; `register_target_kind` gives it a
name that data sets can use.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.actions import ImageTransformation, move_inscribed, move_oriented, move_upright, move_values
from geomdl.boxes import oriented_intersection
from geomdl.data.class_indices import (
    IGNORED,
    class_indices,
    first_wrong,
    misshapen_labels,
    require_classes,
    require_integers,
)
from geomdl.errors import invalid, unknown
from geomdl.representations import FieldType

Size = tuple[int, ...]
"""(height, width) of the images, in pixels."""


@runtime_checkable
class Values(Protocol):
    """The targets of all images of a split: an array, or something that is read when indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of images first."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Of the entries."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@runtime_checkable
class TargetKind(Protocol):
    """One kind of target: a frozen, hashable value.

    Targets of one image are one array, or a dict of arrays; of a batch, or of a split, they are stacked along the first
    axis. A kind whose arrays differ in length from image to image (boxes, points) holds them filled up to one length,
    marked as it likes: it is the only one who reads them, besides the tasks that know it.
    """

    @property
    def name(self) -> str:
        """As it is registered, and as `Dataset.label_kind` gives it."""
        ...

    @property
    def description(self) -> str:
        """What the targets are, a plural for messages: ``"label maps"``."""
        ...

    @property
    def moves(self) -> bool:
        """Whether some transformation of an image changes its target."""
        ...

    @property
    def padding(self) -> "float | Mapping[str, float]":
        """The value that fills up a batch, in examples whose mask is 0; of a tree, that of each array."""
        ...

    def require(self, values: Values, images: Values, what: str) -> None:
        """Raises ValueError unless these can be the targets of these images.

        Of what is read on demand, only shapes and types are looked at.

        Args:
          values: the targets.
          images: ``[n, height, width, channels]``.
          what: what the images are called in errors: ``"test split of cells"``.
        """
        ...

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """The targets of a batch after its images have been moved; pure, may be traced.

        Args:
          values: of the batch.
          transformation: of the images.
          size: (height, width) of the images.

        Raises:
          ValueError: for a transformation that cannot move such targets.
        """
        ...


@dataclass(frozen=True)
class ClassTarget:
    """One class per image, ``[n]`` whole numbers, which does not change when the image moves.

    Args:
      num_classes: indices from 0 up to this many minus 1 are allowed.

    >>> ClassTarget(2).require(np.array([0, 5]), np.zeros((2, 4, 4, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid class 5 of image 1 in the test split of cells; allowed: a whole number from 0 to 1
    """

    num_classes: int

    name: str = field(default="class", init=False, repr=False)
    description: str = field(default="classes", init=False, repr=False)
    moves: bool = field(default=False, init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    def require(self, values: Values, images: Values, what: str) -> None:
        """Whole numbers ``[n]`` from 0 to ``num_classes`` − 1."""
        if len(values.shape) != 1:
            count, name = self.num_classes, f"the classes in the {what}"
            raise misshapen_labels(name, values.shape, ("batch",), count, (len(images),))
        _require_shape(values, (len(images),), self.description, what)
        _require_indices(values, self.num_classes, "class", what)

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """As they are."""
        return values


@dataclass(frozen=True)
class LabelsTarget:
    """Any number of classes per image: indicators ``[n, classes]``, 1 where the class is there; they do not move.

    Args:
      num_classes: how many there may be.

    >>> LabelsTarget(2).require(np.array([[1, 0], [0, 2]]), np.zeros((2, 4, 4, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid indicator 2 of class 1, image 1 in the test split of cells; allowed: 1 where the class is there,
    0 where it is not
    """

    num_classes: int

    name: str = field(default="labels", init=False, repr=False)
    description: str = field(default="indicators of classes", init=False, repr=False)
    moves: bool = field(default=False, init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    def require(self, values: Values, images: Values, what: str) -> None:
        """Numbers ``[n, num_classes]`` from 0 to 1."""
        _require_shape(values, (len(images), self.num_classes), self.description, what)
        if not (values.dtype == bool or np.issubdtype(values.dtype, np.integer) or _is_real(values)):
            raise invalid(f"type of the {self.description} in the {what}", str(values.dtype), "0 and 1", "float32")
        wrong = first_wrong(values, lambda held: ~((held >= 0) & (held <= 1)))
        if wrong is not None:
            (image, label), value = wrong
            raise ValueError(
                f"invalid indicator {value} of class {label}, image {image} in the {what}; "
                "allowed: 1 where the class is there, 0 where it is not"
            )

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """As they are."""
        return values


@dataclass(frozen=True)
class MapTarget:
    """One class per pixel, ``[n, height, width]`` whole numbers of any type: y'(p) = y(g⁻¹p). Of volumes, per voxel.

    Where an image is resampled, a pixel has the label of the nearest one; what enters the frame, and what is hidden, is
    −1, which no loss and no metric counts.

    Args:
      num_classes: values from −1 up to this many minus 1 are allowed.

    >>> MapTarget(2).require(np.array([[[0, 1], [7, 0]]]), np.zeros((1, 2, 2, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid label 7 at row 1, column 0 of image 0 in the test split of cells; allowed: a class from 0 to 1,
    or -1 to ignore the pixel
    """

    num_classes: int

    name: str = field(default="map", init=False, repr=False)
    description: str = field(default="label maps", init=False, repr=False)
    moves: bool = field(default=True, init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    def require(self, values: Values, images: Values, what: str) -> None:
        """Class indices, or −1, of every pixel of the images."""
        wanted = tuple(images.shape[:-1])
        if tuple(values.shape) != wanted:
            if len(values.shape) != len(wanted):
                axes = ("batch", *("depth", "height", "width")[-(len(wanted) - 1) :])
                raise misshapen_labels(f"the label maps in the {what}", values.shape, axes, self.num_classes)
            allowed = f"that of the images, {wanted}"
            raise invalid(f"size of the label maps in the {what}", values.shape, allowed)
        _require_indices(values, self.num_classes, "label map", what, ignored=True)

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """With its pixels; int32, in which −1 can be written, whatever the type was."""
        return transformation.labels(class_indices(values, None, "label map"), IGNORED)


@dataclass(frozen=True)
class ValuesTarget:
    """Real numbers per image, ``[n, field_type.size]``, which move by a representation: y' = ρ(g) y.

    Counts and sizes are scalars (``"1 trivial"``); a direction at the angle θ is the vector (cos θ, sin θ), of the
    irrep of frequency 1; the orientation of a line, (cos 2θ, sin 2θ), of frequency 2. Shifts change no values.

    Args:
      field_type: ρ. A continuous group, or trivial representations, where images may be turned by every angle.

    >>> direction = ValuesTarget(FieldType("SO2", "1 irrep(1)"))
    >>> direction.moves, direction.description
    (True, 'values of FieldType(SO2, "1 irrep(1)")')
    """

    field_type: FieldType
    name: str = field(default="values", init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    @property
    def description(self) -> str:
        """With their field type."""
        return f"values of {self.field_type}"

    @property
    def moves(self) -> bool:
        """Unless all of them are scalars."""
        return not self.field_type.is_trivial

    def require(self, values: Values, images: Values, what: str) -> None:
        """Finite numbers ``[n, field_type.size]``."""
        _require_shape(values, (len(images), self.field_type.size), self.description, what)
        if not _is_real(values):
            raise invalid(f"type of the values in the {what}", str(values.dtype), "real numbers", "float32")
        wrong = first_wrong(values, lambda held: ~np.isfinite(held))
        if wrong is not None:
            (image, place), value = wrong
            raise ValueError(f"invalid value {value}, number {place} of image {image} in the {what}")

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """See `geomdl.actions.move_values`."""
        return move_values(values, transformation.linear, self.field_type, transformation.group)


@dataclass(frozen=True)
class BoxTarget:
    """Boxes with their classes, any number for each image, filled up to one number: a dict of arrays.

    ``boxes`` ``[n, k, 4]`` float32, (x0, y0, x1, y1) in pixels from the top left corner of the image, which is
    [0, width] × [0, height]; or ``[n, k, 5]``, (cx, cy, w, h, angle), see `geomdl.boxes`. ``classes`` ``[n, k]`` int32,
    −1 where there is no box; ``difficult`` ``[n, k]`` bool, of boxes that are neither asked for nor wrong. `pack_boxes`
    makes it of lists.

    Boxes move with their image: upright ones to the smallest upright box around the moved one (exact on the grid, too
    large elsewhere), oriented ones as they are. Upright boxes are cut off at the frame; boxes of which less than the
    share ``visible`` is left there are dropped.

    Args:
      num_classes: indices from 0 up to this many minus 1 are allowed.
      oriented: whether the boxes are oriented.
      round_objects: whether upright boxes move to the smallest boxes around the moved ellipses in them
        (`geomdl.actions.move_inscribed`), which is right at every angle for cells and other round things.
      visible: the least share of the area of a box inside the frame, with which it stays when its image moves.

    >>> label = pack_boxes([[[0, 0, 9, 2]], []], [[1], []])
    >>> BoxTarget(2).require(label, np.zeros((2, 8, 8, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid box 0 of image 0 in the test split of cells, (0.0, 0.0, 9.0, 2.0); allowed: 0 ≤ x0 < x1 ≤ 8,
    0 ≤ y0 < y1 ≤ 8
    """

    num_classes: int
    oriented: bool = False
    round_objects: bool = False
    visible: float = 0.25

    moves: bool = field(default=True, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.visible <= 1:
            raise invalid("visible", self.visible, "a share from 0 to 1", 0.25)

    @property
    def name(self) -> str:
        """``"boxes"`` or ``"oriented_boxes"``."""
        return "oriented_boxes" if self.oriented else "boxes"

    @property
    def description(self) -> str:
        """In words."""
        return "oriented boxes" if self.oriented else "boxes"

    @property
    def padding(self) -> Mapping[str, float]:
        """No boxes."""
        return {"boxes": 0, "classes": -1, "difficult": 0}

    def require(self, values: Any, images: Values, what: str) -> None:
        """Boxes of a positive size inside their images (oriented: centres inside), of classes that there are."""
        names = ("boxes", "classes", "difficult")
        if len(images.shape) != 4:
            raise invalid(f"shape of the images of boxes in the {what}", tuple(images.shape), "[n, height, width, c]")
        if not isinstance(values, Mapping) or set(values) != set(names):
            found = sorted(values) if isinstance(values, Mapping) else type(values).__name__
            raise invalid(f"{self.description} in the {what}", found, f"a dict of {', '.join(names)}: pack_boxes")
        shape = tuple(values["boxes"].shape)
        numbers = 5 if self.oriented else 4
        if len(shape) != 3 or shape[0] != len(images) or shape[2] != numbers:
            raise invalid(f"shape of the {self.description} in the {what}", shape, f"({len(images)}, most, {numbers})")
        _require_shape(values["classes"], shape[:2], "classes of boxes", what)
        _require_shape(values["difficult"], shape[:2], "flags of difficult boxes", what)
        require_integers(values["classes"], "class of a box", f" in the {what}")
        boxes, classes = np.asarray(values["boxes"], np.float64), np.asarray(values["classes"])
        there = classes >= 0
        if (classes < -1).any() or (classes >= self.num_classes).any():
            image, box = np.argwhere((classes < -1) | (classes >= self.num_classes))[0]
            raise ValueError(
                f"invalid class {classes[image, box]} of box {box}, image {image} in the {what}; "
                f"allowed: a whole number from 0 to {self.num_classes - 1}, or -1 where there is no box"
            )
        height, width = images.shape[1:3]
        good = ~there | (np.isfinite(boxes).all(-1) & self._inside(boxes, (height, width)))
        if not good.all():
            image, box = np.argwhere(~good)[0]
            shown = "(" + ", ".join(str(round(float(v), 4)) for v in boxes[image, box]) + ")"
            allowed = f"0 ≤ x0 < x1 ≤ {width}, 0 ≤ y0 < y1 ≤ {height}"
            if self.oriented:
                allowed = f"0 ≤ cx ≤ {width}, 0 ≤ cy ≤ {height}, w > 0, h > 0, a finite angle in radians"
            raise ValueError(f"invalid box {box} of image {image} in the {what}, {shown}; allowed: {allowed}")

    def _inside(self, boxes: np.ndarray, size: Size) -> Any:
        most, slack = np.array([size[1], size[0]]), 1e-3
        if self.oriented:
            here = (boxes[..., :2] >= -slack) & (boxes[..., :2] <= most + slack)
            return here.all(-1) & (boxes[..., 2:4] > 0).all(-1)
        here = (boxes[..., :2] >= -slack) & (boxes[..., 2:] <= most + slack)
        return here.all(-1) & (boxes[..., :2] < boxes[..., 2:]).all(-1)

    def moved(self, values: Any, transformation: ImageTransformation, size: Size) -> Any:
        """With their image; a box that is dropped leaves its place empty."""
        boxes, classes = jnp.asarray(values["boxes"]), jnp.asarray(values["classes"])
        difficult = jnp.asarray(values["difficult"])
        linear, offset = transformation.linear, transformation.offset
        height, width = size
        frame = jnp.array([width, height], boxes.dtype)
        if self.oriented:
            moved = move_oriented(boxes, linear, offset, (height, width))
            if getattr(transformation, "circular", False):
                moved = moved.at[..., :2].set(jnp.mod(moved[..., :2], frame))
            whole = jnp.concatenate([frame / 2, frame, jnp.zeros(1, boxes.dtype)])
            area = moved[..., 2] * moved[..., 3]
            left = oriented_intersection(moved, whole)
            good = left >= self.visible * area * (1 - 1e-3)  # the rounding of intersections
            kept = moved
        else:
            moved = (move_inscribed if self.round_objects else move_upright)(boxes, linear, offset, (height, width))
            if getattr(transformation, "circular", False):
                middle = (moved[..., :2] + moved[..., 2:]) / 2
                back = jnp.floor(middle / frame) * frame
                moved = moved - jnp.concatenate([back, back], -1)
            kept = jnp.clip(moved, 0, jnp.concatenate([frame, frame]))
            area, left = (jnp.prod(b[..., 2:] - b[..., :2], -1) for b in (moved, kept))
            good = left >= self.visible * area
        good &= (classes >= 0) & (left > 0)
        return {
            "boxes": jnp.where(good[..., None], kept, 0),
            "classes": jnp.where(good, classes, -1),
            "difficult": difficult & good,
        }


def pack_boxes(
    boxes: Sequence[Any],
    classes: Sequence[Any],
    difficult: Sequence[Any] | None = None,
    *,
    most: int | None = None,
    oriented: bool = False,
) -> dict[str, np.ndarray]:
    """The labels of a split from lists of the boxes of each image; see `BoxTarget`.

    Args:
      boxes: of each image an array ``[k, 4]`` (oriented: ``[k, 5]``), or nothing where it has none.
      classes: of each image ``[k]``.
      difficult: of each image ``[k]``; None: no box is.
      most: places for each image; by default as many as the most boxes of an image, at least 1.
      oriented: whether there are five numbers to a box.

    Raises:
      ValueError: for lists of different lengths, or an image with more boxes than there are places.

    >>> label = pack_boxes([[[0, 0, 4, 2]], []], [[3], []])
    >>> label["boxes"].shape, label["classes"].tolist(), label["difficult"].tolist()
    ((2, 1, 4), [[3], [-1]], [[False], [False]])
    """
    numbers = 5 if oriented else 4
    difficult = [np.zeros(len(c), bool) for c in classes] if difficult is None else difficult
    counts = [len(b) for b in boxes]
    for name, other in (("classes", classes), ("difficult", difficult)):
        if [len(o) for o in other] != counts:
            if len(other) != len(counts):
                raise invalid(f"number of images of the {name}", len(other), f"that of the boxes, {len(counts)}")
            where = next(i for i, (count, held) in enumerate(zip(counts, other, strict=True)) if count != len(held))
            allowed = f"one for each of its boxes, {counts[where]}"
            raise invalid(f"number of {name} of image {where}", len(other[where]), allowed)
    found = max([1, *counts])
    most = found if most is None else most
    if found > most:
        raise invalid("most", most, f"at least the boxes of image {int(np.argmax(counts))}, {found}", found)
    packed = {
        "boxes": np.zeros((len(boxes), most, numbers), np.float32),
        "classes": np.full((len(boxes), most), -1, np.int32),
        "difficult": np.zeros((len(boxes), most), bool),
    }
    for i, count in enumerate(counts):
        if count:
            packed["boxes"][i, :count] = np.asarray(boxes[i], np.float64).reshape(count, numbers)
            packed["classes"][i, :count] = classes[i]
            packed["difficult"][i, :count] = difficult[i]
    return packed


TARGET_KINDS: dict[str, Callable[[int], TargetKind]] = {}
"""What makes a kind of a name from the number of its classes (of values: of scalars)."""


def register_target_kind(name: str, make: Callable[[int], TargetKind]) -> None:
    """Gives a kind of target a name, which `Dataset.label_kind` and `target_kind` then take.

    Args:
      name: a new one.
      make: ``num_classes -> kind``.

    Raises:
      ValueError: when the name is taken.

    >>> register_target_kind("direction", lambda count: ValuesTarget(FieldType("SO2", f"{count} irrep(1)")))
    >>> target_kind("direction", 1).moves
    True
    >>> del TARGET_KINDS["direction"]  # no kind any more
    """
    if name in TARGET_KINDS:
        raise invalid("name of a kind of target", name, f"a name besides {', '.join(TARGET_KINDS)}")
    TARGET_KINDS[name] = make


def target_kind(name: str, num_classes: int) -> TargetKind:
    """The kind of target of a name.

    Args:
      name: of `TARGET_KINDS`.
      num_classes: of the data set; for ``"values"`` how many scalars.

    Raises:
      ValueError: for an unknown name.

    >>> target_kind("map", 3)
    MapTarget(num_classes=3)
    >>> target_kind("mapp", 3)
    Traceback (most recent call last):
    ValueError: unknown label_kind 'mapp'; allowed: class, labels, map, values, boxes, ...; did you mean 'map'?
    """
    if name not in TARGET_KINDS:
        raise unknown("label_kind", name, list(TARGET_KINDS))
    return TARGET_KINDS[name](num_classes)


register_target_kind("class", ClassTarget)
register_target_kind("labels", LabelsTarget)
register_target_kind("map", MapTarget)
register_target_kind("values", lambda count: ValuesTarget(FieldType("O2", f"{count} trivial")))
register_target_kind("boxes", BoxTarget)
register_target_kind("oriented_boxes", lambda count: BoxTarget(count, oriented=True))


def _require_shape(values: Values, shape: Sequence[int], description: str, what: str) -> None:
    if tuple(values.shape) != tuple(shape):
        raise invalid(f"shape of the {description} in the {what}", tuple(values.shape), f"{tuple(shape)}")


def _require_indices(values: Values, num_classes: int, name: str, what: str, *, ignored: bool = False) -> None:
    """Types always, values where they are in memory."""
    require_integers(values, name, f" in the {what}")
    if isinstance(values, np.ndarray):
        require_classes(values, num_classes, name, f" in the {what}", ignored=ignored)


def _is_real(values: Values) -> bool:
    """Whether the dtype is one of real numbers with a floating point, bfloat16 included."""
    return bool(jnp.issubdtype(values.dtype, jnp.floating))
