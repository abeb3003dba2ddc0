"""Arrays of images and labels: an .npz file, or .npy files, which are read from the disk where they are large."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from geomdl.data.sources.numpy_files import looks_like, read_numpy
from geomdl.data.sources.own.image_files import Facts
from geomdl.data.sources.own.label_maps import meaning
from geomdl.data.sources.own.mask_folder import require_map_options
from geomdl.data.sources.own.options import SPLITS, OwnImages, assemble, require_classes_in_train
from geomdl.data.sources.own.records import Collected
from geomdl.data.targets.kinds import ValuesTarget
from geomdl.data.types import Dataset, Indices, LabelKind
from geomdl.errors import invalid, misshapen, nearest, unknown
from geomdl.paths import local_path
from geomdl.representations import FieldType

_IMAGES = ("images", "x", "image", "imgs", "data", "inputs")
_LABELS = ("labels", "y", "label", "targets", "target", "masks", "maps")
_PARTS = {"train": ("train", "training"), "validation": ("validation", "val", "valid"), "test": ("test", "testing")}
_TARGETS = ("class", "labels", "map", "values")
_FILE = (
    "an .npz file, or a folder of .npy files, with images [n, height, width] or [n, height, width, channels] and "
    "labels; with splits: train_images, train_labels, validation_images, …"
)


@dataclass(frozen=True)
class StoredArray:
    """An array in an .npy file, read where it is indexed: what has been read takes no memory afterwards.

    Attributes:
      file: of the array.
      shape: of the array.
      dtype: of the array.
      offset: bytes before the first number.
      order: ``"C"`` or ``"F"``.
    """

    file: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    order: str

    @classmethod
    def of(cls, file: Path) -> "StoredArray":
        """Reads the header.

        Raises:
          ValueError: it is no .npy file, is too short, or has pickled objects.
        """
        try:
            array: Any = np.load(file, mmap_mode="r", allow_pickle=False)
            if not isinstance(array, np.memmap):
                raise ValueError("not of a single array")
        except Exception as error:  # of NumPy, the file system, mmap
            read_numpy(file, _FILE, required=("images",), single=True)  # says what is wrong
            raise ValueError(f"cannot read {file} ({looks_like(file)}); allowed: {_FILE}") from error
        return cls(file, array.shape, array.dtype, array.offset, "C" if array.flags.c_contiguous else "F")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        # Mapped anew each time: what a mapping has read stays in the memory of the process as long as the mapping.
        mapped = np.memmap(self.file, self.dtype, "r", self.offset, self.shape, self.order)  # pyright: ignore
        return np.array(mapped[index])


@dataclass(frozen=True)
class ArrayImages:
    """Images and label maps in arrays, one for each split that is given.

    Attributes:
      parts: of each split: images, and label maps or None.
      names: of the images, for messages.
      channels_first: whether images are ``[channels, height, width]``.
    """

    parts: Sequence[tuple[Any, Any]]
    names: Sequence[str]
    channels_first: bool = False

    @property
    def encoded(self) -> bool:
        """False."""
        return False

    def __len__(self) -> int:
        return sum(len(images) for images, _ in self.parts)

    def images(self, indices: Indices) -> Iterator[np.ndarray]:
        """One after the other, ``[height, width, channels]``."""
        for image in self._read(indices, 0):
            if image.ndim == 2:
                yield image[..., None]
            else:
                yield np.moveaxis(image, 0, -1) if self.channels_first else image

    def label_maps(self, indices: Indices) -> Iterator[np.ndarray]:
        """One after the other, as they are stored."""
        yield from self._read(indices, 1)

    def _read(self, indices: Indices, which: int) -> Iterator[np.ndarray]:
        """Each array is indexed once, for all that is wanted of it."""
        wanted, start, blocks = np.asarray(indices, np.int64), 0, []
        for part in self.parts:
            inside = (wanted >= start) & (wanted < start + len(part[0]))
            blocks.append(iter(part[which][wanted[inside] - start]) if inside.any() else iter(()))
            start += len(part[0])
        ends = np.cumsum([len(images) for images, _ in self.parts])
        for place in np.searchsorted(ends, wanted, side="right"):
            yield next(blocks[place])


class _Numbered(Sequence):
    """``image 0 of train_images``, …: names that take no memory."""

    def __init__(self, parts: Sequence[tuple[str, int]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(count for _, count in self._parts)

    def __getitem__(self, index: Any) -> Any:
        for name, count in self._parts:
            if index < count:
                return f"image {index} of {name}"
            index -= count
        raise IndexError(index)


@dataclass(frozen=True)
class ArraysConfig(OwnImages):
    """Images and labels in an .npz file, or in .npy files of a folder, which are mapped into memory if they are large.

    Images are ``[n, height, width]`` or ``[n, height, width, channels]``, with any number of channels: uint8 or uint16,
    floating point as it is, or any numbers with ``scale``. Labels are, by their shape and type: a class for each image
    (``[n]``, whole numbers or text), several (``[n, classes]``, 0 and 1), label maps (``[n, height, width]``), or real
    numbers (``[n]`` or ``[n, values]``, floating point).

    The arrays are called images and labels (or x and y, …); with splits train_images, train_labels, validation_images
    (val_images), test_images, …, or x_train, …. What is missing is carved from the training images.

    Attributes:
      images: the name of the array of images; None: found. For .npy files that of the file, without the ending.
      labels: likewise of the labels.
      target: what labels are: ``"class"``, ``"labels"``, ``"map"`` or ``"values"``; None: by their shape and type.
      channels_first: images are ``[n, channels, height, width]``.
      values: of the classes 0, 1, … in label maps, as for ``data.name="masks"``.
      ignored: the value of pixels of label maps that are not counted.
      classes: names of the classes.

    Raises:
      ValueError: an option is out of range (at construction); an array is missing or of a shape that cannot be, or a
        label is no class (when loading).

    >>> ArraysConfig(path="cells.npz", size=32, fit="crop").normalize is None
    True
    """

    name: ClassVar[str] = "arrays"  # pyright: ignore[reportIncompatibleVariableOverride]
    images: str | None = None
    labels: str | None = None
    target: str | None = None
    channels_first: bool = False
    values: tuple[int, ...] | None = None
    ignored: int | None = None
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_map_options(self.values, None, self.ignored)
        if self.target is not None and self.target not in _TARGETS:
            raise unknown("data.target", self.target, _TARGETS)

    @property
    def label_kind(self) -> LabelKind:
        """By the shape and type of the labels."""
        if self.target is not None:
            return self.target
        try:
            return _kind(self._arrays()[0][2])
        except (ValueError, OSError):
            return "class"  # `load` says what is wrong

    def load(self) -> Dataset:
        """Looks at the arrays, chooses the splits, and reads what is small."""
        return assemble(self, self.collect())

    def collect(self) -> Collected:
        """What is found; images and label maps are unread."""
        parts = self._arrays()
        for name, images, labels, label_name in parts:
            self._require_shapes(name, images, labels, label_name)
        kind = self.target or _kind(parts[0][2])
        given = [split for (name, images, _, _), split in zip(parts, self._splits(parts), strict=True)
                 for split in [split] * len(images)]  # fmt: skip
        names = _Numbered([(name, len(images)) for name, images, _, _ in parts])
        if kind == "map":
            raw = ArrayImages([(images, labels) for _, images, labels, _ in parts], names, self.channels_first)
            some = (labels[start : start + 64] for _, _, labels, _ in parts for start in range(0, len(labels), 64))
            flat = (_flat(block) for block in some)
            known = meaning(flat, str(self.path), self.values, None, self.ignored, self.classes)
            return self._found(parts, raw, None, given, known.classes, kind, meaning=known)
        raw = ArrayImages([(images, None) for _, images, _, _ in parts], names, self.channels_first)
        labels = np.concatenate([_column(np.asarray(labels[:])) for _, _, labels, _ in parts])
        if kind == "values":
            labels = labels.reshape(len(labels), -1).astype(np.float32)
            numbers = self.classes or tuple(str(i) for i in range(labels.shape[1]))
            target = ValuesTarget(FieldType("O2", f"{labels.shape[1]} trivial"))
            return self._found(parts, raw, labels, given, numbers, kind, target=target)
        if kind == "labels":
            classes = self.classes or tuple(str(i) for i in range(labels.shape[1]))
            return self._found(parts, raw, labels.astype(np.float32), given, classes, kind)
        labels, classes = self._classes(labels, given)
        return self._found(parts, raw, labels, given, classes, kind)

    def _found(self, parts, raw, labels, given, classes, kind, **more: Any) -> Collected:
        if self.classes is not None and labels is not None and kind != "class":
            width = labels.shape[1]
            if len(self.classes) != width:
                raise invalid("data.classes", self.classes, f"{width} names, one for each column of the labels")
        facts = sorted({self._facts(images) for _, images, _, _ in parts}, key=str)
        of_what = f"{len(given)} images with SHA-256 {_digest(parts)}… of some of them"
        return Collected(
            raw, facts, labels, given, tuple(classes), kind,
            f"{Path(str(self.path)).name}, {of_what}, {len(classes)} {'values' if kind == 'values' else 'classes'}",
            **more,
        )  # fmt: skip

    def _facts(self, images: Any) -> Facts:
        shape = images.shape[1:]
        if len(shape) == 3 and self.channels_first:
            shape = (*shape[1:], shape[0])
        return Facts((shape[0], shape[1]), shape[2] if len(shape) == 3 else 1, np.dtype(images.dtype))

    def _splits(self, parts) -> list[str]:
        found = [next((s for s in SPLITS if any(p in name.split("_") for p in _PARTS[s])), "") for name, *_ in parts]
        return found if len(parts) > 1 else [""]

    def _classes(self, labels: np.ndarray, given: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
        """Class indices and names; numbers that are not 0 to K − 1 are put in their order."""
        if labels.ndim == 2:
            labels = labels.argmax(-1)  # one-hot
        if labels.dtype.kind == "f" and (labels == np.round(labels)).all():
            labels = labels.astype(np.int64)
        if labels.dtype.kind not in "iubU":
            raise invalid(f"type of the labels in {self.path}", str(labels.dtype), "whole numbers or text, for classes")
        found, indices = np.unique(labels, return_inverse=True)
        if len(found) < 2:
            raise invalid(f"classes in {self.path}", found.tolist(), "two at least")
        require_classes_in_train(self, labels.astype(str).tolist(), given)
        names = self.classes or tuple(str(value) for value in found)
        if self.classes is not None and found.dtype.kind == "U":
            missing = [str(value) for value in found if value not in self.classes]
            if missing:
                raise invalid("data.classes", self.classes, f"all that are there, also {missing[0]!r}")
            return np.array([self.classes.index(str(value)) for value in labels], np.int32), self.classes
        if found.dtype.kind in "iub" and found[0] >= 0 and found[-1] < len(names):
            return labels.astype(np.int32), names
        if len(names) != len(found):
            raise invalid("data.classes", names, f"a name for each of the {len(found)} classes {found.tolist()[:20]}")
        return indices.reshape(-1).astype(np.int32), names

    def _require_shapes(self, name: str, images: Any, labels: Any, label_name: str) -> None:
        shape = tuple(images.shape)
        if len(shape) not in (3, 4):
            raise misshapen(f"array {name} of {self.path}", shape, ("batch", "height", "width", "channels"))
        first = len(shape) == 4 and shape[1] in (1, 3, 4) and shape[3] not in (1, 2, 3, 4)
        if first and not self.channels_first:
            allowed = "[n, height, width, channels]; the channels seem to come first"
            raise invalid(f"shape of array {name} of {self.path}", shape, allowed, "data.channels_first=True")
        if len(images) != len(labels):
            raise invalid(f"length of array {label_name} of {self.path}", len(labels), f"that of {name}, {len(images)}")
        if not len(images):
            raise invalid(f"length of array {name} of {self.path}", 0, "at least one image")
        if (self.target or _kind(labels)) == "map":
            facts = self._facts(images)
            if tuple(labels.shape[1:3]) != facts.size:
                raise invalid(
                    f"size of the label maps {label_name} of {self.path}", tuple(labels.shape[1:]), f"{facts.size}"
                )

    def _arrays(self) -> list[tuple[str, Any, Any, str]]:
        """Of each split: the name of the images, the images, the labels and their name."""
        if self.path is None or not (place := local_path(self.path, "data.path")).exists():
            raise invalid("data.path", self.path, _FILE)
        stored = _members(place)
        pairs = self._pairs([*stored])
        names = [name for pair in pairs for name in pair]
        if place.is_dir():
            arrays: Mapping[str, Any] = {name: _opened(stored[name]) for name in names}
        else:
            arrays = read_numpy(place, _FILE, required=names)
        return [(images, arrays[images], arrays[labels], labels) for images, labels in pairs]

    def _pairs(self, names: list[str]) -> list[tuple[str, str]]:
        lowered = {name.lower(): name for name in names}
        of_images = (self.images,) if self.images else _IMAGES
        of_labels = (self.labels,) if self.labels else _LABELS

        def find(part: str, wanted: Sequence[str | None]) -> str | None:
            forms = [form for name in wanted for form in (f"{part}_{name}", f"{name}_{part}") if name]
            return next((lowered[form.lower()] for form in forms if form.lower() in lowered), None)

        pairs = []
        for parts in _PARTS.values():
            for part in parts:
                images, labels = find(part, of_images), find(part, of_labels)
                if images and labels:
                    pairs.append((images, labels))
                    break
                if images:
                    close = nearest(images.replace("images", "labels"), [n for n in names if n != images])
                    raise invalid(f"arrays in {self.path}", names, f"labels for {images}", close)
        if pairs:
            return pairs
        images = next((lowered[n.lower()] for n in of_images if n and n.lower() in lowered), None)
        labels = next((lowered[n.lower()] for n in of_labels if n and n.lower() in lowered), None)
        for key, found, wanted in (("images", images, _IMAGES), ("labels", labels, _LABELS)):
            if found is None:
                given = getattr(self, key)
                if given is not None:
                    raise unknown(f"data.{key}", given, names)
                allowed = f"{_FILE} (or {', '.join(wanted[1:])}); say which array it is by data.{key}"
                raise invalid(f"arrays in {self.path}", names, allowed)
        return [(str(images), str(labels))]


def _members(place: Path) -> dict[str, Path]:
    """The names of the arrays, with the files in which they are."""
    if place.is_dir():
        found = {file.stem: file for file in sorted(place.glob("*.npy"))}
        if not found:
            raise invalid("data.path", str(place), f"{_FILE}; the folder has no .npy file")
        return found
    if place.suffix == ".npy":
        raise invalid("data.path", str(place), f"{_FILE}; for .npy files it is their folder", str(place.parent))
    try:
        with np.load(place, allow_pickle=False) as content:
            return dict.fromkeys(content.files, place)
    except Exception:  # of NumPy, zipfile, …
        read_numpy(place, _FILE, required=("images", "labels"))  # says what is wrong
        raise


def _opened(file: Path) -> StoredArray:
    return StoredArray.of(file)


def _kind(labels: Any) -> str:
    """What labels are, by shape and type."""
    shape, real = tuple(labels.shape), labels.dtype.kind == "f"
    if len(shape) >= 3 and shape[1] > 1 and shape[2] > 1:
        return "map"
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return "values" if real else "class"
    values = np.asarray(labels[:])
    if real and not np.isin(values, (0, 1)).all():
        return "values"
    if not np.isin(values, (0, 1)).all():
        raise invalid(
            "labels of the shape", shape, "[n] classes, [n, classes] of 0 and 1, [n, height, width] label maps, "
            "or floating-point [n, values]; data.target says which"
        )  # fmt: skip
    return "class" if (values.sum(-1) == 1).all() else "labels"


def _column(labels: np.ndarray) -> np.ndarray:
    """``[n, 1]`` as ``[n]``."""
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _flat(block: np.ndarray) -> np.ndarray:
    block = np.asarray(block)
    block = block[..., 0] if block.ndim == 4 and block.shape[-1] == 1 else block
    return block.reshape(-1, block.shape[-1])


def _digest(parts: Sequence[tuple[str, Any, Any, str]]) -> str:
    """Of shapes, types, and some images and labels, spread evenly: quick also for what does not fit into memory."""
    result = hashlib.sha256()
    for name, images, labels, label_name in parts:
        for what, array in ((name, images), (label_name, labels)):
            result.update(f"{what}{array.shape}{np.dtype(array.dtype).str}".encode())
            for place in np.unique(np.linspace(0, len(array) - 1, 64).astype(int)).tolist():
                result.update(np.ascontiguousarray(array[place]).tobytes())
    return result.hexdigest()[:12]
