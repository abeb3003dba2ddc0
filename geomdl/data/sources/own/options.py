"""The options that all data sets of one's own share, and how images, labels and splits become a `Dataset`."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geomdl.data.checks import number
from geomdl.data.preprocessing import FITS, IMAGENET, Preprocessing
from geomdl.data.sources.own.image_files import BrokenFile, each
from geomdl.data.sources.own.records import Collected, ImageRecords, chosen
from geomdl.data.sources.splits import stratified_split
from geomdl.data.transforms.margins import with_margin
from geomdl.data.types import Column, DataConfig, Dataset, Split
from geomdl.errors import invalid, nearest, unknown
from geomdl.numbers import check_numbers, whole_number

SPLITS = ("train", "validation", "test")
"""The splits of a data set."""

SPLIT_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders, columns and arrays call them."""

CHANNELS = {"grey": 1, "gray": 1, "rgb": 3, "rgba": 4}

_IN_MEMORY_BYTES = 2**30
_CHUNK = 256


@dataclass(frozen=True)
class OwnImages(DataConfig):
    """What every data set of one's own can be told.

    Attributes:
      path: of the file or folder.
      size: what images are brought to: pixels a side, or (height, width); None: as they are, if they are of one size.
      margin: pixels on each side of images brought to ``size`` into which only training reaches, which cuts windows of
        ``size`` less both margins at random; elsewhere the centre stands for the image. 16 with ``size=256``: windows
        of 224 pixels. See `geomdl.data.with_margin`.
      fit: how: ``"cover"`` (scaled, then the centre), ``"contain"`` (scaled and padded), ``"stretch"``, ``"crop"`` (the
        centre, not scaled), ``"pad"`` (not scaled); see `geomdl.data.Preprocessing`, which also says what becomes of
        colours and opacity.
      channels: ``"grey"``, ``"rgb"`` or ``"rgba"``, into which images are converted, or how many bands they must have;
        None: grey where all images are grey, RGB where grey, RGB and RGBA come together, else what they are (RGBA
        files are taken as RGB: opacity is an input only where ``"rgba"`` is asked for).
      scale: the value that becomes 1; None: the largest of uint8 and uint16, 1 for floating point.
      normalize: None; ``"imagenet"`` (means and standard deviations of its RGB images); ``"train"`` (of this training
        set, channel by channel); or ((mean, …), (std, …)). The numbers are kept with a run.
      train_size: training images, a nested stratified subset; None: all.
      validation_fraction: of the images without a given split, where no validation set is given; in (0, 1).
      test_fraction: likewise.
      split_seed: which stratified split.
      in_memory: True: decode everything when loading; False: read on demand, and keep up to 256 MiB of what has been
        decoded; None: in memory up to 1 GiB.
      broken: what to do about images that cannot be read: ``"refuse"``, or ``"skip"``: leave them out, and count them;
        every file is then decoded once in loading.
    """

    path: str | None = None
    size: int | tuple[int, int] | None = None
    fit: str = "cover"
    channels: str | int | None = None
    scale: float | None = None
    normalize: str | tuple[tuple[float, ...], ...] | None = None
    train_size: int | None = None
    validation_fraction: float = 0.15
    test_fraction: float = 0.15
    split_seed: int = 0
    in_memory: bool | None = None
    broken: str = "refuse"
    margin: int = 0

    def __post_init__(self) -> None:
        check_numbers(self, "data", several=True)
        for side in self.size if isinstance(self.size, tuple) else () if self.size is None else (self.size,):
            whole_number("data.size", side)
        if self.fit not in FITS:
            raise unknown("data.fit", self.fit, FITS)
        if self.channels is not None:
            if isinstance(self.channels, str) and self.channels.lower() not in CHANNELS:
                raise unknown("data.channels", self.channels, [*CHANNELS, "a number of bands"])
            if not isinstance(self.channels, str):
                whole_number("data.channels", self.channels)
        if self.scale is not None:
            number("data.scale", self.scale)
        self._require_normalization()
        if self.train_size is not None:
            whole_number("data.train_size", self.train_size)
        for key in ("validation_fraction", "test_fraction"):
            number(f"data.{key}", getattr(self, key), below=1.0)
            if not getattr(self, key) > 0:
                raise invalid(f"data.{key}", getattr(self, key), "a number between 0 and 1", 0.15)
        whole_number("data.split_seed", self.split_seed, least=0)
        whole_number("data.margin", self.margin, least=0)
        if self.broken not in ("refuse", "skip"):
            raise unknown("data.broken", self.broken, ("refuse", "skip"))

    def _require_normalization(self) -> None:
        given = self.normalize
        if not isinstance(given, str | tuple | None):
            raise invalid("data.normalize", given, "'imagenet', 'train' or ((mean, …), (std, …))", "'train'")
        if isinstance(given, str) and given not in ("imagenet", "train"):
            raise unknown("data.normalize", given, ["imagenet", "train"], also=["((mean, …), (std, …))"])
        if isinstance(given, tuple) and (len(given) != 2 or len(given[0]) != len(given[1]) or not given[0]):
            raise invalid("data.normalize", given, "((mean, …), (std, …)), one number for each channel", IMAGENET)
        if given == "imagenet" and self.channels not in (None, 3, "rgb"):
            raise invalid("data.normalize", given, "for RGB images; with others: 'train', or numbers", "'train'")
        if isinstance(given, tuple):
            Preprocessing(mean=given[0], std=given[1])

    def prepared_as(self, preprocessing: Preprocessing) -> "OwnImages":
        """The same data, normalised by the numbers of a run where the config says ``"train"``."""
        if self.normalize != "train" or not preprocessing.mean:
            return self
        return dataclasses.replace(self, normalize=(preprocessing.mean, preprocessing.std))

    @property
    def _target_size(self) -> tuple[int, int] | None:
        if self.size is None or isinstance(self.size, tuple):
            return self.size
        return self.size, self.size


def assemble(options: OwnImages, found: Collected) -> Dataset:
    """The data set of what was found.

    Raises:
      ValueError: images are of several sizes or types without a rule, splits do not work out, or a class has no image.
    """
    _require_one_kind(options, found)
    channels = _channels(options, found)
    plain = Preprocessing(channels, options._target_size, options.fit, options.scale)  # pyright: ignore[reportArgumentType]
    if found.place_boxes is not None:
        labels, without = found.place_boxes(plain)
        found = dataclasses.replace(found, labels=labels, what=found.what + without)
    parts, how = split_up(options, found)
    _require_trained_classes(options, found, parts["train"])
    preprocessing = plain
    if options.normalize is not None:
        if options.normalize == "imagenet" and channels != 3:
            raise invalid(
                "data.normalize", "imagenet", f"for RGB images; these have {channels} channels", "data.channels='rgb'"
            )
        normalize = IMAGENET if options.normalize == "imagenet" else options.normalize
        first = ImageRecords(found, plain, int(parts["train"][0]))
        mean, std = first.statistics(parts["train"]) if isinstance(normalize, str) else normalize
        if len(mean) != first.image_shape[2]:
            raise invalid("data.normalize", normalize, f"a number for each of {first.image_shape[2]} channels")
        preprocessing = dataclasses.replace(plain, mean=tuple(mean), std=tuple(std))
    records = ImageRecords(found, preprocessing, int(parts["train"][0]))
    splits = {name: _lazy(records, found, part) for name, part in parts.items()}
    total = sum(split.images.nbytes for split in splits.values())
    if options.in_memory or (options.in_memory is None and total <= _IN_MEMORY_BYTES):
        splits = {name: _decoded(records, parts[name], split) for name, split in splits.items()}
    else:
        records.keep_some()
    sizes = ", ".join(f"{len(splits[name])} {word}" for name, word in
                      zip(SPLITS, ("training", "validation", "test"), strict=True))  # fmt: skip
    dataset = Dataset(
        name=options.name,
        **splits,
        image_shape=records.image_shape,
        num_classes=len(found.classes),
        classes=found.classes,
        provenance=f"{found.what}; {preprocessing}; {how}: {sizes} images" + _left_out(found.left_out),
        label_kind=found.kind,
        target_kinds={} if found.target is None else {"label": found.target},
        preprocessing=preprocessing,
        names={name: [found.raw.names[int(i)] for i in part] for name, part in parts.items()},
    )
    return with_margin(dataset, options.margin, name="data.margin")


def _require_one_kind(options: OwnImages, found: Collected) -> None:
    """Refuses images of several sizes where nothing says what becomes of them, and of several types."""
    sizes = count_of([fact.size for fact in found.facts])
    if options.size is None and len(sizes) > 1:
        shown = "; ".join(f"{h}×{w} ({n} images, e.g. {_example(found, (h, w))})" for (h, w), n in [*sizes.items()][:3])
        most = max(sizes, key=lambda size: sizes[size])
        rule = f"data.size={most if most[0] != most[1] else most[0]} with data.fit, one of {', '.join(FITS)}"
        raise ValueError(
            f"the images of {options.path} are of {len(sizes)} sizes: {shown}; allowed: one size, or a rule that "
            f"brings them to one: {rule}"
        )
    if len(sizes) > 1 and options.fit in ("crop", "pad"):
        height, width = options._target_size or (0, 0)
        wrong = [
            s for s in sizes
            if (s[0] < height or s[1] < width if options.fit == "crop" else s[0] > height or s[1] > width)
        ]  # fmt: skip
        if wrong:
            bound, other = ("at least", "cover") if options.fit == "crop" else ("at most", "contain")
            raise invalid(
                "data.fit", options.fit, f"images of {bound} {height}×{width} pixels, but "
                f"{_example(found, wrong[0])} has {wrong[0][0]}×{wrong[0][1]}", f"'{other}'"
            )  # fmt: skip
    types = count_of([str(fact.dtype) for fact in found.facts])
    if len(types) > 1 and options.scale is None and options.normalize is None:
        few = min(types, key=lambda name: types[name])
        index = next(i for i, fact in enumerate(found.facts) if str(fact.dtype) == few)
        raise invalid(
            f"type of the numbers of {found.raw.names[index]}", few,
            f"one type for all of {options.path}; there are " + ", ".join(f"{n} of {t}" for t, n in types.items())
            + "; or data.normalize, with which all are taken as floating point"
        )  # fmt: skip


def count_of(values: Sequence) -> dict:
    """How often each value is there, in the order of the values."""
    return dict(sorted(Counter(values).items()))


def _example(found: Collected, size: tuple[int, int]) -> str:
    return found.raw.names[next(i for i, fact in enumerate(found.facts) if fact.size == size)]


def _channels(options: OwnImages, found: Collected) -> int:
    """How many the network gets, by what is asked for and what is there."""
    there = sorted({fact.channels for fact in found.facts})
    if options.channels is not None:
        return CHANNELS[options.channels.lower()] if isinstance(options.channels, str) else options.channels
    if len(found.facts) == 1 and len(found.raw) > 1:  # an array: as it is
        return there[0]
    if set(there) <= {1, 2}:
        return 1
    if set(there) <= {1, 2, 3, 4}:
        return 3
    if len(there) > 1:
        raise invalid(f"numbers of channels of the images of {options.path}", there, "one number of bands for all")
    return there[0]


def split_up(options: OwnImages, found: Collected) -> tuple[dict[str, np.ndarray], str]:
    """The images of each split, and in words how they were chosen."""
    given = np.asarray(found.given)
    fixed = {name: np.flatnonzero(given == name) for name in SPLITS}
    pool = np.flatnonzero((given == "") | (given == "train"))
    missing = [name for name in ("test", "validation") if not len(fixed[name])]
    fractions = {"test": options.test_fraction, "validation": options.validation_fraction}
    sizes = [max(1, round(fractions[name] * len(pool))) for name in missing]
    remain = len(pool) - sum(sizes)
    if remain < 1:
        raise invalid(
            "data.path", options.path, f"at least 3 images, to train, validate and test on; found {len(given)}"
        )
    if options.train_size is not None:
        whole_number("data.train_size", options.train_size, most=remain)
    if not missing and options.train_size is None:
        return {"train": pool, **{name: fixed[name] for name in ("validation", "test")}}, "splits as given"
    stratified = found.labels is not None and found.kind in ("class", "labels")
    labels = found.labels[pool] if stratified else np.zeros(len(pool), np.int32)
    pieces = stratified_split(labels, (*sizes, options.train_size or remain), options.split_seed)
    taken = dict(zip([*missing, "train"], (pool[np.sort(piece)] for piece in pieces), strict=True))
    parts = {name: taken.get(name, fixed[name]) for name in SPLITS}
    carved = " and ".join(f"{fractions[name]:.3g} {name}" for name in missing)
    from_what = "carved from the training images" if (given == "train").any() else "carved from all"
    how = f"{carved} {from_what}" if missing else "splits as given, the training set a part"
    return parts, f"{how}, {'stratified' if stratified else 'at random'} with seed {options.split_seed}"


def _require_trained_classes(options: OwnImages, found: Collected, train: np.ndarray) -> None:
    """Refuses a class of which no image is left to train on."""
    if found.labels is None or found.kind not in ("class", "labels") or options.train_size is not None:
        return
    here, everywhere = (
        np.bincount(labels, minlength=len(found.classes)) if found.kind == "class" else labels.sum(0)
        for labels in (found.labels[train], found.labels)
    )
    for name, left, count in zip(found.classes, here, everywhere, strict=True):
        if not left:
            raise invalid(
                f"number of images of class {name!r} in {options.path}",
                int(count),
                "enough for the training set to have some, 3 at least; or give the splits"
                if count
                else "at least one: data.classes names only what is there",
            )


def _lazy(records: ImageRecords, found: Collected, part: np.ndarray) -> Split:
    images = Column(records, part, is_image=True)
    labels = Column(records, part, is_image=False) if found.labels is None else chosen(found.labels, part)
    return Split(images, labels)  # pyright: ignore[reportArgumentType]


def _decoded(records: ImageRecords, part: np.ndarray, split: Split) -> Split:
    """The same examples, in memory."""
    images = np.empty(split.images.shape, split.images.dtype)
    maps = np.empty(split.labels.shape, split.labels.dtype) if isinstance(split.labels, Column) else None

    def fill(start: int) -> None:
        chunk = part[start : start + _CHUNK]
        images[start : start + _CHUNK] = records.read_images(chunk)
        if maps is not None:
            maps[start : start + _CHUNK] = records.read_labels(chunk)

    each(fill, range(0, len(part), _CHUNK))
    return Split(images, split.labels if maps is None else maps)


def require_classes_in_train(options: OwnImages, found: Sequence[str], given: Sequence[str]) -> None:
    """Refuses classes that only the validation or the test set has."""
    if not any(given):
        return
    train = sorted({label for label, name in zip(found, given, strict=True) if name in ("train", "")})
    for label, name in zip(found, given, strict=True):
        if label not in train:
            hint = nearest(label, train)
            raise ValueError(
                f"class {label!r} of the {name} images of {options.path} has no training images; allowed: "
                f"{', '.join(train)}" + (f"; did you mean {hint!r}?" if hint else "")
            )


def _left_out(broken: Sequence[BrokenFile]) -> str:
    if not broken:
        return ""
    shown = ", ".join(error.file.name for error in broken[:3]) + (", …" if len(broken) > 3 else "")
    return f"; {len(broken)} that cannot be read left out ({shown})"
