"""Config files: found by path or name, read, and overridden as `ml_collections.config_flags` does."""

import contextlib
import importlib
import os
import re
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from geomdl.cli.support.checkout import checkout, scripts
from geomdl.cli.support.parser import UsageError
from geomdl.errors import shortened, unknown
from geomdl.nesting import require_finite_nesting
from geomdl.paths import holds_path, local_path, located
from geomdl.registry import is_reference
from geomdl.registry.references import is_installed

_KEY = re.compile(r"--?(no)?config(\.\w+(\[\d+\])?)+")


def find_config(value: str) -> tuple[Path, str | None]:
    """Returns the file that ``--config`` means, and the argument of its ``get_config`` (what follows a colon).

    Args:
      value: a path, or the name of a file in configs/, with or without ``.py``; ``:argument`` may follow.

    Raises:
      UsageError: when there is no such file.
    """
    local_path(value, "--config")  # raises for URLs, whose scheme would be taken for the name
    name, colon, argument = value.partition(":")
    path = local_path(name, "--config")
    found = path if path.is_file() else scripts("configs").get(path.name.removesuffix(".py"))
    by_name = found is not None and path.parent in (Path(), Path("configs"))
    if found is None or not (by_name or path.is_file()):
        allowed = ["a path to a config file", *scripts("configs")]
        if checkout() is None:  # installed from a wheel
            allowed[0] += " (those of configs/ belong to a checkout of geomdl: clone the repository)"
        raise UsageError(str(unknown("config", name, allowed)))
    return found, argument if colon else None


def load_config(value: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Reads a config file and puts overrides into it.

    Names of one's own, ``path/file.py:Name`` and ``module:Name``, are looked for from the folder of the config file and
    then from the current directory; those in overrides the other way round.

    Args:
      value: see `find_config`.
      overrides: ``--config.section.key=value``.

    Returns:
      Nested sections of plain values, not validated yet.

    Raises:
      UsageError: when the file cannot be found or run, an override cannot be read, or a ``model.width`` would have no
        effect.
    """
    path, argument = find_config(value)
    try:
        with _neighbours(path):
            get_config = runpy.run_path(str(path)).get("get_config")
            config = None if get_config is None else get_config(*([] if argument is None else [argument]))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and GeneratorExit, too: nothing has been done
        line = next(
            (f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)), None
        )
        line = error.lineno if isinstance(error, SyntaxError) else line
        where = f"{path}, line {line}" if line else str(path)
        raise UsageError(f"config file {where}: {type(error).__name__}: {shortened(str(error), 300)}") from error
    if config is None:
        raise UsageError(f"config file {path} has no function get_config() that returns a ConfigDict")
    if not isinstance(config, Mapping) and not hasattr(config, "to_dict"):
        raise UsageError(
            f"config file {path}: get_config() returned {type(config).__name__}; allowed: ConfigDict, dict"
        )
    tree = _plain_sections(config, path)
    tree = _located(_with_absolute_paths(tree, path.parent), [path.parent, Path.cwd()])
    changes = parse_overrides(overrides)
    for dotted, new in changes.items():
        *sections, key = dotted.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise UsageError(f"cannot set config.{dotted}: {section!r} is not a section")
        place[key] = new
    _require_width_in_use(tree, changes)
    return _located(_with_absolute_paths(tree, path.parent), [Path.cwd(), path.parent])


@contextlib.contextmanager
def _neighbours(file: Path) -> Iterator[None]:
    """Lets a config file import the modules that lie beside it, or in the current directory; they hide no other module.

    They are forgotten afterwards, since other folders may have modules of the same names.
    """
    folders = [str(folder) for folder in dict.fromkeys((file.absolute().parent, Path.cwd()))]
    before, path = set(sys.modules), list(sys.path)
    sys.path.extend(folder for folder in folders if folder not in path)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = [entry for entry in sys.path if entry in path or entry not in folders]
        for top in {name.partition(".")[0] for name in set(sys.modules) - before} - before:
            if _lies_in(sys.modules.get(top), folders) and not is_installed(top):
                for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
                    del sys.modules[name]


def _lies_in(module: ModuleType | None, folders: Sequence[str]) -> bool:
    """Whether a module, or a package, is one of those that lie in some folders."""
    where = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(place is not None and os.path.dirname(place) in folders for place in where)


def _plain_sections(config: Any, path: Path) -> dict[str, Any]:
    """What a config file returned, as nested dicts.

    Raises:
      UsageError: for sections that are nested without end, keys that are no words, and placeholders left open.
    """
    require_finite_nesting(config, f"config file {path}")
    try:
        tree = dict(config) if isinstance(config, Mapping) else config.to_dict()
    except Exception as error:  # of ml_collections: a required placeholder that has no value yet
        open_ones = list(_placeholders(config))
        names = f": {', '.join(open_ones)}" if open_ones else f" ({error})"
        raise UsageError(
            f"config file {path}: placeholders have no value{names}; give them one there, or in the file's argument"
        ) from error
    return tree


def _placeholders(config: Any, before: str = "") -> Iterator[str]:
    """The dotted paths in a ConfigDict whose values cannot be read."""
    for key in config:
        try:
            value = config[key]
        except Exception:
            yield f"{before}{key}"
            continue
        if hasattr(value, "items"):
            yield from _placeholders(value, f"{before}{key}.")


def _located(tree: dict[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """The config with absolute paths in place of files and modules that are named relative to folders."""
    names = [section.get("name") for section in tree.values() if isinstance(section, Mapping)]
    training = tree.get("training")
    evaluators = training.get("evaluators") if isinstance(training, Mapping) else None
    if not any(is_reference(name) for name in (*names, *(evaluators or ()))):
        return tree
    from geomdl.training.configuration.names import with_canonical_names

    return with_canonical_names(tree, folders)


def _with_absolute_paths(tree: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The config with its paths from the current directory or, where they are not there, from a folder."""
    folders = [Path.cwd(), folder]
    result = dict(tree)
    for name, section in tree.items():
        if isinstance(section, Mapping):
            paths = {key: value for key, value in section.items() if holds_path(str(key))}
            found = {key: located(value, f"{name}.{key}", folders) for key, value in paths.items()}
            result[name] = {**section, **found}
    return result


def _require_width_in_use(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raises UsageError for a width beside parameters that are to be matched, unless only those are an override."""
    model = tree.get("model")
    if not isinstance(model, Mapping) or model.get("match_parameters") is None or "width" not in model:
        return
    if "model.width" not in changes and "model.match_parameters" in changes:
        return
    name = "--config.model.width" if "model.width" in changes else "model.width"
    raise UsageError(
        f"{name}={model['width']} has no effect, since model.match_parameters={model['match_parameters']} sets "
        "the width; to use it, add --config.model.match_parameters=None"
    )


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """Returns the values of overrides by dotted path, read by `ml_collections.config_flags`.

    >>> parse_overrides(["--config.optimizer.learning_rate=1e-2", "--config.model.name=cnn", "--noconfig.model.bias"])
    {'optimizer.learning_rate': 0.01, 'model.name': 'cnn', 'model.bias': False}
    """
    from absl import flags
    from ml_collections import ConfigDict, config_flags

    for override in overrides:
        name = override.partition("=")[0]
        if not _KEY.fullmatch(name):
            raise UsageError(f"cannot read {shortened(override)}; write --config.section.key=value")
    if not overrides:
        return {}
    # Which type a value must have is known to the dataclasses of the run, and checked there; here all are literals.
    empty = ConfigDict()
    for override in overrides:
        place: Any = empty
        for section in override.split("=")[0].split(".")[1:-1]:
            place[section] = place.get(section, ConfigDict())
            place = place[section]
    values = flags.FlagValues()
    try:
        config_flags.DEFINE_config_dict(
            "config", empty, flag_values=values, lock_config=False, accept_new_attributes=True, sys_argv=list(overrides)
        )
        values(["geomdl", *overrides])
    except (flags.Error, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read {shortened(' '.join(overrides))}: {shortened(str(error), 300)}") from error
    return dict(config_flags.get_override_values(values["config"]))
