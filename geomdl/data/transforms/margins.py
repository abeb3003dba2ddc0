"""Data sets whose images have a margin, of which training cuts windows at random."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from geomdl.data.targets.kinds import MapTarget, TargetKind, ValuesTarget
from geomdl.data.types import Column, Dataset, Example, Indices, Records, Split
from geomdl.errors import invalid
from geomdl.numbers import whole_number


def with_margin(dataset: Dataset, margin: int, *, name: str = "margin") -> Dataset:
    """The same data, of which networks see the centre: the margin is for training, which cuts windows at random.

    Images of 256 × 256 pixels with a margin of 16 become images of 224 × 224: the centres, in every split, for whatever
    looks at them. In training each image of a batch is a window of 224 × 224 of the whole one, at a place drawn
    uniformly, by whole pixels; with ``augmentation.crop_area`` it is a rectangle of the whole one, stretched to 224 ×
    224. Nothing is copied: the centres are views, or are cut when they are read.

    Args:
      dataset: of images, with classes, indicators, label maps or values as targets.
      margin: pixels on each side; 0: nothing is done.
      name: of the margin in errors.

    Returns:
      A data set with smaller images, whose splits have `Split.around`.

    Raises:
      ValueError: a margin that leaves nothing of the images, or there is one already; boxes, volumes, point clouds.

    References:
      Krizhevsky, Sutskever & Hinton, ImageNet classification with deep CNNs, NeurIPS 2012, section 4.1.

    >>> split = Split(np.zeros((3, 8, 8, 1), np.float32), np.array([0, 1, 0], np.int32))
    >>> dataset = Dataset("squares", split, split, split, (8, 8, 1), 2, ("no", "yes"), "drawn")
    >>> with_margin(dataset, 2).train
    Split(3 images 4×4×1 float32, a margin of 2 around)
    """
    whole_number(name, margin, least=0)
    if not margin:
        return dataset
    if len(dataset.image_shape) != 3:
        raise invalid(name, margin, f"0 for {'volumes' if len(dataset.image_shape) == 4 else 'point clouds'}", 0)
    for target, kind in dataset.target_kinds.items():
        if kind.moves and not isinstance(kind, MapTarget | ValuesTarget):
            allowed = (
                f"0 where targets are {kind.description}, such as {target!r}; margins are for classes, indicators of"
            )
            raise invalid(name, margin, f"{allowed} classes, label maps and values", 0)
    height, width, channels = dataset.image_shape
    most = (min(height, width) - 1) // 2
    if margin > most:
        raise invalid(name, margin, f"at most {most} of images of {height}×{width}, so that a pixel is left", most)
    if dataset.train.around is not None:
        raise invalid(name, margin, f"0 where there is one already, of {dataset.train.margin} pixels", 0)
    size = (height - 2 * margin, width - 2 * margin)
    done = dataset.preprocessing
    if done is not None:
        done = dataclasses.replace(done, size=size, margin=margin)
    train, validation, test = (
        _central(split, dataset.target_kinds, margin) for split in (dataset.train, dataset.validation, dataset.test)
    )
    return dataclasses.replace(
        dataset, train=train, validation=validation, test=test, image_shape=(*size, channels), preprocessing=done
    )


def _central(split: Split, kinds: Mapping[str, TargetKind], margin: int) -> Split:
    """The centres of a split, with the split around them."""
    cut = slice(margin, -margin)
    records: dict[int, _Centres] = {}

    def of(values: Any, is_map: bool) -> Any:
        if isinstance(values, Column):
            maps = isinstance(kinds["label"], MapTarget)
            held = records.setdefault(id(values.records), _Centres(values.records, margin, maps))
            return Column(held, values.indices, values.is_image)
        return values[:, cut, cut] if is_map else values

    targets = {name: of(values, isinstance(kinds[name], MapTarget)) for name, values in split.targets.items()}
    labels = of(split.labels, isinstance(kinds["label"], MapTarget))
    return Split(of(split.images, True), labels, targets, split)


class _Centres:
    """Records of which the centre is read (the protocol ``Records``).

    Args:
      whole: what is read from.
      margin: pixels that are cut off at each side.
      maps: whether labels are label maps, of which the centre is read too.
    """

    def __init__(self, whole: Records, margin: int, maps: bool) -> None:
        self._whole, self._inside, self._maps = whole, slice(margin, -margin), maps
        height, width, channels = whole.image_shape
        self.image_shape = (height - 2 * margin, width - 2 * margin, channels)
        self.label_shape: tuple[int, ...] = self.image_shape[:2] if maps else whole.label_shape
        self.image_dtype, self.label_dtype = whole.image_dtype, whole.label_dtype

    def __len__(self) -> int:
        return len(self._whole)

    def read(self, indices: Indices) -> Example:
        """The centres at these places, stacked."""
        found = self._whole.read(indices)
        return {name: self._cut(values) if name != "label" or self._maps else values for name, values in found.items()}

    def read_labels(self, indices: Indices) -> np.ndarray:
        """The labels at these places, or their centres."""
        labels = self._whole.read_labels(indices)
        return self._cut(labels) if self._maps else labels

    def _cut(self, values: np.ndarray) -> np.ndarray:
        return values[:, self._inside, self._inside]
