"""Boxes in images of one's own: what annotation files say, checked, and moved when their images are resized."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from geomdl.boxes import from_corners
from geomdl.data.checks import number
from geomdl.data.preprocessing import Preprocessing
from geomdl.data.sources.own.image_files import Facts
from geomdl.data.sources.own.options import OwnImages, assemble
from geomdl.data.sources.own.records import Collected
from geomdl.data.sources.own.stored_files import FileImages, digest, examined, refuse_broken
from geomdl.data.types import Dataset, LabelKind
from geomdl.errors import invalid, nearest, unknown

BAD_BOXES = ("refuse", "drop")
_SLACK = 1.0  # pixels that boxes may reach over the edge of an image: conventions differ by as much


@dataclass(frozen=True)
class Box:
    """A box as an annotation file has it.

    Attributes:
      name: of the class.
      edges: (x0, y0, x1, y1) in pixels from the top left corner of the image.
      where: which one it is, for messages: ``"object 3 (RBC)"``.
      difficult: whether it counts as found and as not found.
      written: the numbers of the file, for messages, where they are others.
      corners: of an oriented box, (x, y) of the four in turn, in pixels from the top left corner of the image; its
        edges are those of the upright box around them.
    """

    name: str
    edges: tuple[float, float, float, float]
    where: str
    difficult: bool = False
    written: tuple[float, ...] = ()
    corners: tuple[float, ...] = ()

    @classmethod
    def of_corners(cls, name: str, corners: Sequence[float], where: str, difficult: bool = False) -> "Box":
        """An oriented box.

        Args:
          name: of the class.
          corners: eight numbers.
          where: see `Box`.
          difficult: see `Box`.
        """
        x, y = corners[::2], corners[1::2]
        return cls(name, (min(x), min(y), max(x), max(y)), where, difficult, tuple(corners), tuple(corners))


@dataclass(frozen=True)
class Annotated:
    """An image with its boxes.

    Attributes:
      file: of the image.
      source: what says so, for messages: the file of the annotation.
      boxes: none at all is fine.
      given: the split, or "".
      size: (height, width) where the annotation says it.
    """

    file: Path
    source: Path
    boxes: Sequence[Box] = ()
    given: str = ""
    size: tuple[int, int] | None = None


@dataclass
class Counted:
    """How many boxes were dropped, and clipped, and where the first of them are."""

    dropped: list[str] = field(default_factory=list)
    clipped: list[str] = field(default_factory=list)
    hidden: int = 0

    def __str__(self) -> str:
        parts = []
        for what, found in (("dropped", self.dropped), ("clipped to their images", self.clipped)):
            if found:
                more = ", …" if len(found) > 3 else ""
                parts.append(
                    f"{len(found)} bad box{'es' if len(found) > 1 else ''} {what} ({', '.join(found[:3])}{more})"
                )
        if self.hidden:
            parts.append(f"{self.hidden} boxes left out, of which little is left when images are brought to size")
        return "".join(f"; {part}" for part in parts)


@dataclass(frozen=True)
class OwnBoxes(OwnImages):
    """What every data set of boxes of one's own can be told, besides what `OwnImages` say.

    Boxes become (x0, y0, x1, y1) in pixels from the top left corner of the image: it is [0, width] × [0, height], and
    pixel (row i, column j) covers [j, j + 1] × [i, i + 1]. They are scaled and cut with their images.

    Attributes:
      classes: names of the classes, in the order of the outputs; None: those that are found.
      bad_boxes: what to do about boxes of zero or negative size, with NaN, or that lie outside their image:
        ``"refuse"``, or ``"drop"``: leave them out, clip those that lie in it in part, and count them. One pixel over
        the edge is always clipped, and not counted.
      visible: boxes of which less than this share is left when images are cut to size are left out; in [0, 1).
    """

    classes: tuple[str, ...] | None = None
    bad_boxes: str = "refuse"
    visible: float = 0.25

    layout: ClassVar[str] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bad_boxes not in BAD_BOXES:
            raise unknown("data.bad_boxes", self.bad_boxes, BAD_BOXES)
        number("data.visible", self.visible, below=1.0)
        if self.classes is not None and (not self.classes or len(set(self.classes)) < len(self.classes)):
            raise invalid("data.classes", self.classes, "names of classes, each once")

    @property
    def has_oriented_boxes(self) -> bool:
        """Whether boxes are oriented: four corners."""
        return False

    @property
    def label_kind(self) -> LabelKind:
        """``"boxes"`` or ``"oriented_boxes"``."""
        return "oriented_boxes" if self.has_oriented_boxes else "boxes"

    def load(self) -> Dataset:
        """Reads all annotations, chooses the splits, and reads the images of what is small."""
        return assemble(self, self.collect())

    def annotated(self) -> list[Annotated]:
        """The images with their boxes."""
        raise NotImplementedError

    def collect(self) -> Collected:
        """What is found; images are unread."""
        images = self.annotated()
        if not images:
            raise invalid("data.path", self.path, f"{self.layout}; no image has an annotation")
        classes = self._classes(images)
        skip = self.broken == "skip"
        facts, broken = examined([image.file for image in images], decode=skip)
        refuse_broken(broken, len(images), skip, self.path)
        kept = [(image, fact) for image, fact in zip(images, facts, strict=True) if fact is not None]
        counted, problems, boxes = Counted(), [], []
        for image, fact in kept:
            _require_size(image, fact)
            numbers = 8 if self.has_oriented_boxes else 4
            drop = self.bad_boxes == "drop"
            boxes.append(
                checked_boxes(image.boxes, fact.size, str(image.source), classes, drop, counted, problems, numbers)
            )
        if problems:
            raise bad_boxes_error(problems, self.path)
        files = [image.file for image, _ in kept]
        names = [file.name for file in files]
        total = sum(len(of_one[1]) for of_one in boxes)
        what = f"{Path(str(self.path)).name}, {len(kept)} images with names and sizes {digest(files, names)}…"
        return Collected(
            FileImages(files, names),
            [fact for _, fact in kept],
            None,
            [image.given for image, _ in kept],
            classes,
            self.label_kind,
            f"{what}, {total} boxes of {len(classes)} classes{counted}",
            left_out=broken,
            place_boxes=_Placing(boxes, [fact for _, fact in kept], self.visible),
        )

    def _classes(self, images: Sequence[Annotated]) -> tuple[str, ...]:
        found = self.found_classes(images)
        if self.classes is None:
            if not found:
                raise invalid("data.path", self.path, f"{self.layout}; no image has a box")
            return tuple(found)
        for image in images:
            for box in image.boxes:
                if box.name not in self.classes:
                    hint = nearest(box.name, self.classes)
                    raise ValueError(
                        f"unknown class {box.name!r} of {box.where} in {image.source}; allowed: "
                        f"{', '.join(self.classes)} (data.classes)" + (f"; did you mean {hint!r}?" if hint else "")
                    )
        return self.classes

    def found_classes(self, images: Sequence[Annotated]) -> list[str]:
        """The classes that are there, in the order of the outputs."""
        return sorted({box.name for image in images for box in image.boxes})


Placed = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Boxes [k, 4] (oriented: corners [k, 8]), classes [k], and whether they are difficult [k]."""


@dataclass(frozen=True)
class _Placing:
    """Makes the targets of the boxes of all images, where these are prepared in some way."""

    boxes: Sequence[Placed]
    facts: Sequence[Facts]
    visible: float

    def __call__(self, preprocessing: Preprocessing) -> tuple[Any, str]:
        """The targets, and in words what was left out."""
        from geomdl.data.targets.boxes import pack_boxes  # pyrefly: ignore[missing-module-attribute]

        placed, hidden = [], 0
        for of_one, fact in zip(self.boxes, self.facts, strict=True):
            moved = placed_boxes(of_one, fact.size, preprocessing, self.visible)
            hidden += len(of_one[1]) - len(moved[1])
            placed.append(moved)
        boxes, *rest = (list(part) for part in zip(*placed, strict=True))
        oriented = boxes[0].shape[1] == 8
        if oriented:
            ends = np.cumsum([len(corners) for corners in boxes])
            boxes = np.split(np.asarray(from_corners(np.concatenate(boxes))), ends[:-1])
        packed = pack_boxes(boxes, *rest, oriented=oriented)
        return packed, str(Counted(hidden=hidden))


def placed_boxes(boxes: Placed, size: tuple[int, int], preprocessing: Preprocessing, visible: float) -> Placed:
    """Boxes of an image after it has been brought to size, cut to what is left of it; oriented ones stay whole.

    Args:
      boxes: of the image as it is stored.
      size: (height, width) of it.
      preprocessing: how it is brought to size.
      visible: boxes of which less than this share of the area is left are left out.
    """
    scale, offset = preprocessing.placement(size)
    height, width = preprocessing.size or size
    if boxes[0].shape[1] == 8:
        moved = boxes[0] * np.tile(scale, 4) + np.tile(offset, 4)
        areas = np.array([[inside(c, (width, height)), inside(c)] for c in moved]).reshape(-1, 2)
        middle = moved.reshape(-1, 4, 2).mean(1)
        kept = (areas[:, 0] >= visible * areas[:, 1]) & ((middle >= 0) & (middle <= [width, height])).all(1)
        return moved[kept].astype(np.float32), boxes[1][kept], boxes[2][kept]
    moved = boxes[0] * np.tile(scale, 2) + np.tile(offset, 2)
    frame = np.array([width, height, width, height], np.float64)
    cut = np.clip(moved, 0.0, frame)
    left = np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.prod(moved[:, 2:] - moved[:, :2], axis=1)
    kept = (left >= visible) & (left > 0)
    return cut[kept].astype(np.float32), boxes[1][kept], boxes[2][kept]


def inside(corners: np.ndarray, frame: tuple[int, int] | None = None) -> float:
    """The area of a convex polygon, or of what of it lies in a frame [0, width] × [0, height].

    Args:
      corners: ``[2 n]``, (x, y) in turn.
      frame: (width, height).

    >>> inside(np.array([0.0, -1, 4, -1, 4, 1, 0, 1])), inside(np.array([0.0, -1, 4, -1, 4, 1, 0, 1]), (3, 9))
    (8.0, 3.0)
    """
    points = corners.reshape(-1, 2).astype(np.float64)
    for axis, most in enumerate(frame or ()):
        for sign, bound in ((1.0, 0.0), (-1.0, float(-most))):  # sign · p ≥ bound
            cut = []
            for p, q in zip(points, np.roll(points, -1, 0), strict=True):
                a, b = sign * p[axis] - bound, sign * q[axis] - bound
                if a >= 0:
                    cut.append(p)
                if a * b < 0:
                    cut.append(p + a / (a - b) * (q - p))
            points = np.array(cut).reshape(-1, 2)
    x, y = points.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def checked_boxes(
    boxes: Sequence[Box],
    size: tuple[int, int],
    source: str,
    classes: Sequence[str],
    drop: bool,
    counted: Counted,
    problems: list[str],
    numbers: int = 4,
) -> Placed:
    """The boxes of an image that are good, clipped; what is wrong with the others is noted.

    Args:
      boxes: as they are written.
      size: (height, width) of the image.
      source: what says so, for messages: a file.
      classes: names of the classes.
      drop: whether bad boxes are left out and noted in ``counted``; else ``problems`` has a sentence for each.
      counted: grows.
      problems: grows.
      numbers: of a box: 4, or 8 for corners.
    """
    height, width = size
    frame = np.array([width, height, width, height], np.float64)
    good: list[tuple[np.ndarray, int, bool]] = []
    for box in boxes:
        edges, written = np.array(box.edges, np.float64), np.array(box.written or box.edges, np.float64)
        shown = "({})".format(", ".join(f"{value:g}" for value in written))
        place = f"{box.where} in {Path(source).name}"
        cut = np.clip(edges, 0.0, frame)
        wrong = ""
        if not np.isfinite(edges).all() or not np.isfinite(written).all():
            wrong = f"has coordinates that are no numbers, {shown}"
        elif box.corners:
            middle = np.array(box.corners).reshape(4, 2).mean(0)
            if inside(np.array(box.corners)) <= 0:
                wrong = f"has zero size, {shown}"
            elif ((middle < 0) | (middle > frame[:2])).any():
                wrong = f"has its centre outside the image of {height}×{width} pixels, {shown}"
            cut = np.array(box.corners)
        elif (written[2:] == written[:2]).any():
            wrong = f"has zero size, {shown}"
        elif (written[2:] < written[:2]).any():
            wrong = f"has a negative size, {shown}"
        elif (cut[2:] <= cut[:2]).any():
            wrong = f"lies outside the image of {height}×{width} pixels, {shown}"
        elif (np.abs(edges - cut) > _SLACK).any():
            if drop:
                counted.clipped.append(place)
            else:
                wrong = f"reaches out of the image of {height}×{width} pixels, {shown}"
        if not wrong:
            good.append((cut, classes.index(box.name), box.difficult))
        elif drop:
            counted.dropped.append(place)
        else:
            problems.append(f"{box.where} in {source} {wrong}")
    return (
        np.array([edges for edges, _, _ in good], np.float64).reshape(-1, numbers),
        np.array([index for _, index, _ in good], np.int32),
        np.array([difficult for _, _, difficult in good], bool),
    )


def bad_boxes_error(problems: Sequence[str], path: str | None) -> ValueError:
    """The error that names the first bad boxes of a data set."""
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return ValueError(
        f"{len(problems)} bad box{'es' if len(problems) > 1 else ''} in {path}: {'; '.join(problems[:3])}{more}; "
        "allowed: boxes of positive size inside their images; mend them, or leave them out: data.bad_boxes='drop'"
    )


def _require_size(image: Annotated, fact: Facts) -> None:
    """Refuses an annotation that was made for an image of another size."""
    if image.size is not None and min(image.size) > 0 and image.size != fact.size:
        (a, b), (height, width) = image.size, fact.size
        raise invalid(f"size {a}×{b} (height × width) in", str(image.source), f"that of {image.file}, {height}×{width}")


def found_image(name: str, folders: Sequence[Path], what: str) -> Path:
    """The file of an image in one of some folders.

    Raises:
      ValueError: it is in none of them; the message names ``what`` asks for it.
    """
    for folder in folders:
        if (file := folder / name).is_file():
            return file
    there = [entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    hint = nearest(Path(name).name, there)
    raise ValueError(
        f"cannot find the image {name!r} of {what} in {', '.join(map(str, folders))}"
        + (f"; did you mean {hint!r}?" if hint else "")
    )


def each_box(entries: Sequence[Any], make: Callable[[int, Any], Box]) -> list[Box]:
    """The boxes of one image, numbered from 1."""
    return [make(i, entry) for i, entry in enumerate(entries, start=1)]


def shifted(box: Box, first_pixel: float) -> Box:
    """A box of first and last pixels as one of edges, where the first pixel of the image has this number."""
    x0, y0, x1, y1 = box.edges
    edges = (x0 - first_pixel, y0 - first_pixel, x1 - first_pixel + 1, y1 - first_pixel + 1)
    return replace(box, edges=edges, written=box.edges)
