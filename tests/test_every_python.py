"""The script that runs the tests on every Python: what it finds, what it would run, and how a failure ends."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def script(monkeypatch):
    spec = importlib.util.spec_from_file_location("every_python", ROOT / "tests" / "every_python.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "every_python", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pythons(script, monkeypatch):
    versions = {"a": (3, 10, 9), "b": (3, 11, 2), "c": (3, 11, 7), "d": None, "e": (3, 13, 0)}
    monkeypatch.setattr(script, "ask_version", lambda python: versions[python.name])
    return [Path(name) for name in versions]


def test_the_newest_of_each_version_and_the_lowest_packages_on_the_oldest(script, pythons):
    found = script.environments(pythons, (3, 11))
    assert [(e.name, str(e.python), e.lowest) for e in found] == [
        ("3.11", "c", False),
        ("3.13", "e", False),
        ("lowest", "c", True),
    ]


def test_the_oldest_is_read_from_pyproject(script, tmp_path):
    assert script.oldest_supported(ROOT / "pyproject.toml") == (3, 11)
    (tmp_path / "pyproject.toml").write_text("[project]\nrequires-python = '==3.12'\n")
    with pytest.raises(ValueError, match=r"'==3.12'"):
        script.oldest_supported(tmp_path / "pyproject.toml")


def test_this_python_is_at_hand_and_nonsense_is_not(script, tmp_path):
    assert script.ask_version(Path(sys.executable)) == sys.version_info[:3]
    assert script.ask_version(tmp_path / "python3") is None
    assert script.ask_version(tmp_path) is None


def test_each_environment_takes_its_versions_from_pyproject_and_its_arguments_from_the_caller(script):
    new = script.Environment(Path(sys.executable), (3, 12, 1))
    for environment, words in [
        (new, "-m pip .[dev] -W error tests/groups"),
        (dataclasses.replace(new, lowest=True), "-m uv lowest-direct .[dev] tests/groups"),
    ]:
        said = [word for command in environment.commands(Path("venv"), ["tests/groups"]).values() for word in command]
        assert set(words.split()) <= set(said)
    assert ("-W" in said) is False  # such old packages warn of each other


def test_a_failure_is_in_the_table_in_the_exit_status_and_in_the_log(script, pythons, monkeypatch, tmp_path, capsys):
    """With commands that fail on one of the Pythons."""

    def commands(environment, folder, arguments):
        fails = environment.version == (3, 13, 0)
        return {"test": [sys.executable, "-c", f"print({arguments[0]!r}, 'passed'); raise SystemExit({int(fails)})"]}

    monkeypatch.setattr(script, "candidates", lambda: pythons)
    monkeypatch.setattr(script.Environment, "commands", commands)
    assert script.main(["--logs", str(tmp_path / "logs"), "--", "tests/groups"]) == 1
    said = capsys.readouterr().out
    table = [line.split() for line in said.splitlines()[-4:]]
    assert [(row[0], row[5]) for row in table] == [
        ("environment", "result"),
        ("3.11", "passed"),
        ("3.13", "FAILED"),
        ("lowest", "passed"),
    ]
    assert "tests/groups passed" in (tmp_path / "logs" / "3.13.log").read_text()
    assert script.main(["--only", "3.11", "lowest", "--", "tests/groups"]) == 0
    with pytest.raises(SystemExit):
        script.main(["--only", "3.14"])
    assert "at hand: 3.11, 3.13, lowest" in capsys.readouterr().err
