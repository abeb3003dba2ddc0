"""Images, labels and label maps of one's own: what was found, and how they are read when they are asked for."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from geomdl.data.class_indices import IGNORED
from geomdl.data.preprocessing import Preprocessing
from geomdl.data.sources.own.image_files import BrokenFile, Facts, each
from geomdl.data.sources.own.label_maps import MapMeaning
from geomdl.data.targets.kinds import TargetKind
from geomdl.data.types import Example, Indices, LabelKind

_KEPT_BYTES = 2**28


class RawImages(Protocol):
    """Images as they are stored, and their label maps."""

    @property
    def names(self) -> Sequence[str]:
        """Of the images, for messages."""
        ...

    @property
    def encoded(self) -> bool:
        """Whether it takes time to read an image: those of files are decoded."""
        ...

    def __len__(self) -> int: ...

    def images(self, indices: Indices) -> Iterable[np.ndarray]:
        """One after the other, ``[height, width, channels]``."""
        ...

    def label_maps(self, indices: Indices) -> Iterable[np.ndarray]:
        """One after the other, as they are stored."""
        ...


@dataclass(frozen=True)
class Collected:
    """What was found.

    Attributes:
      raw: the images.
      facts: of the images; one for all if they are an array.
      labels: of all images; None where they are label maps.
      given: the split of each image; "" where it is to be chosen.
      classes: their names.
      kind: of the labels.
      what: in words, with a digest of what it is, for the provenance.
      meaning: of the values of label maps.
      target: the kind of target where the name of the kind does not say it.
      left_out: the files that cannot be read, with what is wrong with them.
      place_boxes: makes the labels of images that are prepared in some way, and says what it leaves out; None where
        labels do not depend on that.
    """

    raw: RawImages
    facts: Sequence[Facts]
    labels: Any
    given: Sequence[str]
    classes: tuple[str, ...]
    kind: LabelKind
    what: str
    meaning: MapMeaning | None = None
    target: TargetKind | None = None
    left_out: Sequence[BrokenFile] = ()
    place_boxes: Callable[[Preprocessing], tuple[Any, str]] | None = None


def chosen(labels: Any, indices: Any) -> Any:
    """The labels at these places: of an array, or of each array of a tree.

    >>> chosen({"classes": np.array([3, 5, 7])}, [2, 0])["classes"].tolist()
    [7, 3]
    """
    if isinstance(labels, Mapping):
        return {name: chosen(values, indices) for name, values in labels.items()}
    return labels[indices]


class ImageRecords:
    """Images and label maps of one's own, read, brought to size and normalised when asked for (a `Records`)."""

    def __init__(self, found: Collected, preprocessing: Preprocessing, first: int) -> None:
        self._raw, self._labels, self._meaning = found.raw, found.labels, found.meaning
        self._preprocessing = preprocessing
        self._keeps, self._kept = False, dict[int, np.ndarray]()
        image = self._prepared(next(iter(found.raw.images([first]))), first)
        height, width, channels = image.shape
        self.image_shape, self.image_dtype = (height, width, channels), image.dtype
        whole = found.labels if isinstance(found.labels, np.ndarray) else None  # boxes are in memory, and not read here
        self.label_shape: tuple[int, ...] = (height, width) if whole is None else whole.shape[1:]
        self.label_dtype = np.dtype(np.int32) if whole is None else whole.dtype

    def __len__(self) -> int:
        return len(self._raw)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_kept": {}}  # each process that reads keeps its own

    def keep_some(self) -> None:
        """Keeps what is decoded first, up to some memory: the order is random, so any images are as good as others."""
        self._keeps = self._raw.encoded

    def read(self, indices: Indices) -> Example:
        """The images and labels at these places, stacked."""
        return Example(image=self.read_images(indices), label=self.read_labels(indices))

    def read_images(self, indices: Indices) -> np.ndarray:
        """The images at these places."""
        images = np.empty((len(indices), *self.image_shape), self.image_dtype)
        missing = []
        for place, index in enumerate(indices):
            kept = self._kept.get(int(index))
            if kept is None:
                missing.append(place)
            else:
                images[place] = kept
        wanted = [int(indices[place]) for place in missing]
        for place, index, raw in zip(missing, wanted, self._raw.images(wanted), strict=True):
            image = self._prepared(raw, index)
            if image.shape != self.image_shape or image.dtype != self.image_dtype:
                raise _changed(self._raw.names[index], image, self.image_shape, self.image_dtype)
            images[place] = image
            if self._keeps and (len(self._kept) + 1) * image.nbytes <= _KEPT_BYTES:
                self._kept[index] = image
        return images

    def read_labels(self, indices: Indices) -> np.ndarray:
        """The labels at these places; images stay encoded."""
        if self._labels is not None:
            return chosen(self._labels, np.asarray(indices, np.int64))
        maps = np.empty((len(indices), *self.label_shape), self.label_dtype)
        for place, (index, raw) in enumerate(zip(indices, self._raw.label_maps(indices), strict=True)):
            labels = self._meaning.label_map(raw, self._raw.names[int(index)])  # pyright: ignore[reportOptionalMemberAccess]
            maps[place] = self._preprocessing.label_map(labels, IGNORED)
        return maps

    def statistics(self, indices: Indices) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of every channel, of images in [0, 1]: the same numbers however they are read."""

        def sums(index: int) -> tuple[int, np.ndarray, np.ndarray]:
            pixels = self._preprocessing.pixels(next(iter(self._raw.images([index]))))
            values = self._preprocessing.normalized(pixels).astype(np.float64)
            return pixels.shape[0] * pixels.shape[1], values.sum((0, 1)), (values**2).sum((0, 1))

        found = each(sums, list(indices))
        count = sum(pixels for pixels, _, _ in found)
        means = [math.fsum(column) / count for column in zip(*(total for _, total, _ in found), strict=True)]
        squares = [math.fsum(column) / count for column in zip(*(total for _, _, total in found), strict=True)]
        stds = [math.sqrt(max(square - mean**2, 0.0)) for mean, square in zip(means, squares, strict=True)]
        return _short(means), tuple(std or 1.0 for std in _short(stds))

    def _prepared(self, raw: np.ndarray, index: int) -> np.ndarray:
        try:
            return self._preprocessing.stored(raw)
        except ValueError as error:
            name = self._raw.names[index]
            raise ValueError(str(error) if name in str(error) else f"{name}: {error}") from error


def _changed(name: str, image: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> ValueError:
    return ValueError(
        f"invalid image {name}, of {image.shape} {image.dtype}; allowed: {shape} {dtype}, as the others; "
        "data.size brings images to one size"
    )


def _short(numbers: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{value:.7g}") for value in numbers)
