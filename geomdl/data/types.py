"""The types of data: examples, splits, data sets and their configs."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Int

from geomdl.arrays import as_array
from geomdl.data.checks import require_image_dtype
from geomdl.data.preprocessing import Preprocessing
from geomdl.data.targets.kinds import TargetKind
from geomdl.data.targets.names import target_kind
from geomdl.errors import invalid, misshapen
from geomdl.numbers import whole_number

Indices = Sequence[int] | np.ndarray

LabelKind = str
"""The name of a kind of target, see `geomdl.data.targets`: ``"class"``, ``"labels"``, ``"map"``, ``"values"``, …"""

Example = dict[str, np.ndarray]
"""One ``image`` with its ``label`` and whatever further named targets it has, or a batch of them."""


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
      images: ``[n, height, width, channels]``, or volumes ``[n, depth, height, width, channels]``; float32 in [0, 1],
        or uint8 or uint16 that stand for value / largest value (scaled on the device,
        :func:`geomdl.data.loading.batches.unit_interval`). In memory, or a :class:`Column` that reads on demand. Lists,
        tensors and arrays of JAX become arrays of NumPy.
      labels: ``[n]`` int32 class indices, ``[n, classes]`` float32 indicators for multi-label data, or
        ``[n, height, width]`` int32 label maps: the class index of every pixel, −1 where it is not to be counted.
        ``[n, values]`` float32 for values; a dict of arrays for boxes (`geomdl.data.pack_boxes`). The target named
        ``"label"``.
      targets: further targets by their names, each with one entry per image.
      around: the same examples with a margin of as many pixels on all four sides, of which training cuts windows of
        the size of ``images`` at random; see `geomdl.data.with_margin`. None: there is none.

    Raises:
      ValueError: labels or targets that are not as many as the images; ``around`` that is not so either, or has no
        equal margins.

    >>> split = Split(np.zeros((3, 4, 4, 1), np.float32), np.array([0, 1, 0], np.int32))
    >>> split, len(split), split[1]["label"]
    (Split(3 images 4×4×1 float32), 3, np.int32(1))
    """

    images: np.ndarray | Column
    labels: Any
    targets: Mapping[str, Any] = field(default_factory=dict)
    around: "Split | None" = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _in_memory(self.images, "images"))
        object.__setattr__(self, "labels", _in_memory(self.labels, "labels"))
        object.__setattr__(self, "targets", {n: _in_memory(v, f"targets {n!r}") for n, v in self.targets.items()})
        for values in arrays_of(self.labels):
            if values.shape[:1] != (len(self.images),):
                raise invalid("shape of the labels", tuple(values.shape), f"one for each of {len(self.images)} images")
        for name, values in self.targets.items():
            if name in ("image", "label", "mask"):
                raise invalid("name of a target", name, "one besides image, label and mask, which have their places")
            for held in arrays_of(values):
                if len(held) != len(self.images):
                    raise invalid(
                        f"number of targets {name!r}", len(held), f"one for each of {len(self.images)} images"
                    )
        if self.around is not None:
            inside, outside = tuple(self.images.shape), tuple(self.around.images.shape)
            grown = {b - a for a, b in zip(inside[1:3], outside[1:3], strict=True)}
            if inside[0] != outside[0] or inside[3:] != outside[3:] or len(grown) != 1 or not self.margin:
                allowed = f"those of {inside[0]} images with equal margins around {'×'.join(map(str, inside[1:]))}"
                raise invalid("shape of the images around", outside, allowed)
        object.__setattr__(self, "_required", set())

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = "×".join(map(str, self.images.shape[1:]))
        where = "" if self.in_memory else ", read on demand"
        around = f", a margin of {self.margin} around" if self.margin else ""
        return f"Split({len(self)} images {size} {self.images.dtype}{around}{where})"

    def __getitem__(self, index: int) -> Example:
        return jax.tree.map(lambda values: values[0], self.gather([index]))

    @property
    def margin(self) -> int:
        """How many pixels lie around the images on each side, for training; 0 where there are none."""
        if self.around is None:
            return 0
        grown = self.around.images.shape[1] - self.images.shape[1]
        return 0 if grown < 0 or grown % 2 else grown // 2

    @property
    def in_memory(self) -> bool:
        """Whether the images are held in memory, as opposed to read on demand."""
        return isinstance(self.images, np.ndarray)

    def gather(self, indices: Indices) -> Example:
        """The examples at these places, stacked; each record is read once."""
        indices = np.asarray(indices, dtype=np.int64)
        images, labels = self.images, self.labels
        further = {name: chosen_of(values, indices) for name, values in self.targets.items()}
        if isinstance(images, Column) and isinstance(labels, Column) and images.records is labels.records:
            return {**images.records.read(images.indices[indices]), **further}
        return {"image": images[indices], "label": chosen_of(labels, indices), **further}

    def require(self, kinds: Mapping[str, TargetKind], what: str = "split") -> None:
        """Raises ValueError unless the targets are of these kinds; what has been found right is not looked at again.

        Args:
          kinds: of targets by their names.
          what: the split is called in errors.
        """
        required: set[tuple[str, TargetKind]] = vars(self)["_required"]
        for name, kind in kinds.items():
            if (name, kind) not in required:
                values = self.labels if name == "label" else self.targets.get(name)
                if values is None:
                    raise invalid(f"target of the {what}", name, f"one of {', '.join(('label', *self.targets))}")
                kind.require(values, self.images, what)
                required.add((name, kind))
        if self.around is not None:
            self.around.require({name: kind for name, kind in kinds.items() if kind.moves}, f"{what}, with its margin,")

    def subset(self, indices: Indices) -> "Split":
        """The split of these examples, in this order; nothing is read."""
        indices = np.asarray(indices, dtype=np.int64)

        def chosen(column: Any) -> Any:
            if isinstance(column, Mapping):
                return {name: chosen(values) for name, values in column.items()}
            if isinstance(column, Column):
                return Column(column.records, column.indices[indices], column.is_image)
            return column[indices]

        further = {name: chosen(values) for name, values in self.targets.items()}
        around = None if self.around is None else self.around.subset(indices)
        return Split(chosen(self.images), chosen(self.labels), further, around)  # pyright: ignore[reportArgumentType]

    def digest(self) -> str:
        """SHA-256 of shapes, types, images and labels: equal digests mean the same examples in the same order."""
        result = hashlib.sha256()
        of_targets = [self.labels, *(self.targets[name] for name in sorted(self.targets))]
        for column in (self.images, *(a for values in of_targets for a in arrays_of(values))):
            result.update(f"{column.shape}{np.dtype(column.dtype).str}".encode())
            for start in range(0, len(self), 1024):
                result.update(np.ascontiguousarray(column[start : start + 1024]).tobytes())
        if self.around is not None:
            result.update(self.around.digest().encode())
        return result.hexdigest()


def arrays_of(values: Any) -> list[Any]:
    """The arrays of a target: itself, or those of a dict, by their names."""
    return [values[name] for name in sorted(values)] if isinstance(values, Mapping) else [values]


def chosen_of(values: Any, indices: Any) -> Any:
    """The entries of a target, an array or a dict of arrays, at these places."""
    return {n: v[indices] for n, v in values.items()} if isinstance(values, Mapping) else values[indices]


def _in_memory(values: Any, what: str) -> Any:
    """What can be indexed as it is, else an array of NumPy; of a dict each."""
    if isinstance(values, Mapping):
        return {name: _in_memory(held, f"{what}, {name}") for name, held in values.items()}
    indexed = isinstance(values, Column) or not (hasattr(values, "detach") or isinstance(values, jax.Array))
    if indexed and hasattr(values, "shape") and hasattr(values, "dtype"):
        return values
    return np.asarray(as_array(values, what))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint splits of one source.

    Attributes:
      name: as in a config, e.g. ``"digits"`` or ``"tfds:mnist"``.
      train: what models are fitted to.
      validation: what choices are made on.
      test: what results are reported on.
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes, or (points, channels) of
        point clouds, see `geomdl.points.pack_clouds`.
      num_classes: of labels; of values, how many numbers.
      classes: their names.
      provenance: source, licence, method and seeds, in words: enough to make the same data again.
      label_kind: the name of the kind of the labels, see `geomdl.data.targets`: ``"class"`` (one per image),
        ``"labels"`` (indicators of any number of classes), ``"map"`` (one class per pixel), ``"values"`` (real
        numbers), ``"boxes"``, ``"oriented_boxes"``, or one that was registered.
      target_kinds: the kinds of the named targets of the splits. That of ``"label"`` follows from ``label_kind`` and
        ``num_classes``, unless it is given here; then ``label_kind`` is its name.
      preprocessing: what has been done to the images of files or arrays; None where they are as they were made.
      names: of the images of each split, for messages: of files, in their order; a split may be missing.

    Raises:
      ValueError: for images of another size than ``image_shape``, or whole numbers besides uint8 and uint16 (divide by
        the largest value); for targets that are not of their kind (a class that does not exist, a label map that is
        not of the size of its image), or a target that has no kind.

    >>> from geomdl.data.targets.kinds import ValuesTarget
    >>> from geomdl.representations import FieldType
    >>> split = Split(np.zeros((3, 4, 4, 1), np.float32), np.zeros((3, 2), np.float32))
    >>> direction = ValuesTarget(FieldType("SO2", "1 irrep(1)"))
    >>> dataset = Dataset(
    ...     "arrows", split, split, split, (4, 4, 1), 2, ("cos", "sin"), "drawn", target_kinds={"label": direction}
    ... )
    >>> dataset.label_kind
    'values'
    """

    name: str
    train: Split
    validation: Split
    test: Split
    image_shape: tuple[int, ...]
    num_classes: int
    classes: tuple[str, ...]
    provenance: str
    label_kind: LabelKind = "class"
    target_kinds: Mapping[str, TargetKind] = field(default_factory=dict)
    preprocessing: Preprocessing | None = None
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole_number("num_classes", self.num_classes)
        if len(self.image_shape) not in (2, 3, 4):
            allowed = "(height, width, channels), (depth, height, width, channels) of volumes, or (points, channels)"
            raise invalid("image_shape", self.image_shape, allowed)
        for size in self.image_shape:
            whole_number("image_shape", size)
        kind = self.target_kinds.get("label")
        if kind is None:
            kind = target_kind(self.label_kind, self.num_classes)
        elif self.label_kind not in ("class", kind.name):
            raise invalid("label_kind", self.label_kind, f"{kind.name!r}, the kind of the target 'label', or none")
        object.__setattr__(self, "label_kind", kind.name)
        object.__setattr__(self, "target_kinds", {"label": kind, **self.target_kinds})
        for key in ("train", "validation", "test"):
            split: Split = getattr(self, key)
            values = {"label": split.labels, **split.targets}
            if values.keys() != self.target_kinds.keys():
                what, allowed = f"targets of the {key} split of {self.name}", ", ".join(sorted(self.target_kinds))
                raise invalid(what, ", ".join(sorted(values)), f"those that have a kind: {allowed}")
            self._require_images(split, key)
            split.require(self.target_kinds, f"{key} split of {self.name}")

    def _require_images(self, split: Split, key: str) -> None:
        """Images of the size that the data set says, of a type that can be images."""
        shape, inside = tuple(split.images.shape), f" in the {key} split of {self.name}"
        if len(shape) != 1 + len(self.image_shape):
            spatial = (
                ("points",) if len(self.image_shape) == 2 else ("depth", "height", "width")[4 - len(self.image_shape) :]
            )
            axes = ("n", *spatial, "channels")
            raise misshapen(f"images{inside}", shape, axes, self.image_shape[-1])
        if shape[1:] != tuple(self.image_shape):
            raise invalid(f"size of the images{inside}", shape[1:], f"image_shape, {tuple(self.image_shape)}")
        require_image_dtype(split.images.dtype, inside)

    @property
    def multi_label(self) -> bool:
        """Whether labels are indicators of any number of classes."""
        return self.label_kind == "labels"


class DataConfig(ABC):
    """Options of a data set: frozen dataclasses, whose fields besides ``name`` are the valid config keys."""

    name: str

    @property
    def label_kind(self) -> LabelKind:
        """What labels the data set has, as far as it can be known before loading."""
        return "class"

    def prepared_as(self, preprocessing: Preprocessing) -> "DataConfig":
        """The same data with a preprocessing that is known, such as that of a run; here: as it is."""
        return self

    @abstractmethod
    def load(self) -> Dataset:
        """Reads or makes the data set: the same one for equal configs."""
