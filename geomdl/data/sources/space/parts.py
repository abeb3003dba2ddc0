"""The splits of a file of arrays, or of a folder: those that it has, and what is carved from the training examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from geomdl.data.sources.numpy_files import read_numpy
from geomdl.data.sources.splits import stratified_split
from geomdl.data.types import Dataset, LabelKind, Split
from geomdl.errors import invalid

PARTS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test",)}
"""What each split may be called in files, and folders."""

Arrays = dict[str, np.ndarray]


def read_parts(
    file: Path, allowed: str, values: str, further: Sequence[str] = (), *, maps: bool = False
) -> dict[str, Arrays]:
    """The arrays of each split of an .npz file: ``values`` and ``labels``, or ``train_values``, ``train_labels``, ….

    Args:
      file: to read.
      allowed: what is wanted, for errors.
      values: the name of the examples.
      further: names of arrays that may be there.
      maps: labels are label maps, which may be called ``masks`` too, and are given as they are.

    Returns:
      By split, which has ``values``, ``labels`` (class indices ``[n]``, unless ``maps``) and what is there of others.

    Raises:
      ValueError: the file cannot be read, an array is missing, or labels are not whole numbers.
    """
    names = (values, "labels", *(("masks",) if maps else ()), *further)
    prefixes = [f"{form}_" for forms in PARTS.values() for form in forms]
    found = read_numpy(file, allowed, required=(), optional=[p + name for p in ("", *prefixes) for name in names])
    forms = {key: next((f"{form}_" for form in of if f"{form}_{values}" in found), None) for key, of in PARTS.items()}
    forms["train"] = forms["train"] or ""
    parts = {}
    for key, prefix in forms.items():
        if prefix is not None:
            parts[key] = {name: found[prefix + name] for name in names if prefix + name in found}
            if maps and "masks" in parts[key]:
                parts[key].setdefault("labels", parts[key].pop("masks"))
            for name in (values, "labels"):
                if name not in parts[key]:
                    raise ValueError(f"cannot read {file} (no array {prefix + name!r}); allowed: {allowed}")
            if not maps:
                labels, count = parts[key]["labels"], len(parts[key][values])
                parts[key]["labels"] = _classes(labels, count, f"{prefix}labels in {file}")
    return parts


def _classes(values: np.ndarray, count: int, what: str) -> np.ndarray:
    column = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if column.shape != (count,) or column.dtype.kind not in "iu":
        shown = f"{values.dtype} {values.shape}"
        hint = "data.labels='map' for label maps" if values.ndim > 3 else None
        raise invalid(what, shown, f"a class, a whole number, for each of {count} examples", hint)
    return column.astype(np.int32)


def class_names(
    labels: Sequence[np.ndarray], given: Sequence[str] | None, found: Sequence[str] | None, where: str | None
) -> tuple[str, ...]:
    """The names of the classes: given ones, those that were found, or their numbers.

    Raises:
      ValueError: for a negative label, or fewer names than classes.
    """
    count = 1 + max(int(values.max(initial=0)) for values in labels)
    least = min(int(values.min(initial=0)) for values in labels)
    if least < 0:
        raise invalid(f"labels in {where}", least, "classes 0, 1, …")
    classes = tuple(given or found or map(str, range(count)))
    if len(classes) < count:
        raise invalid("data.classes", classes, f"a name for each of {count} classes")
    return classes


def carved(
    parts: Mapping[str, tuple[np.ndarray, np.ndarray]],
    fractions: Mapping[str, float],
    train_size: int | None,
    seed: int,
    what: str,
) -> dict[str, Split]:
    """The given splits, and those that are missing, stratified by class, out of the training examples.

    Args:
      parts: examples and classes, or label maps, by split.
      fractions: of the training examples, for ``"validation"`` and ``"test"``.
      train_size: training examples, a nested stratified subset; None: all.
      seed: which split.
      what: there are, for errors: ``"volumes in scans.npz"``.

    Raises:
      ValueError: when nothing is left to train on, or less than is asked for.
    """
    images, labels = parts["train"]
    wanted = {key: fractions[key] for key in ("test", "validation") if key not in parts}
    sizes = [max(1, round(fraction * len(labels))) for fraction in wanted.values()]
    rest = len(labels) - sum(sizes)
    if rest < 1:
        raise invalid(f"number of {what}", len(labels), f"more than {sum(sizes)}, to train on some")
    train = rest if train_size is None else train_size
    if train > rest:
        raise invalid("data.train_size", train, f"at most {rest} training examples", rest)
    classes = labels if labels.ndim == 1 else np.zeros(len(labels), np.int32)
    pieces = stratified_split(classes, (*sizes, rest), seed)
    splits = {key: Split(images[piece], labels[piece]) for key, piece in zip(wanted, pieces, strict=False)}
    chosen = pieces[-1][:train] if len(pieces) > 1 or train < rest else np.arange(rest)
    splits["train"] = Split(images[chosen], labels[chosen])
    return {**splits, **{key: Split(*pair) for key, pair in parts.items() if key != "train"}}


def dataset_of(
    splits: Mapping[str, Split], name: str, classes: Sequence[str], provenance: str, label_kind: LabelKind = "class"
) -> Dataset:
    """The data set of three splits of labelled examples.

    Args:
      splits: see `carved`.
      name: of the data set.
      classes: their names.
      provenance: where the examples are from.
      label_kind: ``"class"`` or ``"map"``.
    """
    return Dataset(
        name=name,
        image_shape=tuple(splits["train"].images.shape[1:]),
        num_classes=len(classes),
        classes=tuple(classes),
        provenance=provenance,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        label_kind=label_kind,
    )
