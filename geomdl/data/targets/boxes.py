"""Boxes as targets: any number for each image, upright or oriented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from geomdl.actions import ImageTransformation, move_inscribed, move_oriented, move_upright
from geomdl.boxes import oriented_intersection
from geomdl.data.class_indices import require_integers
from geomdl.data.targets.kinds import Size, Values, require_shape
from geomdl.errors import invalid


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
        require_shape(values["classes"], shape[:2], "classes of boxes", what)
        require_shape(values["difficult"], shape[:2], "flags of difficult boxes", what)
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
