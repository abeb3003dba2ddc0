"""Lists models, groups, data sets, networks that come along, configs or figures.

  geomdl list models      the networks, with the keys of their configs
  geomdl list groups      the symmetry groups, by the names that configs use
  geomdl list datasets    the data sets, built in and prepared
  geomdl list pretrained  trained networks that geomdl brings along: --workdir=pretrained:NAME
  geomdl list tasks, evaluators, optimizers, schedules
  geomdl list configs     the runs of this checkout
  geomdl list figures     the figures that geomdl reproduce draws

One item per line: its name, and what it is. Those of plug-ins are among them. A config may also name anything of one's
own, as package.module:Name or path/file.py:Name.
"""

import argparse
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from geomdl.cli.support.checkout import checkout, first_line, scripts
from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.parser import UsageError, refuse_unused
from geomdl.errors import unknown
from geomdl.paths import PRETRAINED, pretrained_names, run_folder
from geomdl.registry import Entry, Registry, option_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("kind", help=", ".join(KINDS))
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> None:
    """Prints one line per item."""
    use_data_dir(arguments)
    if arguments.kind not in KINDS:
        raise unknown("kind", arguments.kind, list(KINDS))
    if arguments.kind != "datasets":
        refuse_unused(arguments, ["data_dir"], "it is for geomdl list datasets")
    items = KINDS[arguments.kind]()
    width = max((len(name) for name in items), default=0)
    for name, text in items.items():
        print(f"{name:<{width}}  {text}".rstrip())


def _models() -> dict[str, str]:
    from geomdl.models import MODELS

    return _registered(MODELS)


def _groups() -> dict[str, str]:
    from geomdl.groups.registry import GROUP_FAMILIES

    return dict(GROUP_FAMILIES)


def _datasets() -> dict[str, str]:
    from geomdl.data import DATASETS, prepared
    from geomdl.data.sources.tfds_folders import data_folder

    items = _registered(DATASETS)
    items["tfds:<name>"] = "any data set of TensorFlow Datasets with images and classes, or masks, once prepared"
    return items | {f"tfds:{name}": f"prepared in {data_folder(None)}" for name in prepared()}


def _tasks() -> dict[str, str]:
    from geomdl.tasks import TASKS

    return _registered(TASKS)


def _evaluators() -> dict[str, str]:
    from geomdl.evaluators import EVALUATORS

    return _registered(EVALUATORS)


def _optimizers() -> dict[str, str]:
    from geomdl.training.configuration.optimizers import OPTIMIZERS

    return _registered(OPTIMIZERS)


def _schedules() -> dict[str, str]:
    from geomdl.training.configuration.schedules import SCHEDULES

    return _registered(SCHEDULES)


def _pretrained() -> dict[str, str]:
    cards = {name: run_folder(f"{PRETRAINED}{name}") / "card.json" for name in pretrained_names()}
    return {name: _card(json.loads(file.read_text(encoding="utf-8"))) for name, file in cards.items()}


def _card(card: Mapping[str, Any]) -> str:
    """The line of a network that comes along."""
    metric, test, turned = card["headline"], card["metrics"]["test"], card["metrics"]["turned"]
    shown = {"accuracy": "accuracy", "iou": "mean IoU"}.get(metric, metric)
    return (
        f"{card['title']} [group={card['group']}, parameters={card['parameters']:,}]: {shown} {test[metric]:.3f}, worst"
        f" of the quarter turns {turned['worst_quarter_turn']:.3f}"
    )


def _configs() -> dict[str, str]:
    return _files("configs")


def _figures() -> dict[str, str]:
    return _files("paper_figures")


def _files(folder: str) -> dict[str, str]:
    if checkout() is None:
        raise UsageError(f"{folder}/ belongs to a checkout of geomdl; clone the repository and pip install -e .")
    return {name: first_line(path) for name, path in scripts(folder).items()}


def _registered(registry: Registry) -> dict[str, str]:
    """What is in a registry; of a plug-in that cannot be loaded the reason."""
    items: dict[str, str] = {}
    for name in registry:
        try:
            items[name] = _described(registry.find(name))
        except ValueError as error:
            items[name] = f"(cannot be used: {error})"
    return items | {f"{name} (refused)": reason for name, reason in registry.refused.items()}


def _described(entry: Entry) -> str:
    keys = [key for key in option_names(entry.factory) or () if key != "name"]
    shown = ", ".join(f"{key}={entry.defaults[key]}" if key in entry.defaults else key for key in keys)
    summary = (inspect.getdoc(entry.factory) or "").partition("\n")[0].rstrip(".")
    origin = f" (plug-in of {entry.plugin_of})" if entry.plugin_of else ""
    return f"{summary}{origin} [{shown}]"


KINDS: Mapping[str, Callable[[], dict[str, str]]] = {
    "models": _models,
    "groups": _groups,
    "datasets": _datasets,
    "pretrained": _pretrained,
    "tasks": _tasks,
    "evaluators": _evaluators,
    "optimizers": _optimizers,
    "schedules": _schedules,
    "configs": _configs,
    "figures": _figures,
}
