"""What the numbers that a network gives are: scores of classes, of labels, of pixels, boxes, or values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import numpy as np

from geomdl.errors import unknown
from geomdl.tasks import Classification, Detection, Regression, Segmentation, Task

Kind = Literal["class", "labels", "map", "boxes", "values"]
Link = Literal["softmax", "sigmoid", "none"]


@dataclass(frozen=True)
class Reading:
    """How outputs ``[batch, ..., channels]`` are read; plain values, which are kept beside an exported network.

    Attributes:
      kind: ``"class"`` (one of each image), ``"labels"`` (any number of them), ``"map"`` (a class of each pixel),
        ``"boxes"`` (detections: boxes with scores and classes), or ``"values"``.
      link: the function that makes probabilities of scores; ``"none"`` where they are none. Of one channel under
        ``"sigmoid"`` the classes are two, and it is the probability of the second.
      classes: their names; of values the names of the channels.

    >>> reading = Reading("class", "softmax", ("cat", "dog"))
    >>> reading.probabilities(np.array([[0.0, 0.0]])).tolist(), reading.labels(np.array([[0.0, 1.0]])).tolist()
    ([[0.5, 0.5]], [1])
    """

    kind: Kind
    link: Link
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, value, allowed in (("kind", self.kind, Kind), ("link", self.link, Link)):
            if value not in get_args(allowed):
                raise unknown(f"{name} of outputs", value, get_args(allowed))

    @classmethod
    def of(cls, task: Task, classes: tuple[str, ...]) -> "Reading":
        """That of a task's outputs; those of a task of somebody's own are values.

        Args:
          task: of the run.
          classes: of the data set.
        """
        if isinstance(task, Classification):
            link = {"softmax": "softmax", "sigmoid": "sigmoid"}.get(task.objective, "none")
            return cls("labels" if task.multi_label else "class", link, classes)  # pyright: ignore[reportArgumentType]
        if isinstance(task, Segmentation):
            return cls("map", "sigmoid" if task.binary else "softmax", tuple(task.classes))
        if isinstance(task, Detection):
            return cls("boxes", "none", tuple(task.classes))
        names = classes if isinstance(task, Regression) and len(classes) == task.outputs else ()
        return cls("values", "none", names or tuple(f"output_{i}" for i in range(task.outputs)))

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """``[..., classes]``; scores that are no probabilities, and values, as they are."""
        if self.link == "softmax":
            return np.asarray(jax.nn.softmax(outputs, -1))
        if self.link == "sigmoid":
            p = np.asarray(jax.nn.sigmoid(outputs))
            return np.concatenate([1 - p, p], -1) if p.shape[-1] == 1 and len(self.classes) == 2 else p
        return np.asarray(outputs)

    def labels(self, outputs: np.ndarray) -> np.ndarray:
        """What the outputs say: classes ``[batch]``, labels ``[batch, classes]`` of bool, maps, or the values."""
        if self.kind == "values":
            return np.asarray(outputs)
        p = self.probabilities(outputs)
        return p > 0.5 if self.kind == "labels" else p.argmax(-1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"kind": self.kind, "link": self.link, "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Reading":
        """The inverse of `to_dict`."""
        return cls(values["kind"], values["link"], tuple(values["classes"]))
