"""What a data set holds, and what in it is doubtful."""

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np

from geomdl.data.loading.batches import unit_interval
from geomdl.data.sources.own.options import SPLITS, OwnImages, assemble, count_of
from geomdl.data.sources.own.records import Collected
from geomdl.data.types import DataConfig, Dataset, Example, Split
from geomdl.errors import shortened

_CHUNK = 256
_MOST_NAMED = 3
_BOXES = ("boxes", "oriented_boxes")

Row = dict[str, str | int | float]


@dataclass(frozen=True)
class Inspection:
    """What was found in a data set.

    Attributes:
      dataset: as it was loaded; files that cannot be read were left out.
      counts: images of each class in each split; of label maps the share of the pixels; of values their
        ranges; of boxes how many, how large, how many are difficult, and images without.
      ranges: of each split: least and greatest value, mean and standard deviation, as the network gets them.
      sizes: how many images have which (height, width) before they are brought to one; empty where it is not known.
      doubtful: sentences on what may be wrong.
    """

    dataset: Dataset
    counts: Sequence[Row]
    ranges: Sequence[Row]
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    doubtful: Sequence[str] = ()


def inspect(config: DataConfig) -> Inspection:
    """Reads all of a data set once.

    Args:
      config: of the data set.

    Raises:
      ValueError: when it cannot be loaded.

    >>> from geomdl.data import data_config
    >>> found = inspect(data_config("digits", size=8))
    >>> found.counts[0]["train"], len(found.doubtful)
    (118, 0)
    """
    if isinstance(config, OwnImages):
        config = dataclasses.replace(config, broken="skip")
        found: Collected = config.collect()  # pyright: ignore[reportAttributeAccessIssue]
        dataset = assemble(config, found)
        sizes = count_of([fact.size for fact in found.facts]) if len(found.facts) == len(found.raw) else {}
        doubtful = [f"cannot be read: {error.file} ({error.what})" for error in found.left_out]
        if len(sizes) > 1:
            several = ", ".join(f"{h}×{w} ({n})" for (h, w), n in sorted(sizes.items(), key=lambda s: -s[1])[:4])
            more = ", …" if len(sizes) > 4 else ""
            doubtful.append(f"images of {len(sizes)} sizes, brought to one: {several}{more}")
    else:
        dataset, sizes, doubtful = config.load(), {}, []
    seen = _Seen(dataset)
    for name in SPLITS:
        for start, batch in _batches(getattr(dataset, name)):
            seen.look(name, start, batch)
    return Inspection(dataset, seen.counts(), seen.ranges(), sizes, [*doubtful, *seen.doubtful()])


def _batches(split: Split) -> Iterator[tuple[int, Example]]:
    for start in range(0, len(split), _CHUNK):
        yield start, split.gather(np.arange(start, min(start + _CHUNK, len(split))))


class _Seen:
    """Gathers numbers over the images of all splits."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._hashes: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
        self._sums: dict[str, list[float]] = {name: [np.inf, -np.inf, 0.0, 0.0, 0.0] for name in SPLITS}
        shape = (len(SPLITS), len(dataset.classes) + (dataset.label_kind == "map"))
        self._classes = np.zeros(shape)
        self._values: dict[str, list[np.ndarray]] = {name: [] for name in SPLITS}
        self._boxes: dict[str, dict[str, int]] = {s: defaultdict(int) for s in SPLITS}
        self._sides: dict[str, list[np.ndarray]] = {s: [] for s in SPLITS}
        self._odd: dict[str, list[tuple[str, int]]] = {"of one single value": [], "not finite": []}

    def look(self, split: str, start: int, batch: Example) -> None:
        """Looks at the images from a place of a split on."""
        images, labels = batch["image"], jax.tree.map(np.asarray, batch["label"])
        for place, image in enumerate(images, start):
            self._hashes[hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()].append((split, place))
        values = np.asarray(unit_interval(images)).astype(np.float64)
        flat = values.reshape(len(values), -1)
        pixels = values.reshape(len(values), -1, values.shape[-1])
        for place in np.flatnonzero((pixels == pixels[:, :1]).all((1, 2))).tolist():
            self._odd["of one single value"].append((split, start + place))
        for place in np.flatnonzero(~np.isfinite(flat).all(1)).tolist():
            self._odd["not finite"].append((split, start + place))
        sums = self._sums[split]
        sums[0], sums[1] = min(sums[0], float(flat.min())), max(sums[1], float(flat.max()))
        sums[2], sums[3], sums[4] = sums[2] + flat.size, sums[3] + flat.sum(), sums[4] + (flat**2).sum()
        row, kind = self._classes[SPLITS.index(split)], self._dataset.label_kind
        if kind == "class":
            row += np.bincount(labels.astype(int), minlength=len(row))
        elif kind == "labels":
            row += labels.sum(0)
        elif kind == "map":
            row += np.bincount(np.where(labels < 0, len(row) - 1, labels).astype(int).ravel(), minlength=len(row))
        elif kind in _BOXES:
            there = labels["classes"] >= 0
            row += np.bincount(labels["classes"][there], minlength=len(row))
            boxes, flags = self._boxes[split], there & labels["difficult"]
            boxes["images without boxes"] += int((~there.any(1)).sum())
            boxes["difficult boxes"] += int(flags.sum())
            sides = labels["boxes"][there]
            sides = sides[:, 2:4] if sides.shape[-1] == 5 else sides[:, 2:] - sides[:, :2]
            self._sides[split].append(np.sqrt(np.prod(sides, -1)))
        else:
            self._values[split].append(labels)

    def counts(self) -> list[Row]:
        """One row for each class, or value."""
        kind, classes = self._dataset.label_kind, self._dataset.classes
        if kind in ("class", "labels", *_BOXES):
            counted = self._classes.astype(int)
            rows: list[Row] = [
                {
                    "class": name,
                    **{s: int(counted[i, j]) for i, s in enumerate(SPLITS)},
                    "all": int(counted[:, j].sum()),
                }
                for j, name in enumerate(classes)
            ]
            return rows + (self._of_boxes() if kind in _BOXES else [])
        if kind == "map":
            shares = self._classes / np.maximum(self._classes.sum(1, keepdims=True), 1)
            names = [*classes, "(ignored)"]
            return [
                {"class": name, **{s: f"{100 * shares[i, j]:.2f} %" for i, s in enumerate(SPLITS)}}
                for j, name in enumerate(names)
                if j < len(classes) or shares[:, j].any()
            ]
        rows = []
        held = {s: np.concatenate(v).reshape(sum(map(len, v)), -1) for s, v in self._values.items() if v}
        for j in range(next(iter(held.values())).shape[1] if held else 0):
            name = classes[j] if j < len(classes) else str(j)
            rows.append({"value": name, **{s: f"{v[:, j].min():.4g} to {v[:, j].max():.4g}" for s, v in held.items()}})
        return rows

    def _of_boxes(self) -> list[Row]:
        """Images without boxes, difficult boxes, and how large boxes are."""
        rows: list[Row] = []
        for name in ("images without boxes", "difficult boxes"):
            each = {s: self._boxes[s][name] for s in SPLITS}
            rows.append({"class": f"({name})", **each, "all": sum(each.values())})
        sizes = {s: np.concatenate(held) if held else np.zeros(0) for s, held in self._sides.items()}
        shown = {
            s: " / ".join(f"{v:.0f}" for v in np.quantile(held, [0, 0.5, 1])) if held.size else "-"
            for s, held in {**sizes, "all": np.concatenate(list(sizes.values()))}.items()
        }
        return [*rows, {"class": "(√area in pixels: least / median / most)", **shown}]

    def ranges(self) -> list[Row]:
        """One row for each split."""
        rows: list[Row] = []
        for name, (least, greatest, count, total, squares) in self._sums.items():
            mean = total / max(count, 1)
            std = max(squares / max(count, 1) - mean**2, 0.0) ** 0.5
            numbers = {"least": least, "greatest": greatest, "mean": mean, "std": std}
            rows.append({"split": name, "images": len(getattr(self._dataset, name))}
                        | {key: f"{value:.4g}" for key, value in numbers.items()})  # fmt: skip
        return rows

    def doubtful(self) -> list[str]:
        """Sentences."""
        found = []
        same = [places for places in self._hashes.values() if len(places) > 1]
        across = [places for places in same if len({split for split, _ in places}) > 1]
        inside = [places for places in same if len({split for split, _ in places}) == 1]
        if across:
            shown = "; ".join(" = ".join(self._name(*p) for p in places[:3]) for places in across[:_MOST_NAMED])
            more = "; …" if len(across) > _MOST_NAMED else ""
            found.append(f"the same image in several splits, {len(across)} times: {shown}{more}")
        if inside:
            shown = "; ".join(" = ".join(self._name(*p) for p in places[:3]) for places in inside[:_MOST_NAMED])
            more = "; …" if len(inside) > _MOST_NAMED else ""
            found.append(f"the same image several times in one split, {len(inside)} times: {shown}{more}")
        for what, places in self._odd.items():
            if places:
                shown = ", ".join(self._name(*p) for p in places[:_MOST_NAMED])
                found.append(f"{len(places)} images {what}: {shown}" + (", …" if len(places) > _MOST_NAMED else ""))
        dtype, greatest = self._dataset.train.images.dtype, self._sums["train"][1]
        done = self._dataset.preprocessing
        clouds = len(self._dataset.image_shape) == 2
        if dtype.kind == "f" and greatest > 2 and not clouds and not (done is not None and done.normalizes):
            found.append(f"values up to {greatest:.6g}, where networks expect about 1: data.scale, data.normalize")
        if dtype == np.uint16 and greatest < 0.5:
            most = round(greatest * 65535)
            found.append(
                f"numbers of 16 bits that go up to {most} only, {greatest:.2g} of their range: data.scale={most}"
            )
        if self._dataset.label_kind in ("class", "labels", "map", *_BOXES):
            what = {"map": "pixel", "boxes": "box", "oriented_boxes": "box"}.get(self._dataset.label_kind, "image")
            for i, split in enumerate(SPLITS):
                missing = [n for n, c in zip(self._dataset.classes, self._classes[i], strict=False) if not c]
                if missing:
                    found.append(f"no {what} of "
                                 f"{shortened(', '.join(missing), 100)} in the {split} split")  # fmt: skip
        return found

    def _name(self, split: str, place: int) -> str:
        names = self._dataset.names.get(split)
        return f"{names[place]} ({split})" if names is not None else f"image {place} of {split}"
