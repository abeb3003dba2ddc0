"""Finds the model of ``package.module:factory`` or ``file.py:factory``."""

import importlib
import importlib.util
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from geomdl.errors import invalid, unknown


def load_target(target: str) -> Any:
    """The object that a target names: what its factory returns, or itself.

    Args:
      target: ``package.module:name`` (dots after the colon reach into objects) or ``path/file.py:name``. A callable
        whose arguments all have defaults is called; anything else is taken as it is.

    Returns:
      A model, or ``(module, variables)``.

    Raises:
      ValueError: when the module cannot be imported, has no such name, or the factory fails or gives nothing.

    >>> load_target("math:factorial")(5)
    120
    >>> load_target("math:factorail")
    Traceback (most recent call last):
    ...
    ValueError: unknown name in math 'factorail'; allowed: ...; did you mean 'factorial'?
    """
    where, colon, name = target.rpartition(":")
    if not colon or not where or not name:
        raise invalid("model", target, "package.module:factory or path/file.py:factory", "my_package.my_models:build")
    found: Any = _import(where)
    for part in name.split("."):
        if not hasattr(found, part):
            public = [n for n in vars(found) if not n.startswith("_") and callable(getattr(found, n))] or dir(found)
            raise unknown(f"name in {where}", part, public)
        found = getattr(found, part)
    if not _is_factory(found):
        return found
    try:
        made = found()
    except Exception as error:
        raise ValueError(f"{target} was called without arguments and raised {_said(error)}") from error
    if made is None:
        raise ValueError(f"{target} was called without arguments and returned None; it must return a model")
    return made


def _import(where: str) -> ModuleType:
    is_file = where.endswith(".py") or os.sep in where
    if is_file and not Path(where).is_file():
        raise invalid("model", where, "a Python file that exists, with :factory behind it", "models.py:build")
    if is_file and not where.endswith(".py"):
        raise invalid("model", where, "a file that ends in .py, with :factory behind it", "models.py:build")
    try:
        if is_file:
            return _from_file(Path(where))
        here = os.getcwd()
        if here not in sys.path:
            sys.path.insert(0, here)
        return importlib.import_module(where)
    except Exception as error:
        raise ValueError(f"cannot import {where}: {_said(error)}") from error


def _from_file(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # so that it finds the modules next to it
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    spec.loader.exec_module(module)
    return module


def _is_factory(found: Any) -> bool:
    """Whether this is a class or function that can be called without arguments."""
    if not (inspect.isclass(found) or inspect.isroutine(found)):
        return False  # an instance: a model itself
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return False
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in optional for p in parameters)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
