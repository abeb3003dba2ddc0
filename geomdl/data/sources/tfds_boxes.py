"""Boxes of data sets of TensorFlow Datasets: a sequence of objects in each example, such as those of VOC and COCO."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geomdl.data.preprocessing import Preprocessing
from geomdl.data.sources.own.annotations import (
    Box,
    Counted,
    Placed,
    bad_boxes_error,
    checked_boxes,
    placed_boxes,
    shifted,
)
from geomdl.data.sources.tfds_faults import corrupt
from geomdl.data.targets.boxes import pack_boxes
from geomdl.errors import invalid

PIXELS = {"voc": "inclusive"}
"""What the numbers of a builder are, where they are no edges: see `geomdl.data.VOCConfig`."""

_CHUNK = 256
_LABELS = ("label", "type")  # of KITTI
_DIFFICULT = ("is_difficult", "is_crowd", "is_group_of")  # of VOC, COCO, Open Images
_NAMES = ("image/filename", "file_name", "image/id", "image_id", "id")


def box_sequences(features: Mapping[str, Any]) -> list[str]:
    """The features of an example that are sequences of objects with a box, by the file ``features.json``.

    Args:
      features: what the file says of each feature.
    """
    return [key for key, feature in features.items() if _box_keys(_parts(feature))]


def _parts(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """The features of one object of a sequence."""
    return feature.get("sequence", {}).get("feature", {}).get("featuresDict", {}).get("features", {})


def _box_keys(parts: Mapping[str, Any]) -> list[str]:
    return [key for key, feature in parts.items() if feature["pythonClassName"].endswith(".BBoxFeature")]


@dataclass(frozen=True)
class BoxObjects:
    """The objects of a builder.

    Attributes:
      key: of the sequence in an example.
      box: of the box in an object.
      label: of the class in an object; None: all objects are of one class.
      difficult: of the flag in an object; None: none is difficult.
      classes: names of the classes.
      layout: of the four numbers of a box, as TensorFlow Datasets names it: ``"REL_YXYX"``.
      pixels: what the numbers are: ``"edges"``, or first and last pixels, see `geomdl.data.VOCConfig`.
    """

    key: str
    box: str
    label: str | None
    difficult: str | None
    classes: tuple[str, ...]
    layout: str
    pixels: str

    @classmethod
    def of(cls, builder: Any, key: str, pixels: str | None) -> "BoxObjects":
        """Those of a feature of an opened builder.

        Args:
          builder: of TensorFlow Datasets.
          key: of `box_sequences`.
          pixels: see `BoxObjects`; None: as it is known of the builder.
        """
        import tensorflow_datasets as tfds

        parts = dict(builder.info.features[key].feature.items())
        labels = [name for name, part in parts.items() if isinstance(part, tfds.features.ClassLabel)]
        chosen = next((name for name in _LABELS if name in labels), labels[0] if len(labels) == 1 else None)
        box = next(name for name, part in parts.items() if isinstance(part, tfds.features.BBoxFeature))
        layout = getattr(parts[box].bbox_format, "value", parts[box].bbox_format)
        return cls(
            key,
            box,
            chosen,
            next((name for name in _DIFFICULT if name in parts), None),
            tuple(parts[chosen].names) if chosen else (key,),
            layout or "REL_YXYX",
            pixels or PIXELS.get(builder.info.name, "edges"),
        )

    def labels(
        self,
        builder: Any,
        splits: Sequence[str],
        image_key: str,
        preprocessing: Preprocessing,
        *,
        drop: bool,
        visible: float,
    ) -> tuple[dict[str, dict[str, np.ndarray]], str]:
        """The labels of each split that has boxes, and in words what was left out; images are not decoded.

        Args:
          builder: of TensorFlow Datasets.
          splits: their names.
          image_key: of the image in an example.
          preprocessing: how images are brought to size.
          drop: whether bad boxes are left out, and counted.
          visible: see `geomdl.data.VOCConfig`.

        Raises:
          ValueError: when boxes are bad and not dropped; the message names the example and the box.
        """
        counted, problems = Counted(), []
        found: dict[str, list[Placed]] = {name: [] for name in splits}
        for name in splits:
            for source, size, boxes in self._examples(builder, name, image_key):
                good = checked_boxes(boxes, size, source, self.classes, drop, counted, problems)
                moved = placed_boxes(good, size, preprocessing, visible)
                counted.hidden += len(good[1]) - len(moved[1])
                found[name].append(moved)
        if problems:
            raise bad_boxes_error(problems, str(builder.info.data_dir))
        empty = [name for name in splits if not any(len(classes) for _, classes, _ in found[name])]
        if "train" in empty:
            raise invalid(
                "data.name", builder.info.full_name, f"a data set whose {self.key!r} hold boxes; none has any"
            )
        most = max(len(classes) for of_one in found.values() for _, classes, _ in of_one)
        packed = {
            name: pack_boxes(*(list(part) for part in zip(*of_one, strict=True)), most=most)
            for name, of_one in found.items()
            if name not in empty
        }
        without = "".join(f"; the split {name!r}, which is published without boxes, is left out" for name in empty)
        return packed, f"{counted}{without}"

    def _examples(self, builder: Any, split: str, image_key: str) -> Iterator[tuple[str, tuple[int, int], list[Box]]]:
        """Of each example what it is called, (height, width) of its image, and its boxes."""
        import tensorflow_datasets as tfds

        source = builder.as_data_source(split, decoders={image_key: tfds.decode.SkipDecoding()})
        for start in range(0, len(source), _CHUNK):
            places = list(range(start, min(start + _CHUNK, len(source))))
            try:
                records = source.__getitems__(places)
                sizes = [_size(record[image_key]) for record in records]
            except Exception as error:  # whatever the reader, the protocol-buffer parser or Pillow raise
                raise corrupt(builder.info.data_dir, f"records of split {split!r} cannot be read", error) from error
            for place, record, size in zip(places, records, sizes, strict=True):
                yield f"example {place}{_named(record)} of split {split!r}", size, self._boxes(record, size)

    def _boxes(self, record: Mapping[str, Any], size: tuple[int, int]) -> list[Box]:
        objects = record[self.key]
        made = []
        for i, numbers in enumerate(objects[self.box]):
            name = self.classes[int(objects[self.label][i])] if self.label else self.classes[0]
            difficult = self.difficult is not None and int(objects[self.difficult][i]) == 1
            edges = _edges(np.asarray(numbers, np.float64), self.layout, size)
            box = Box(name, edges, f"object {i + 1} ({name})", difficult)
            made.append(box if self.pixels == "edges" else shifted(box, 1.0 if self.pixels == "inclusive" else 0.0))
        return made


def _edges(numbers: np.ndarray, layout: str, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) in pixels; to a thousandth, which the 32 bits of shares of an image do not spoil."""
    if layout.endswith("YXYX"):
        numbers = numbers[[1, 0, 3, 2]]
    elif layout.endswith("XYWH"):
        numbers = np.concatenate([numbers[:2], numbers[:2] + numbers[2:]])
    if layout.startswith("REL_"):
        numbers = np.round(numbers * [size[1], size[0], size[1], size[0]], 3)
    x0, y0, x1, y1 = map(float, numbers)
    return x0, y0, x1, y1


def _size(encoded: bytes) -> tuple[int, int]:
    """(height, width) of an encoded image, of which only the head is read."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        return image.height, image.width


def _named(record: Mapping[str, Any]) -> str:
    """The name of an example, in brackets, where it has one."""
    for key in _NAMES:
        if key in record:
            name = record[key]
            return f" ({name.decode() if isinstance(name, bytes) else name})"
    return ""
