"""Images with label maps, in two folders, paired by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from geomdl.data.sources.own.image_files import Facts, each, read_values
from geomdl.data.sources.own.label_maps import meaning
from geomdl.data.sources.own.options import OwnImages, assemble
from geomdl.data.sources.own.paired_folders import PairedFolders
from geomdl.data.sources.own.records import Collected
from geomdl.data.sources.own.stored_files import FileImages, digest, examined, refuse_broken
from geomdl.data.types import Dataset, LabelKind
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.paths import local_path


@dataclass(frozen=True)
class MaskFolderConfig(OwnImages):
    """Images and label maps of the same size, in two folders, paired by the names of their files without the ending.

    ``path/images/a.jpg`` belongs to ``path/masks/a.png``. Splits are given as ``path/train/images`` or
    ``path/images/train``, and likewise ``validation`` (``val``) and ``test``; what is missing is carved from the
    training images, at random.

    A label map is an image of one channel (or of a palette) whose values stand for classes, or one of colours. Which
    ones, ``values`` or ``colors`` say; without them all maps are read, and every value that is there is a class, in
    ascending order: of 0 and 255 the background and the foreground.

    Attributes:
      images: the folder of the images, in ``path``.
      masks: the folder of the label maps, in ``path``.
      mask_suffix: what the names of label maps have behind those of their images: ``"_mask"``.
      values: of the classes 0, 1, … in label maps.
      colors: the colours (red, green, blue) of the classes.
      ignored: the value of pixels that no loss and no metric counts; for colours: the colour.
      classes: names of the classes.

    Raises:
      ValueError: an option is out of range (at construction); an image has no label map, or the other way round, they
        are not of one size, or a value is no class (when loading; while training, where label maps are read on demand).

    >>> MaskFolderConfig(path="cells", ignored=255).label_kind
    'map'
    """

    name: ClassVar[str] = "masks"  # pyright: ignore[reportIncompatibleVariableOverride]
    images: str = "images"
    masks: str = "masks"
    mask_suffix: str = ""
    values: tuple[int, ...] | None = None
    colors: tuple[tuple[int, int, int], ...] | None = None
    ignored: int | tuple[int, int, int] | None = None
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_map_options(self.values, self.colors, self.ignored)

    @property
    def label_kind(self) -> LabelKind:
        """``"map"``."""
        return "map"

    def load(self) -> Dataset:
        """Pairs the files, chooses the splits, and reads what is small."""
        return assemble(self, self.collect())

    def collect(self) -> Collected:
        """What is found, unread; label maps are read where nothing says what their values are."""
        root = self._root()
        pairs = PairedFolders(self.path, self.images, self.masks, self.mask_suffix).pairs(root)
        files, maps = [image for _, image, _ in pairs], [mask for _, _, mask in pairs]
        skip = self.broken == "skip"
        facts, broken = examined(files, decode=skip)
        map_facts, broken_maps = examined(maps, decode=skip)
        refuse_broken([*broken, *broken_maps], len(files) + len(maps), skip, self.path)
        kept = [i for i, (a, b) in enumerate(zip(facts, map_facts, strict=True)) if a is not None and b is not None]
        refuse_broken([*broken, *broken_maps][: len(pairs)] if not kept else [], len(pairs), skip, self.path)
        for i in kept:
            _require_same_size(files[i], facts[i], maps[i], map_facts[i])
        names = [file.relative_to(root).as_posix() for file in files]
        colours = any(fact is not None and fact.channels >= 3 and not _palette(maps[i]) for i, fact in
                      enumerate(map_facts))  # fmt: skip
        known = self.values is not None or self.colors is not None
        found = meaning(
            [] if known else _values(maps, kept), str(root / self.masks), self.values, self.colors, self.ignored,
            self.classes, found_colours=colours and not _grey(maps[kept[0]]),
        )  # fmt: skip
        of_kept = [files[i] for i in kept], [names[i] for i in kept], [maps[i] for i in kept]
        digests = f"{digest(of_kept[0], of_kept[1])}…, of their label maps {digest(of_kept[2], of_kept[1])}…"
        return Collected(
            FileImages(*of_kept),
            [fact for i in kept if (fact := facts[i]) is not None],
            None,
            [pairs[i][0] for i in kept],
            found.classes,
            "map",
            f"{root.name}, {len(kept)} images with names and sizes {digests}, {len(found.classes)} classes",
            meaning=found,
            left_out=[*broken, *broken_maps],
        )

    def _root(self) -> Path:
        layout = f"a folder with the folders {self.images} and {self.masks} (data.images, data.masks)"
        if self.path is None or not (root := local_path(self.path, "data.path")).is_dir():
            raise invalid("data.path", self.path, layout)
        return root


def require_map_options(
    values: Sequence[int] | None, colors: Sequence[Sequence[int]] | None, ignored: int | Sequence[int] | None
) -> None:
    """Raises ValueError for options of label maps that contradict one another."""
    for value in values or ():
        whole_number("data.values", value, least=None)
    if values is not None and colors is not None:
        raise invalid("data.values, data.colors", (values, colors), "one of the two")
    if values is not None and (len(set(values)) != len(values) or ignored in values):
        raise invalid("data.values", values, f"each value once, without the ignored one ({ignored})")
    if (isinstance(ignored, tuple) and values is not None) or (isinstance(ignored, int) and colors is not None):
        raise invalid("data.ignored", ignored, "a colour where classes are colours, else a value")


def _values(maps: Sequence[Path], kept: Sequence[int]):
    """The label maps, some at a time."""
    for start in range(0, len(kept), 64):
        yield from each(read_values, [maps[i] for i in kept[start : start + 64]])


def _palette(file: Path) -> bool:
    from PIL import Image

    with Image.open(file) as image:
        return image.mode in ("P", "PA", "1")


def _grey(file: Path) -> bool:
    """Whether the values are one number for each pixel, also where all three colours of a file are the same."""
    return read_values(file).ndim == 2


def _require_same_size(image: Path, of_image: Facts | None, mask: Path, of_mask: Facts | None) -> None:
    if of_image is not None and of_mask is not None and of_image.size != of_mask.size:
        (h, w), (a, b) = of_mask.size, of_image.size
        raise invalid(f"size of the label map {mask}", f"{h}×{w}", f"that of its image {image.name}, {a}×{b}")
