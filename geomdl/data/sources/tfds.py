"""Data sets of TensorFlow Datasets with labels, masks or boxes, from a prepared folder, without TensorFlow."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging as absl_logging

from geomdl.data.checks import number
from geomdl.data.preprocessing import Preprocessing
from geomdl.data.sources.masks import MASKS, MaskClasses
from geomdl.data.sources.own.annotations import BAD_BOXES
from geomdl.data.sources.own.voc import PIXELS
from geomdl.data.sources.splits import stratified_split
from geomdl.data.sources.tfds_boxes import BoxObjects, box_sequences
from geomdl.data.sources.tfds_faults import corrupt
from geomdl.data.sources.tfds_folders import PREFIX, find_prepared
from geomdl.data.sources.tfds_records import CHUNK, TFDSRecords
from geomdl.data.transforms.margins import with_margin
from geomdl.data.types import Column, DataConfig, Dataset, Example, LabelKind, Split
from geomdl.errors import invalid, unknown
from geomdl.numbers import check_numbers, whole_number

_IN_MEMORY_BYTES = 2**30

# TFDS recommends OpenCV each time it decodes with Pillow; that is a matter of taste, not a warning to act on.
absl_logging.get_absl_logger().addFilter(lambda record: "OpenCV is not installed" not in str(record.msg))


@dataclass(frozen=True)
class TFDSConfig(DataConfig):
    """A builder of TensorFlow Datasets with one image and one class label (or a set of labels: multi-label), a mask for
    segmentation, or objects with boxes, per example.

    A mask is an image of the same size whose pixel values stand for classes. What they stand for is known for
    ``tfds:oxford_iiit_pet`` (``label_key="segmentation_mask"``) and for masks of the kind ``LabeledImage``; elsewhere
    ``mask_values`` says it. Masks are brought to ``size`` like images, by nearest pixels.

    Objects are a sequence with a box (`tfds.features.BBoxFeature`), and with a class label where there are several
    classes: ``objects`` of ``tfds:voc/2007`` and ``tfds:coco/2017``. They are taken where the builder is supervised by
    no label and ``label_key`` names no other, and become boxes in pixels as those of `geomdl.data.VOCConfig`;
    ``is_difficult`` (VOC), ``is_crowd`` (COCO) and ``is_group_of`` (Open Images) make them difficult. All records are
    read once in loading, images undecoded. A test set that is published without boxes (of VOC 2012 and COCO 2017) is
    left out.

    Published splits are kept: "test" is the test set ("validation" where there is no "test"), and a published
    "validation" beside a "test" is the validation set. What is missing is carved from "train", stratified by class
    (at random where labels are masks), with the seed ``split_seed``: the validation set as ``validation_fraction`` of
    "train", the test set as ``test_fraction`` of it. Boxes have no strata, as masks have none.

    Attributes:
      name: ``"tfds:<builder>"``, ``"tfds:<builder>/<config>"``, with ``":<version>"`` where it matters.
      data_dir: folder with the prepared data; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets.
      size: side to which images are brought (central square, Pillow's antialiased bicubic); None: as they are. Needed
        where the builder's images differ in size.
      margin: pixels on each side of images brought to ``size`` into which only training reaches; see
        `geomdl.data.with_margin`. 16 with ``size=256``: networks take 224 pixels.
      label_key: the feature that is the label; None: the one that the builder is supervised by.
      mask_values: the pixel values that are the classes 0, 1, …, in this order; None where it is known.
      mask_ignored: the pixel value of what is to be ignored in masks; None: there is none.
      bad_boxes: ``"refuse"`` or ``"drop"``, see `geomdl.data.VOCConfig`.
      visible: boxes of which less than this share is left in the central square are left out; in [0, 1).
      pixels: what the numbers of boxes are, times the size of the image: ``"edges"``, or first and last pixels,
        ``"inclusive"`` or ``"inclusive0"``, see `geomdl.data.VOCConfig`; None: ``"inclusive"`` for ``tfds:voc``, which
        divides the numbers of the XML files by the size, else edges.
      train_size: training images, a nested stratified subset; None: all.
      validation_fraction: of the published training set, in (0, 1).
      test_fraction: of the published training set, in (0, 1); used where no test set is published.
      split_seed: which stratified split.
      in_memory: True: decode everything when loading; False: read on demand; None: in memory up to 1 GiB.

    Raises:
      ValueError: an option is out of range (at construction); the data set is not prepared, corrupt, or not one of
        image classification (when loading).
    """

    name: str  # pyright: ignore[reportIncompatibleVariableOverride]
    data_dir: str | None = None
    size: int | None = None
    label_key: str | None = None
    mask_values: tuple[int, ...] | None = None
    mask_ignored: int | None = None
    bad_boxes: str = "refuse"
    visible: float = 0.25
    pixels: str | None = None
    train_size: int | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    split_seed: int = 0
    in_memory: bool | None = None
    margin: int = 0

    def __post_init__(self):
        if not self.name.startswith(PREFIX) or not self.name.removeprefix(PREFIX):
            raise invalid("data.name", self.name, "'tfds:<builder>' or 'tfds:<builder>/<config>'", "tfds:mnist")
        check_numbers(self, "data", several=True)
        for key in ("size", "train_size"):
            if getattr(self, key) is not None:
                whole_number(f"data.{key}", getattr(self, key))
        for value in (*(self.mask_values or ()), *(() if self.mask_ignored is None else (self.mask_ignored,))):
            whole_number("data.mask_values, data.mask_ignored", value, least=0, most=255)
        for key in ("validation_fraction", "test_fraction"):
            number(f"data.{key}", getattr(self, key), below=1.0)
            if getattr(self, key) == 0:
                raise invalid(f"data.{key}", 0, "a fraction of the training set in (0, 1)", 0.1)
        if self.validation_fraction + self.test_fraction >= 1:
            raise invalid(
                "data.validation_fraction + data.test_fraction",
                self.validation_fraction + self.test_fraction,
                "less than 1, so that training images remain",
            )
        whole_number("data.split_seed", self.split_seed, least=0)
        whole_number("data.margin", self.margin, least=0)
        if self.bad_boxes not in BAD_BOXES:
            raise unknown("data.bad_boxes", self.bad_boxes, BAD_BOXES)
        number("data.visible", self.visible, below=1.0)
        if self.pixels is not None and self.pixels not in PIXELS:
            raise unknown("data.pixels", self.pixels, PIXELS)

    @property
    def label_kind(self) -> LabelKind:
        """By the prepared folder: ``"map"`` where labels are images, ``"boxes"`` where they are objects."""
        try:
            where = find_prepared(self.name.removeprefix(PREFIX), self.data_dir)
            if self._objects(where) is not None:
                return "boxes"
            label = _features(where)[str(self.label_key)]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "class"  # `load` says what is wrong
        return "map" if "image" in label["pythonClassName"].rpartition(".")[2].lower() else "class"

    def _objects(self, where: Path) -> str | None:
        """The feature whose objects are the labels, by the files of a prepared folder; None: labels are none."""
        features = _features(where)
        found = box_sequences(features)
        if self.label_key is not None:
            return self.label_key if self.label_key in found else None
        supervised = json.loads((where / "dataset_info.json").read_bytes()).get("supervisedKeys")
        return found[0] if len(found) == 1 and not supervised and "label" not in features else None

    def load(self) -> Dataset:
        """Opens the prepared folder, splits it, and decodes it where it is small."""
        builder = self._builder()
        image_key, label_key = self._keys(builder)
        published = self._published(builder)
        train, left_out, objects = published["train"], "", self._boxes(builder)
        preprocessing = Preprocessing(train.image_shape[2], None if self.size is None else (self.size, self.size))
        whole = {name: _whole(records) for name, records in published.items()}
        if objects is not None:
            how = {"drop": self.bad_boxes == "drop", "visible": self.visible}
            labels, left_out = objects.labels(builder, list(published), image_key, preprocessing, **how)
            whole = {name: Split(whole[name].images, held) for name, held in labels.items()}
        splits, carved = self._split(whole)
        total = sum(split.images.nbytes for split in splits.values())
        if self.in_memory or (self.in_memory is None and total <= _IN_MEMORY_BYTES):
            splits = {name: _decode(split) for name, split in splits.items()}
        label, masks = builder.info.features[label_key], self._masks(builder, label_key)
        if objects is not None:
            kind, names = "boxes", objects.classes
        else:
            kind = "map" if masks else "labels" if train.label_shape else "class"
            names = masks.classes if masks else getattr(label, "names", None) or label.feature.names
        dataset = Dataset(
            name=self.name,
            image_shape=train.image_shape,
            num_classes=len(names),
            classes=tuple(names),
            label_kind=kind,
            provenance=(
                f"TensorFlow Datasets {builder.info.full_name}"
                + (f", images brought to {self.size}×{self.size}" if self.size else "")
                + left_out
                + (f"; {carved}" if carved else "; splits as published")
                + f": {len(splits['train'])} training, {len(splits['validation'])} validation and "
                f"{len(splits['test'])} test images; {' '.join(builder.info.citation.split())}"
            ),
            train=splits["train"],
            validation=splits["validation"],
            test=splits["test"],
            preprocessing=preprocessing,
        )
        return with_margin(dataset, self.margin, name="data.margin")

    def load_published(self) -> dict[str, Split]:
        """The published splits ("train", and "validation" and "test" where they exist), as they are, in memory."""
        return {name: _decode(_whole(records)) for name, records in self._published(self._builder()).items()}

    def _published(self, builder: Any) -> dict[str, TFDSRecords]:
        image_key, label_key = self._keys(builder)
        masks = self._masks(builder, label_key)
        label_key = label_key if self._boxes(builder) is None else None
        published = {
            name: TFDSRecords(builder, name, image_key, label_key, self.size, masks)
            for name in ("train", "validation", "test")
            if name in builder.info.splits and builder.info.splits[name].num_examples
        }
        if "train" not in published:
            raise invalid(
                "data.name", self.name, f"a data set with a split 'train'; this has {', '.join(builder.info.splits)}"
            )
        return published

    def _builder(self) -> Any:
        where = find_prepared(self.name.removeprefix(PREFIX), self.data_dir)
        from tensorflow_datasets import builder_from_directory

        try:
            json.loads((where / "dataset_info.json").read_bytes())
            builder: Any = builder_from_directory(where)
            lengths = {name: split.num_examples for name, split in builder.info.splits.items()}
            for name in lengths:
                source = builder.as_data_source(name, decoders=None)
                source.__getitems__([0, lengths[name] - 1] if lengths[name] else [])
        except Exception as error:  # one of many from json, protobuf, array_record and TFDS
            raise corrupt(where, "it cannot be opened", error) from error
        return builder

    def _keys(self, builder: Any) -> tuple[str, str]:
        import tensorflow_datasets as tfds

        features = dict(builder.info.features.items())
        wanted = "one image and a class label, a sequence of class labels, or one sequence of objects with boxes"
        supervised = builder.info.supervised_keys or ("image", "label")
        image_key, label_key = supervised[0], self.label_key or supervised[1]
        kinds = {key: type(feature).__name__ for key, feature in features.items()}
        label = features.get(label_key) if isinstance(label_key, str) else None
        labels = [k for k, f in features.items() if isinstance(getattr(f, "feature", f), tfds.features.ClassLabel)]
        labels += box_sequences(_features(Path(builder.info.data_dir)))
        is_mask = isinstance(label, tfds.features.Image) and label_key != image_key
        if (objects := self._objects(Path(builder.info.data_dir))) is not None:
            label_key = objects
        elif not is_mask and not isinstance(getattr(label, "feature", label), tfds.features.ClassLabel):
            if self.label_key and labels:
                raise invalid("data.label_key", label_key, f"a class label of {self.name}", ", ".join(labels))
            raise invalid("data.name", self.name, f"a data set with {wanted}; this has {kinds}")
        if not isinstance(image_key, str) or not isinstance(features.get(image_key), tfds.features.Image):
            raise invalid("data.name", self.name, f"a data set with {wanted}; this has {kinds}")
        if None in features[image_key].shape and self.size is None:
            raise invalid(
                "data.size", None, f"the side to which the images of {self.name}, of several sizes, are brought", 64
            )
        return image_key, label_key

    def _boxes(self, builder: Any) -> BoxObjects | None:
        """The objects that are the labels; None where labels are none."""
        key = self._objects(Path(builder.info.data_dir))
        return None if key is None else BoxObjects.of(builder, key, self.pixels)

    def _masks(self, builder: Any, label_key: str) -> MaskClasses | None:
        """What the values of the masks mean; None where labels are no masks."""
        import tensorflow_datasets as tfds

        label = builder.info.features[label_key]
        if not isinstance(label, tfds.features.Image):
            return None
        known = MASKS.get(builder.info.name)
        if self.mask_values is not None:
            return MaskClasses(tuple(map(str, self.mask_values)), self.mask_values, self.mask_ignored)
        if isinstance(label, tfds.features.LabeledImage):
            return MaskClasses(tuple(label.names), tuple(range(len(label.names))), self.mask_ignored)
        if known is None:
            allowed = f"the pixel values that the classes have in the masks {label_key!r} of {self.name}"
            raise invalid("data.mask_values", None, allowed, (0, 1))
        return known

    def _split(self, splits: dict[str, Split]) -> tuple[dict[str, Split], str]:
        whole = splits["train"]
        test = splits.get("test") or splits.get("validation")
        validation = splits.get("validation") if "test" in splits else None
        if test and validation and self.train_size is None:
            return {"train": whole, "validation": validation, "test": test}, ""
        sizes = (
            0 if test else max(1, round(self.test_fraction * len(whole))),
            0 if validation else max(1, round(self.validation_fraction * len(whole))),
        )
        remain = len(whole) - sum(sizes)
        if remain < 1:
            raise invalid("data.name", self.name, f"a data set with enough training images; this has {len(whole)}")
        if self.train_size is not None:
            whole_number("data.train_size", self.train_size, most=remain)
        has_strata = not isinstance(whole.labels, Mapping) and len(whole.labels.shape) < 3
        if not has_strata:
            labels = np.zeros(len(whole), np.int32)  # masks and boxes have no strata
        else:
            labels = np.asarray(whole.labels)
            whole = Split(whole.images, labels)  # once read, kept
        parts = stratified_split(labels, (*sizes, self.train_size or remain), self.split_seed)
        test_part, validation_part, train = (whole.subset(np.sort(part)) for part in parts)
        carved = [name for name, size in zip(("test", "validation"), sizes, strict=True) if size]
        how = f"{' and '.join(carved)} split carved from 'train'" if carved else "training set a subset"
        result = {"train": train, "validation": validation or validation_part, "test": test or test_part}
        stratified = "stratified" if has_strata else "at random"
        return result, f"{how}, {stratified} with seed {self.split_seed}"


def _features(where: Path) -> Mapping[str, Any]:
    """What the prepared folder says of each feature of an example."""
    return json.loads((where / "features.json").read_bytes())["featuresDict"]["features"]


def _whole(records: TFDSRecords) -> Split:
    everything = np.arange(len(records))
    return Split(Column(records, everything, is_image=True), Column(records, everything, is_image=False))


def _chunks(split: Split) -> Iterator[Example]:
    for start in range(0, len(split), CHUNK):
        yield split.gather(np.arange(start, min(start + CHUNK, len(split))))


def _decode(split: Split) -> Split:
    """The same examples, in memory."""
    images = np.empty(split.images.shape, split.images.dtype)
    if isinstance(split.labels, Mapping):  # boxes, which are in memory
        for start in range(0, len(split), CHUNK):
            images[start : start + CHUNK] = split.images[start : start + CHUNK]
        return Split(images, split.labels)
    labels = np.empty(split.labels.shape, split.labels.dtype)
    start = 0
    for chunk in _chunks(split):
        stop = start + len(chunk["label"])
        images[start:stop], labels[start:stop] = chunk["image"], chunk["label"]
        start = stop
    return Split(images, labels)
