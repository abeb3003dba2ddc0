"""run.json in a work directory: numbers of a run that its config does not contain, such as steps and parameters.

How many steps the run has in all, how large the network is, what it was trained on and, once it has ended, how.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jax.tree_util import tree_flatten_with_path

from geomdl.data import DATASETS, Dataset, Preprocessing, Split
from geomdl.data.sources.given import GivenData
from geomdl.data.targets.boxes import pack_boxes
from geomdl.data.targets.names import target_kind
from geomdl.training.configuration.config import RunConfig
from geomdl.training.workdir.json_file import read_json, write_json

_LABELS: Mapping[str, type] = {"class": np.int32, "labels": np.float32, "map": np.int32, "values": np.float32}
"""The kinds of labels of which nothing else need be known, with their types."""

BOXES = ("boxes", "oriented_boxes")


def note_begin(
    path: Path,
    total_steps: int,
    params: Any,
    dataset: Dataset,
    measured: Mapping[str, Any] = MappingProxyType({}),
    *,
    anew: bool = False,
) -> None:
    """Writes run.json for a run that begins; that of a run that goes on stays as it is.

    Args:
      path: the work directory.
      total_steps: of the run.
      params: the parameters, nested dicts of arrays.
      dataset: what it is trained on.
      measured: what is to be known of its metrics, see `TrainingConfig.measured`.
      anew: the run goes on in another way than before: it has not ended.
    """
    shapes = {
        ".".join(str(getattr(k, "key", k)) for k in p): list(a.shape) for p, a in tree_flatten_with_path(params)[0]
    }
    facts = {
        "total_steps": total_steps,
        "parameters": sum(int(np.prod(shape)) for shape in shapes.values()),
        "images": {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")},
        "image_shape": list(dataset.image_shape),
        "classes": list(dataset.classes),
        "provenance": dataset.provenance,
        "parameter_shapes": shapes,
        **({} if dataset.preprocessing is None else {"preprocessing": dataset.preprocessing.to_dict()}),
        **_kind_of_labels(dataset),
        **measured,
    }
    old = read_facts(path / "run.json")
    if anew or any(old.get(key) != value for key, value in facts.items()):
        write_json(path / "run.json", facts)


def note_end(path: Path, *, step: int, best_step: int, stopped_early: bool, advice: Sequence[str] = ()) -> None:
    """Adds to run.json that the run has ended, and what was said about it."""
    old = read_facts(path / "run.json")
    new = {**old, "finished": True, "step": step, "best_step": best_step, "stopped_early": stopped_early}
    if advice:
        new["advice"] = list(advice)
    if new != old:
        write_json(path / "run.json", new)


def kept_advice(facts: Mapping[str, Any]) -> list[str]:
    """What was said of a run, from its run.json.

    >>> kept_advice({"advice_at_start": ["one"], "advice": ["two"]})
    ['one', 'two']
    """
    return list(dict.fromkeys([*facts.get("advice_at_start", ()), *facts.get("advice", ())]))


def read_facts(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file; empty when there is none, or it cannot be read."""
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_notes_of_checkpoints(path: Path) -> list[dict[str, Any]]:
    """Returns what was noted with every complete checkpoint in a work directory.

    Args:
      path: of the work directory.
    """
    steps = [p for p in (path / "checkpoints").glob("[0-9]*") if p.name.isdigit()]
    return [read_facts(p / "_CHECKPOINT_METADATA").get("custom_metadata") or {} for p in steps]


def described(config: RunConfig, facts: Mapping[str, Any]) -> Dataset | None:
    """Returns a data set without images, from which the task and the model of a run can be made.

    Args:
      config: of the run.
      facts: in its run.json.

    Returns:
      None where they do not say enough, or the task is somebody's own and may look at the data.
    """
    shape, classes, kind = (facts.get(key) for key in ("image_shape", "classes", "label_kind"))
    own = not type(config.task).__module__.startswith("geomdl.")
    known = isinstance(kind, str) and kind in (*_LABELS, *BOXES)
    if own or not isinstance(shape, list) or not isinstance(classes, list) or not isinstance(kind, str) or not known:
        return None
    images = np.zeros((0, *shape), np.float32)
    if kind in BOXES:
        labels: Any = pack_boxes([], [], oriented=kind == "oriented_boxes")
    else:
        labels = np.zeros((0, *{"class": [], "map": shape[:-1]}.get(kind, [len(classes)])), _LABELS[kind])
    nothing = Split(images, labels)
    provenance, data = str(facts.get("provenance", "")), config.data
    return Dataset(
        data.dataset if isinstance(data, GivenData) and data.dataset else DATASETS.name_of(data),
        nothing,
        nothing,
        nothing,
        tuple(shape),
        len(classes),
        tuple(classes),
        provenance,
        label_kind=kind,
        preprocessing=known_preprocessing(facts),
    )


def known_preprocessing(facts: Mapping[str, Any]) -> Preprocessing | None:
    """What was done to the images of a run; None where nothing was noted.

    Args:
      facts: in its run.json.
    """
    noted = facts.get("preprocessing")
    try:
        return Preprocessing.from_dict(noted) if isinstance(noted, Mapping) else None
    except (TypeError, ValueError):  # of another version, or changed by hand
        return None


def _kind_of_labels(dataset: Dataset) -> dict[str, str]:
    """The kind of the labels, where that is all there is to know of the targets."""
    usual = dataset.target_kinds == {"label": target_kind(dataset.label_kind, dataset.num_classes)}
    named = len(dataset.classes) == dataset.num_classes
    return {"label_kind": dataset.label_kind} if usual and named and dataset.label_kind in (*_LABELS, *BOXES) else {}
