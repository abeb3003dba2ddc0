"""The types of data: examples, splits, data sets and their configs."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

from geomdl.errors import invalid

Indices = Sequence[int] | np.ndarray

LabelKind = Literal["class", "labels", "map"]
"""One class per image, indicators of any number of classes per image, or a class per pixel."""

IGNORED = -1
"""The value of pixels in label maps that no loss and no metric counts."""


class Example(TypedDict):
    """One image and its label, or a batch of them.

    Attributes:
      image: ``[height, width, channels]``, with a batch axis before them for a batch.
      label: likewise.
    """

    image: np.ndarray
    label: np.ndarray


@runtime_checkable
class Records(Protocol):
    """Examples with random access that are too large to hold: read, and decoded, when asked for."""

    image_shape: tuple[int, int, int]
    image_dtype: np.dtype
    label_shape: tuple[int, ...]
    label_dtype: np.dtype

    def __len__(self) -> int: ...

    def read(self, indices: Indices) -> Example:
        """The images and labels at these places, stacked."""
        ...

    def read_labels(self, indices: Indices) -> np.ndarray:
        """The labels at these places, stacked, without decoding the images."""
        ...


@dataclass(frozen=True, eq=False)
class Column:
    """The images, or the labels, of some records: looks like a NumPy array, reads when indexed.

    ``column[3]`` is one image; ``column[:10]`` and ``column[[4, 1]]`` are arrays; ``np.asarray(column)`` reads
    everything.

    Args:
      records: what is read from.
      indices: of the records, in the order of the column.
      is_image: whether it reads the images; else the labels.
    """

    records: Records
    indices: Int[np.ndarray, " n"]
    is_image: bool

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of the array that reading everything would give."""
        return len(self), *(self.records.image_shape if self.is_image else self.records.label_shape)

    @property
    def dtype(self) -> np.dtype:
        """Of the elements."""
        return self.records.image_dtype if self.is_image else self.records.label_dtype

    @property
    def nbytes(self) -> int:
        """Bytes that reading everything would take."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def __getitem__(self, index: int | slice | Indices) -> np.ndarray:
        chosen = self.indices[index]
        many = np.atleast_1d(chosen)
        values = self.records.read(many)["image"] if self.is_image else self.records.read_labels(many)
        return values[0] if np.ndim(chosen) == 0 else values

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        values = self[:]
        return values if dtype is None else values.astype(dtype)


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels, with random access.

    Attributes:
      images: ``[n, height, width, channels]``; float32 in [0, 1], or unsigned integers that stand for value / largest
        value (scaled on the device, :func:`geomdl.data.loading.batches.unit_interval`). In memory, or a
        :class:`Column` that reads on demand.
      labels: ``[n]`` int32 class indices, ``[n, classes]`` float32 indicators for multi-label data, or
        ``[n, height, width]`` int32 label maps: the class index of every pixel, −1 where it is not to be counted.

    >>> split = Split(np.zeros((3, 4, 4, 1), np.float32), np.array([0, 1, 0], np.int32))
    >>> split, len(split), split[1]["label"]
    (Split(3 images 4×4×1 float32), 3, np.int32(1))
    """

    images: Shaped[np.ndarray, "n height width channels"] | Column
    labels: Int[np.ndarray, " n"] | Float[np.ndarray, "n classes"] | Int[np.ndarray, "n rows columns"] | Column

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        height, width, channels = self.images.shape[1:]
        where = "" if self.in_memory else ", read on demand"
        return f"Split({len(self)} images {height}×{width}×{channels} {self.images.dtype}{where})"

    def __getitem__(self, index: int) -> Example:
        batch = self.gather([index])
        return Example(image=batch["image"][0], label=batch["label"][0])

    @property
    def in_memory(self) -> bool:
        """Whether the images are held in memory, as opposed to read on demand."""
        return isinstance(self.images, np.ndarray)

    def gather(self, indices: Indices) -> Example:
        """The examples at these places, stacked; each record is read once."""
        indices = np.asarray(indices, dtype=np.int64)
        images, labels = self.images, self.labels
        if isinstance(images, Column) and isinstance(labels, Column) and images.records is labels.records:
            return images.records.read(images.indices[indices])
        return Example(image=images[indices], label=labels[indices])

    def subset(self, indices: Indices) -> "Split":
        """The split of these examples, in this order; nothing is read."""
        indices = np.asarray(indices, dtype=np.int64)

        def chosen(column: np.ndarray | Column) -> np.ndarray | Column:
            if isinstance(column, Column):
                return Column(column.records, column.indices[indices], column.is_image)
            return column[indices]

        return Split(chosen(self.images), chosen(self.labels))

    def digest(self) -> str:
        """SHA-256 of shapes, types, images and labels: equal digests mean the same examples in the same order."""
        result = hashlib.sha256()
        for column in (self.images, self.labels):
            result.update(f"{column.shape}{np.dtype(column.dtype).str}".encode())
            for start in range(0, len(self), 1024):
                result.update(np.ascontiguousarray(column[start : start + 1024]).tobytes())
        return result.hexdigest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint splits of one source.

    Attributes:
      name: as in a config, e.g. ``"digits"`` or ``"tfds:mnist"``.
      train: what models are fitted to.
      validation: what choices are made on.
      test: what results are reported on.
      image_shape: (height, width, channels).
      num_classes: of labels.
      classes: their names.
      provenance: source, licence, method and seeds, in words: enough to make the same data again.
      label_kind: ``"class"`` (one per image), ``"labels"`` (indicators of any number of classes) or ``"map"`` (one
        class per pixel).

    Raises:
      ValueError: a label map that is not of the size of its image, or has a value that is no class.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    image_shape: tuple[int, int, int]
    num_classes: int
    classes: tuple[str, ...]
    provenance: str
    label_kind: LabelKind = "class"

    def __post_init__(self) -> None:
        if self.label_kind == "map":
            for key in ("train", "validation", "test"):
                split: Split = getattr(self, key)
                require_label_maps(split.images, split.labels, self.num_classes, f"{key} split of {self.name}")

    @property
    def multi_label(self) -> bool:
        """Whether labels are indicators of any number of classes."""
        return self.label_kind == "labels"


def require_label_maps(
    images: np.ndarray | Column, labels: np.ndarray | Column, num_classes: int, what: str, first: int = 0
) -> None:
    """Raises ValueError unless labels are class indices, or −1, of every pixel of the images.

    Of columns that are read on demand, only the sizes are looked at.

    Args:
      images: ``[n, height, width, channels]``.
      labels: ``[n, height, width]``.
      num_classes: values from −1 up to this many minus 1 are allowed.
      what: what the images are called in errors.
      first: the place of the first image.

    >>> require_label_maps(np.zeros((1, 2, 2, 1)), np.array([[[0, 1], [7, 0]]]), 2, "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid label 7 at row 1, column 0 of image 0 in the test split of cells; allowed: a class from 0 to 1,
    or -1 to ignore the pixel
    """
    if labels.shape != images.shape[:3]:
        raise invalid(
            f"size of the label maps in the {what}", labels.shape, f"that of the images, {tuple(images.shape[:3])}"
        )
    if isinstance(labels, Column) or not labels.size or IGNORED <= labels.min() <= labels.max() < num_classes:
        return
    place, row, column = np.argwhere((labels < IGNORED) | (labels >= num_classes))[0]
    raise ValueError(
        f"invalid label {labels[place, row, column]} at row {row}, column {column} of image {first + place} in the "
        f"{what}; allowed: a class from 0 to {num_classes - 1}, or {IGNORED} to ignore the pixel"
    )


class DataConfig(ABC):
    """Options of a data set: frozen dataclasses, whose fields besides ``name`` are the valid config keys."""

    name: str

    @property
    def label_kind(self) -> LabelKind:
        """What labels the data set has, as far as it can be known before loading."""
        return "class"

    @abstractmethod
    def load(self) -> Dataset:
        """Reads or makes the data set: the same one for equal configs."""
