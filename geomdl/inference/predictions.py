"""What a network says about images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from geomdl.inference.reading import Reading

_CORNERS = ("x1", "y1", "x2", "y2")
_ORIENTED = ("cx", "cy", "w", "h", "angle")


@dataclass(frozen=True)
class Predictions:
    """What a network says about some images, in their order.

    Attributes:
      outputs: of every image, as the network gives them (averaged over a group, where that was asked for):
        ``[channels]``, or ``[height, width, channels]``. Of a detector a dict of ``boxes`` [k, 4 or 5], in pixels of
        the image as it was given, ``scores`` [k], which fall, and ``classes`` [k].
      reading: what they are.
      names: of the images: of their files, or their numbers.
      what: they are, ``"image"`` or ``"cloud"``, the name of the first column of tables.

    >>> reading = Reading("class", "softmax", ("cat", "dog"))
    >>> said = Predictions((np.array([0.0, 1.0]), np.array([2.0, 0.0])), reading, ("a.png", "b.png"))
    >>> said.classes, said.labels.tolist(), said.probabilities.shape
    (('dog', 'cat'), [1, 0], (2, 2))
    """

    outputs: tuple[Any, ...]
    reading: Reading
    names: tuple[str, ...]
    what: str = "image"

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def labels(self) -> Any:
        """Classes ``[n]``, labels ``[n, classes]`` of bool, values ``[n, channels]``; of label maps one array for each
        image, or ``[n, height, width]`` where all are of one size; of boxes a list of the classes of each image."""
        if self.reading.kind == "boxes":
            return [y["classes"] for y in self.outputs]
        return _together([self.reading.labels(y[None])[0] for y in self.outputs])

    @property
    def probabilities(self) -> Any:
        """``[n, classes]``, or of every pixel as in `labels`; see `Reading.probabilities`. Of boxes a list of the
        scores of each image."""
        if self.reading.kind == "boxes":
            return [y["scores"] for y in self.outputs]
        return _together([self.reading.probabilities(y[None])[0] for y in self.outputs])

    @property
    def classes(self) -> tuple[Any, ...]:
        """The name of the class of each image, or the names of its labels; of label maps those of the classes seen;
        of boxes that of each box."""
        names = self.reading.classes
        if self.reading.kind == "class":
            return tuple(names[int(label)] for label in self.labels)
        if self.reading.kind == "labels":
            return tuple(tuple(n for n, there in zip(names, row, strict=True) if there) for row in self.labels)
        if self.reading.kind == "map":
            return tuple(tuple(names[i] for i in np.unique(labels)) for labels in self.labels)
        if self.reading.kind == "boxes":
            return tuple(tuple(names[int(i)] for i in y["classes"]) for y in self.outputs)
        return ()

    def rows(self) -> Iterator[dict[str, Any]]:
        """One for each image, for tables: its name, what it is, and numbers by the names of classes.

        ``"class"``: the class, its probability and all probabilities; ``"labels"``: those that hold; ``"map"``: the
        share of the pixels of each class; ``"values"``: the values. ``"boxes"``: one for each box:
        the image, the class, the score, and x1, y1, x2, y2, or cx, cy, w, h, angle of oriented boxes.
        """
        if self.reading.kind == "boxes":
            for record in self.records():
                for box in record["boxes"]:
                    row = {"image": record["image"], "class": box["class"], "score": box["score"]}
                    yield row | dict(zip(_CORNERS if len(box["box"]) == 4 else _ORIENTED, box["box"], strict=True))
            return
        names, kind, said = self.reading.classes, self.reading.kind, self.classes
        score = "score" if self.reading.link == "none" else "probability"
        for i, (name, y) in enumerate(zip(self.names, self.outputs, strict=True)):
            row: dict[str, Any] = {self.what: name}
            numbers = self.reading.probabilities(y[None])[0]
            if kind == "map":
                labels = self.reading.labels(y[None])[0]
                numbers = np.bincount(labels.ravel(), minlength=len(names)) / labels.size
            elif kind == "class":
                row |= {"class": said[i], score: float(numbers.max())}
            elif kind == "labels":
                row |= {"labels": " ".join(said[i])}
            flat = np.ravel(numbers)
            columns = names if len(names) == len(flat) else [f"output_{j}" for j in range(len(flat))]
            yield row | {column: float(number) for column, number in zip(columns, flat, strict=True)}

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of what the rows of boxes have, also where none is found; None of other outputs."""
        if self.reading.kind != "boxes":
            return None
        return ("image", "class", "score", *(_ORIENTED if self.outputs[0]["boxes"].shape[-1] == 5 else _CORNERS))

    def records(self) -> Iterator[dict[str, Any]]:
        """One for each image, for JSON: as `rows`; of a detector its name and ``boxes``, each with class, score, box.

        >>> found = {"boxes": np.array([[1.0, 2.0, 5.0, 6.0]]), "scores": np.array([0.5]), "classes": np.array([0])}
        >>> said = Predictions((found,), Reading("boxes", "none", ("cell",)), ("a.png",))
        >>> next(said.records())
        {'image': 'a.png', 'boxes': [{'class': 'cell', 'score': 0.5, 'box': [1.0, 2.0, 5.0, 6.0]}]}
        """
        if self.reading.kind != "boxes":
            yield from self.rows()
            return
        for name, y, classes in zip(self.names, self.outputs, self.classes, strict=True):
            boxes = [
                {"class": kind, "score": round(float(score), 6), "box": [round(float(number), 4) for number in box]}
                for kind, score, box in zip(classes, y["scores"], y["boxes"], strict=True)
            ]
            yield {"image": name, "boxes": boxes}


def _together(arrays: list[np.ndarray]) -> Any:
    return np.stack(arrays) if len({a.shape for a in arrays}) == 1 else arrays
