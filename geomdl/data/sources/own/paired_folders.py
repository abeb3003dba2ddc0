"""Two folders of files that belong together, image and label map, paired by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from geomdl.data.sources.own.image_files import files_in
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.errors import invalid, nearest, unknown

_SUFFIXES = ("_mask", "-mask", ".mask", "_label", "_labels", "_seg", "_gt", "_segmentation", "_annotation")


def _without_suffix(name: str) -> str:
    return Path(name).with_suffix("").as_posix()


@dataclass(frozen=True)
class PairedFolders:
    """Where images and their label maps lie: ``path/images/a.jpg`` belongs to ``path/masks/a.png``.

    Splits are given as ``path/train/images`` or ``path/images/train``, and likewise ``validation`` and ``test``.

    Attributes:
      path: as in the config, for errors.
      images: the folder of the images, in ``path``.
      masks: the folder of the label maps.
      mask_suffix: what the names of label maps have behind those of their images.
      fits: whether a file is one of those that are looked for; None: those of images.
      stem: the name of a file without its ending.
    """

    path: str | None
    images: str
    masks: str
    mask_suffix: str = ""
    fits: Callable[[Path], bool] | None = None
    stem: Callable[[str], str] = _without_suffix

    def pairs(self, root: Path) -> list[tuple[str, Path, Path]]:
        """The split, ``""`` where none is given, the file of the image and that of its label map.

        Args:
          root: the folder ``path``.

        Raises:
          ValueError: a folder is missing or empty, or a file has no partner.
        """
        return [pair for name, images, masks in self._places(root) for pair in self._paired(name, images, masks)]

    def _places(self, root: Path) -> list[tuple[str, Path, Path]]:
        """The split, the folder of the images and that of the label maps."""
        inside = [entry for entry in sorted(root.iterdir()) if entry.is_dir()]
        by_split = [(SPLIT_NAMES[e.name.lower()], e / self.images, e / self.masks) for e in inside if
                    e.name.lower() in SPLIT_NAMES and (e / self.images).is_dir()]  # fmt: skip
        if not by_split:
            images, masks = root / self.images, root / self.masks
            for key, folder in (("images", images), ("masks", masks)):
                if not folder.is_dir():
                    there = [entry.name for entry in inside]
                    raise unknown(f"data.{key}", getattr(self, key), there) if there else invalid(
                        "data.path", self.path, f"a folder with the folders {self.images} and {self.masks}; it has none"
                    )  # fmt: skip
            splits = [e for e in sorted(images.iterdir()) if e.is_dir() and e.name.lower() in SPLIT_NAMES]
            by_split = [(SPLIT_NAMES[e.name.lower()], e, masks / e.name) for e in splits] or [("", images, masks)]
        if len(by_split) > 1 and "train" not in [name for name, _, _ in by_split]:
            raise invalid("data.path", self.path, "training images among the splits", "train")
        for _, _, masks in by_split:
            if not masks.is_dir():
                raise invalid("data.path", self.path, f"a folder of label maps for each split, but there is no {masks}")
        return by_split

    def _paired(self, split: str, images: Path, masks: Path) -> list[tuple[str, Path, Path]]:
        of_images = {self._name(file, images): file for file in files_in(images, self.fits)}
        of_masks = {self._name(file, masks): file for file in files_in(masks, self.fits)}
        if not of_images or not of_masks:
            empty = images if not of_images else masks
            raise invalid("data.path", self.path, f"images in {empty}, which has none")
        if self.mask_suffix:
            of_masks = {
                stem.removesuffix(self.mask_suffix): file for stem, file in of_masks.items()
                if stem.endswith(self.mask_suffix)
            }  # fmt: skip
        alone = sorted(of_images.keys() - of_masks.keys())
        others = sorted(of_masks.keys() - of_images.keys())
        if alone or others:
            raise self._unpaired(alone, others, images, masks, list(of_images))
        return [(split, of_images[stem], of_masks[stem]) for stem in of_images]

    def _unpaired(
        self, alone: Sequence[str], others: Sequence[str], images: Path, masks: Path, stems: Sequence[str]
    ) -> ValueError:
        parts = []
        for names, has, here, what in (
            (alone, "no label map", images, "image"),
            (others, "no image", masks, "label map"),
        ):
            if names:
                parts.append(
                    f"{len(names)} {what}{'s have' if len(names) > 1 else ' has'} {has}, e.g. {names[0]} in {here}"
                )
        suffix = next((s for s in _SUFFIXES if others and all(o.endswith(s) for o in others)
                       and {o.removesuffix(s) for o in others} & set(stems)), None)  # fmt: skip
        hint = f"try data.mask_suffix={suffix!r}" if suffix and not self.mask_suffix else None
        if hint is None and alone and (close := nearest(alone[0], others)):
            hint = f"did you mean {close!r} for {alone[0]!r}?"
        return ValueError(
            f"{'; '.join(parts)}; allowed: pairs of the same name without the ending, and no others"
            + (f"; {hint}" if hint else "")
        )

    def _name(self, file: Path, folder: Path) -> str:
        return self.stem(file.relative_to(folder).as_posix())
