"""Lists models, groups, data sets, configs or figures.

  geomdl list models      the networks, with the keys of their configs
  geomdl list groups      the symmetry groups, by the names that configs use
  geomdl list datasets    the data sets, built in and prepared
  geomdl list configs     the runs of this checkout
  geomdl list figures     the figures that geomdl reproduce draws

One item per line: its name, and what it is.
"""

import argparse
import dataclasses
import inspect
from collections.abc import Callable, Mapping

from geomdl.cli.support.checkout import checkout, first_line, scripts
from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.parser import UsageError
from geomdl.errors import unknown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("kind", help=", ".join(KINDS))
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> None:
    """Prints one line per item."""
    use_data_dir(arguments)
    if arguments.kind not in KINDS:
        raise unknown("kind", arguments.kind, list(KINDS))
    items = KINDS[arguments.kind]()
    width = max((len(name) for name in items), default=0)
    for name, text in items.items():
        print(f"{name:<{width}}  {text}".rstrip())


def _models() -> dict[str, str]:
    from geomdl.models import MODELS

    return {name: _described(kind) for name, kind in MODELS.items()}


def _groups() -> dict[str, str]:
    from geomdl.groups.registry import GROUP_FAMILIES

    return dict(GROUP_FAMILIES)


def _datasets() -> dict[str, str]:
    from geomdl.data import DATASETS, prepared
    from geomdl.data.sources.tfds import data_folder

    items = {name: _described(kind) for name, kind in DATASETS.items()}
    items["tfds:<name>"] = "any data set of TensorFlow Datasets with images and classes, or masks, once prepared"
    return items | {f"tfds:{name}": f"prepared in {data_folder(None)}" for name in prepared()}


def _configs() -> dict[str, str]:
    return _files("configs")


def _figures() -> dict[str, str]:
    return _files("paper_figures")


def _files(folder: str) -> dict[str, str]:
    if checkout() is None:
        raise UsageError(f"{folder}/ belongs to a checkout of geomdl; clone the repository and pip install -e .")
    return {name: first_line(path) for name, path in scripts(folder).items()}


def _described(kind: type) -> str:
    keys = ", ".join(f.name for f in dataclasses.fields(kind) if f.name != "name")
    summary = (inspect.getdoc(kind) or "").partition("\n")[0].rstrip(".")
    return f"{summary} [{keys}]"


KINDS: Mapping[str, Callable[[], dict[str, str]]] = {
    "models": _models,
    "groups": _groups,
    "datasets": _datasets,
    "configs": _configs,
    "figures": _figures,
}
