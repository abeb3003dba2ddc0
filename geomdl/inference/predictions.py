"""What a network says about images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from geomdl.inference.reading import Reading


@dataclass(frozen=True)
class Predictions:
    """What a network says about some images, in their order.

    Attributes:
      outputs: of every image, as the network gives them (averaged over a group, where that was asked for):
        ``[channels]``, or ``[height, width, channels]``.
      reading: what they are.
      names: of the images: of their files, or their numbers.

    >>> reading = Reading("class", "softmax", ("cat", "dog"))
    >>> said = Predictions((np.array([0.0, 1.0]), np.array([2.0, 0.0])), reading, ("a.png", "b.png"))
    >>> said.classes, said.labels.tolist(), said.probabilities.shape
    (('dog', 'cat'), [1, 0], (2, 2))
    """

    outputs: tuple[np.ndarray, ...]
    reading: Reading
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def labels(self) -> Any:
        """Classes ``[n]``, labels ``[n, classes]`` of bool, values ``[n, channels]``; of label maps one array for each
        image, or ``[n, height, width]`` where all are of one size."""
        return _together([self.reading.labels(y[None])[0] for y in self.outputs])

    @property
    def probabilities(self) -> Any:
        """``[n, classes]``, or of every pixel as in `labels`; see `Reading.probabilities`."""
        return _together([self.reading.probabilities(y[None])[0] for y in self.outputs])

    @property
    def classes(self) -> tuple[Any, ...]:
        """The name of the class of each image, or the names of its labels; of label maps those of the classes seen."""
        names = self.reading.classes
        if self.reading.kind == "class":
            return tuple(names[int(label)] for label in self.labels)
        if self.reading.kind == "labels":
            return tuple(tuple(n for n, there in zip(names, row, strict=True) if there) for row in self.labels)
        if self.reading.kind == "map":
            return tuple(tuple(names[i] for i in np.unique(labels)) for labels in self.labels)
        return ()

    def rows(self) -> Iterator[dict[str, Any]]:
        """One for each image, for tables: its name, what it is, and numbers by the names of classes.

        ``"class"``: the class, its probability and all probabilities; ``"labels"``: those that hold; ``"map"``: the
        share of the pixels of each class; ``"values"``: the values.
        """
        names, kind, said = self.reading.classes, self.reading.kind, self.classes
        score = "score" if self.reading.link == "none" else "probability"
        for i, (name, y) in enumerate(zip(self.names, self.outputs, strict=True)):
            row: dict[str, Any] = {"image": name}
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


def _together(arrays: list[np.ndarray]) -> Any:
    return np.stack(arrays) if len({a.shape for a in arrays}) == 1 else arrays
