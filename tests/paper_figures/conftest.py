"""Studies and figure scripts are files of the checkout: they are loaded by path, as the command does; their tables."""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from geomdl.plots import Value, read_csv, write_csv

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def load() -> Callable[[str], ModuleType]:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))

    def load_file(path: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), ROOT / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_file


Change = tuple[str, Mapping[str, Value], Mapping[str, Value], str]
"""A table, which of its rows, other values for them, and what of the claim that contradicts."""


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[Path, Sequence[Change]], Path]:
    """Copies the tables of a study, with other values in some rows."""

    def copy(results: Path, changes: Sequence[Change]) -> Path:
        for file in results.iterdir():
            if file.is_file():
                (tmp_path / file.name).write_bytes(file.read_bytes())
        for name in {change[0] for change in changes}:
            rows = read_csv(results / f"{name}.csv", [], "")
            for _, where, values, _ in (change for change in changes if change[0] == name):
                chosen = [row for row in rows if where.items() <= row.items()]
                assert chosen, where
                for row in chosen:
                    row.update(values)
            write_csv(tmp_path / f"{name}.csv", rows)
        return tmp_path

    return copy
