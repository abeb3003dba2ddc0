"""Finds the model of ``package.module:factory`` or ``file.py:factory``."""

import inspect
from pathlib import Path
from typing import Any

from geomdl.equivariance.adapters.onnx_files import is_onnx
from geomdl.registry import load, somebodys_code


def load_target(target: str) -> Any:
    """The object that a target names: what its factory returns, or itself.

    Args:
      target: the path of an ONNX file, which is returned; or ``package.module:name`` (dots after the colon reach into
        objects) or ``path/file.py:name``. A callable whose arguments all have defaults is called; anything else is
        taken as it is.

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
    if is_onnx(target):
        file = Path(target[: target.lower().rfind(".onnx") + 5]).expanduser()
        if file.is_file() or file.name == Path(target).name:
            return target  # else the module of package.onnx:name is meant
    found = load(target, what="model")
    if not _is_factory(found):
        return found
    with somebodys_code(f"{target} was called without arguments and raised "):
        made = found()
    if made is None:
        raise ValueError(f"{target} was called without arguments and returned None; it must return a model")
    return made


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
