"""Objects by reference: ``package.module:Name`` and ``path/file.py:Name``.

A reference has a canonical form, which means the same object from every working directory: of a file its absolute path;
of a module that Python finds wherever it is started its name; of a module that is found only because the command was
given in its folder, or because the config file lies beside it, the absolute path of its file.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
import zlib
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from geomdl.errors import invalid, nearest, unknown
from geomdl.paths import local_path

FORMS = ("package.module:Name", "path/file.py:Name")
"""The forms of a reference."""

_PACKAGE = str(Path(__file__).parents[1]) + os.sep

_folders: list[str] = []
"""Folders that were added to ``sys.path`` for the modules beside a file that was loaded."""


def is_reference(name: object) -> bool:
    """Whether this is meant as a reference: names of files, and names with a colon, are.

    Args:
      name: as a config has it.

    >>> is_reference("optax:lion"), is_reference("models.py:Net"), is_reference("models.py"), is_reference("cnn")
    (True, True, True, False)
    """
    return isinstance(name, str) and (":" in name or _is_file(name))


def canonical(reference: str, *, what: str = "name", folders: Sequence[Path] = ()) -> str:
    """Returns the canonical form of a reference. Nothing is imported.

    Args:
      reference: ``package.module:Name`` or ``path/file.py:Name``; ``~`` is the home directory.
      what: what the reference is for, in errors, e.g. ``"model.name"``.
      folders: where files, and modules that Python does not find by itself, are looked for: the first that has them.
        Without any: in the current directory.

    Raises:
      ValueError: it has not one of the two forms, or there is no such file or module; names the nearest.

    >>> canonical("math:factorial")
    'math:factorial'
    >>> canonical("mathh:factorial")
    Traceback (most recent call last):
    ...
    ValueError: cannot find the module mathh of name 'mathh:factorial', neither in Python's path nor in ...; did you
    mean 'math:factorial'?
    """
    where, name = _split(reference, what)
    folders = [folder.absolute() for folder in folders] or [Path.cwd()]
    if _is_file(where):
        return f"{_file(where, reference, what, folders)}:{name}"
    if is_installed(where.partition(".")[0]):
        return reference
    for folder in folders:
        place = folder.joinpath(*where.split("."))
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                return f"{file.resolve()}:{name}"
    raise _no_module(where, name, reference, what, folders)


def load(reference: str, *, what: str = "name", folders: Sequence[Path] = ()) -> Any:
    """Returns the object that a reference names; dots behind the colon reach into objects.

    A file is run once in a process. It finds the modules beside it, and belongs to the package whose ``__init__.py`` is
    beside it.

    Args:
      reference: see `canonical`.
      what: what the reference is for, in errors.
      folders: see `canonical`.

    Raises:
      ValueError: there is no such module, file or name, or importing it raised an exception: then with its file and
        line.

    >>> load("math:factorial")(5)
    120
    >>> load("math:factorail")
    Traceback (most recent call last):
    ...
    ValueError: unknown name in math 'factorail'; allowed: ...; did you mean 'factorial'?
    """
    where, name = _split(canonical(reference, what=what, folders=folders), what)
    found: Any = _imported(where)
    for part in name.split("."):
        if not hasattr(found, part):
            public = [n for n in vars(found) if not n.startswith("_") and callable(getattr(found, n))]
            raise unknown(f"name in {where}", part, public or dir(found))
        found = getattr(found, part)
    return found


def reference_of(found: Any, what: str = "name") -> str:
    """Returns the reference of a class or function; the inverse of `load`.

    Args:
      found: the class or function.
      what: what the reference is for, in errors.

    Raises:
      ValueError: it is not at the top level of a module, or of a module that no other process could import.

    >>> import math
    >>> reference_of(math.factorial)
    'math:factorial'
    """
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", "")
    if not module or not name or "<" in name:
        raise invalid(what, f"{module}:{name}", "a class or function at the top level of a module")
    origin = getattr(sys.modules.get(module), "__file__", None)
    if module != "__main__" and (is_installed(module.partition(".")[0]) or origin is None):
        return f"{module}:{name}"
    if origin is None:
        raise invalid(what, f"{module}:{name}", "a class or function of a module or file, which a run can be read with")
    return f"{Path(origin).resolve()}:{name}"


def said(error: BaseException) -> str:
    """Returns an exception in one line, with the file and line, of somebody's own code, where it was raised.

    Args:
      error: any exception.

    >>> said(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    place, message = place_in_own_code(error), str(error)
    if isinstance(error, SyntaxError) and error.filename:
        message = error.msg
    text = f"{type(error).__name__}: {' '.join(message.split())[:300]}".removesuffix(": ")
    return f"{text} ({place[0]}, line {place[1]})" if place else text


def place_in_own_code(error: BaseException) -> tuple[str, int | None] | None:
    """Returns the file and line, of somebody's own code, where an exception was raised; None where it passed none.

    Args:
      error: any exception.

    >>> print(place_in_own_code(ZeroDivisionError("division by zero")))
    None
    """
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    folders = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib", "scripts"))
    libraries = (*folders, "<frozen", _PACKAGE)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(libraries)]
    return (frames[-1].filename, frames[-1].lineno) if frames else None


@contextlib.contextmanager
def somebodys_code(before: str) -> Iterator[None]:
    """Turns whatever somebody's own code raises into a ValueError that says where: also what is no `Exception`.

    ``SystemExit`` and ``GeneratorExit`` would end the process as if all had been done. `KeyboardInterrupt` is the
    user's, and passes.

    Args:
      before: begins the message.

    Raises:
      ValueError: in place of what the code raised.

    >>> with somebodys_code("cannot import models.py: "):
    ...     sys.exit(0)
    Traceback (most recent call last):
    ...
    ValueError: cannot import models.py: SystemExit: 0 (..., line 2)
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ValueError(f"{before}{said(error)}") from error


def _split(reference: str, what: str) -> tuple[str, str]:
    """The module or file of a reference, and the name in it."""
    where, colon, name = reference.rpartition(":")
    if not colon or not where or not all(part.isidentifier() for part in name.split(".")):
        example = f"{reference}:Name" if _is_file(reference) else "my_package.my_models:Net"
        raise invalid(what, reference, " or ".join(FORMS), example)
    if _is_file(where) and not where.endswith(".py"):
        raise invalid(what, reference, "a file that ends in .py, with :Name behind it", f"{where}.py:{name}")
    if not _is_file(where) and not all(part.isidentifier() for part in where.split(".")):
        raise invalid(what, reference, " or ".join(FORMS), "my_package.my_models:Net")
    return where, name


def _is_file(where: str) -> bool:
    return where.endswith(".py") or os.sep in where


def _file(where: str, reference: str, what: str, folders: Sequence[Path]) -> Path:
    path = local_path(where, what)
    places = [path] if path.is_absolute() else [folder / path for folder in folders]
    for place in places:
        if place.is_file():
            return place.resolve()
    looked = " and ".join(dict.fromkeys(str(place.parent.resolve()) for place in places))
    files = [file.name for place in places for file in sorted(place.parent.glob("*.py"))]
    close = nearest(path.name, files)
    hint = f"; did you mean {reference.replace(path.name, close)!r}?" if close else ""
    raise ValueError(
        f"invalid {what} {reference!r}; allowed: a Python file that exists, but {looked} has no {path.name}{hint}"
    )


def _no_module(where: str, name: str, reference: str, what: str, folders: Sequence[Path]) -> ValueError:
    beside = {file.stem for folder in folders for file in folder.glob("*.py")}
    close = nearest(where, sorted(beside)) or nearest(where, [n for n in sys.modules if not n.startswith("_")])
    hint = f"; did you mean '{close}:{name}'?" if close else ""
    looked = " or ".join(dict.fromkeys(map(str, folders)))
    return ValueError(
        f"cannot find the module {where} of {what} {reference!r}, neither in Python's path nor in {looked}{hint}"
    )


def is_installed(top: str) -> bool:
    """Whether Python finds a top-level module by itself, wherever it is started."""
    if top in sys.builtin_module_names:
        return True
    own = {"", ".", *_folders}
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        path = [entry for entry in sys.path if entry not in own] if finder is PathFinder else None
        spec: ModuleSpec | None = find(top, path) if find is not None else None
        if spec is not None and spec.origin is None and not spec.submodule_search_locations:
            continue
        if spec is not None:
            return True
    return False


def _imported(where: str) -> ModuleType:
    """The module of a canonical reference."""
    with somebodys_code(f"cannot import {where}: "):
        return _run_file(Path(where)) if _is_file(where) else importlib.import_module(where)


def _run_file(file: Path) -> ModuleType:
    """The module of a file: under its own name, in its package, where those are free."""
    for module in list(sys.modules.values()):
        origin = getattr(module, "__file__", None)
        if origin and module.__name__ != "__main__" and Path(origin).name == file.name and _same(origin, file):
            return module
    root, packages, name = _place(file)
    if str(root) not in sys.path:
        sys.path.append(str(root))  # last: what lies beside this file hides no installed module
        _folders.append(str(root))
    if packages and _is_package(packages[0], root):
        return importlib.import_module(".".join([*packages, name]))
    if name in sys.modules or is_installed(name):
        name = f"{name}_{zlib.crc32(str(file).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _place(file: Path) -> tuple[Path, list[str], str]:
    """The folder that the module in a file is imported from, the packages that it is in, and its own name."""
    packages: list[str] = []
    folder = file.parent
    while (folder / "__init__.py").is_file():
        packages.insert(0, folder.name)
        folder = folder.parent
    name = packages.pop() if file.name == "__init__.py" else file.stem
    return folder, packages, name


def _is_package(name: str, root: Path) -> bool:
    """Whether importing a package gives the one in this folder, and not another of the same name."""
    if name not in sys.modules and is_installed(name):
        return False
    importlib.invalidate_caches()
    return _same(getattr(importlib.import_module(name), "__file__", None) or "", root / name / "__init__.py")


def _same(one: str, other: Path) -> bool:
    return Path(one).resolve() == other
