"""The records of one split of a prepared data set of TensorFlow Datasets, decoded when read."""

from typing import Any

import numpy as np

from geomdl.data.sources.masks import MaskClasses, central_square
from geomdl.data.sources.tfds_faults import corrupt
from geomdl.data.types import Example, Indices
from geomdl.errors import invalid

CHUNK = 1024
"""How many records are read at once."""


class TFDSRecords:
    """One split of a prepared builder, decoded record by record when read (the protocol ``Records``).

    Args:
      builder: of TensorFlow Datasets.
      split: its name.
      image_key: of the image in a record.
      label_key: of the label; None: only images are read.
      size: pixels a side to which images are brought; None: as they are.
      masks: what the values of masks mean; None where labels are no masks.
    """

    def __init__(
        self,
        builder: Any,
        split: str,
        image_key: str,
        label_key: str | None,
        size: int | None,
        masks: MaskClasses | None,
    ):
        import tensorflow_datasets as tfds

        self._where, self._split = builder.info.data_dir, split
        self._image_key, self._label_key, self._size = image_key, label_key or "", size
        image = builder.info.features[image_key]
        skip = {image_key: tfds.decode.SkipDecoding()}
        self._source = builder.as_data_source(split)
        self._undecoded = builder.as_data_source(split, decoders=skip)
        height, width, channels = image.shape
        self.image_shape = (size or height, size or width, channels)
        self._masks = masks
        self.label_shape: tuple[int, ...] = self.image_shape[:2]
        self.label_dtype = np.dtype(np.int32)
        if masks is None and label_key is not None:
            label = builder.info.features[label_key]
            self._classes = getattr(label, "num_classes", None) or label.feature.num_classes
            multi_label = not isinstance(label, tfds.features.ClassLabel)
            self.label_shape = (self._classes,) if multi_label else ()
            self.label_dtype = np.dtype(np.float32 if multi_label else np.int32)
        self.image_dtype = np.dtype(image.np_dtype)

    def __len__(self) -> int:
        return len(self._source)

    def read(self, indices: Indices) -> Example:
        """Decodes these records."""
        records = self._records(self._source, indices)
        images = np.stack([self._image(record[self._image_key]) for record in records])
        if not self._label_key:
            return Example(image=images)
        return Example(image=images, label=self._labels(records, indices))

    def read_labels(self, indices: Indices) -> np.ndarray:
        """The labels of these records; images stay encoded."""
        chunks = np.array_split(np.asarray(indices), range(CHUNK, len(indices), CHUNK))
        return np.concatenate([self._labels(self._records(self._undecoded, chunk), chunk) for chunk in chunks])

    def _records(self, source: Any, indices: Indices) -> list[dict[str, Any]]:
        try:
            return source.__getitems__([int(i) for i in indices])
        except Exception as error:  # whatever the reader, the protocol-buffer parser or the image decoder raise
            raise corrupt(self._where, f"records of split {self._split!r} cannot be read", error) from error

    def _labels(self, records: list[dict[str, Any]], indices: Indices) -> np.ndarray:
        labels = [record[self._label_key] for record in records]
        if self._masks is not None:
            return np.stack([self._map(record, int(i)) for record, i in zip(records, indices, strict=True)])
        if not self.label_shape:
            return np.asarray(labels, np.int32)
        indicators = np.zeros((len(labels), self._classes), np.float32)
        for row, present in zip(indicators, labels, strict=True):
            row[np.asarray(present, int)] = 1.0
        return indicators

    def _image(self, image: np.ndarray) -> np.ndarray:
        if self._size is None or image.shape == self.image_shape:
            return image
        return central_square(image, self._size, smooth=True)

    def _map(self, record: dict[str, Any], index: int) -> np.ndarray:
        """The label map of a record, cut and resampled as its image is."""
        mask, image = record[self._label_key], record[self._image_key]
        where = f"image {index} of split {self._split!r} in {self._where}"
        if isinstance(image, np.ndarray) and mask.shape[:2] != image.shape[:2]:
            raise invalid(f"size of the mask of {where}", mask.shape[:2], f"that of the image, {image.shape[:2]}")
        labels = self._masks.label_map(mask, where)  # pyright: ignore[reportOptionalMemberAccess]
        if self._size is None or labels.shape == self.label_shape:
            return labels
        return central_square(labels[..., None], self._size, smooth=False)[..., 0]
