"""The table of sampled cases, tests/sampled.py, names tests and cases that are there."""

import runpy
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAMPLED = runpy.run_path(str(HERE / "sampled.py"))
TAKEN = SAMPLED["TAKEN"]


def test_every_name_is_that_of_a_test() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.rglob("test_*.py"))
    assert [name for name in TAKEN if f"\ndef {name}(" not in text] == []


def test_every_example_is_there() -> None:
    for name in SAMPLED["LONG_EXAMPLES"]:
        module, _, what = name.rpartition(".")
        text = (HERE.parent / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert f"\nclass {what}(" in text or f"\ndef {what}(" in text, name


def test_every_pattern_names_a_case(request: pytest.FixtureRequest) -> None:
    cases: dict[str, list[str]] = {}
    for item in request.session.items:
        name, _, case = item.name.partition("[")
        cases.setdefault(name, []).append(case.removesuffix("]"))
    sampled = {name: patterns for name, patterns in TAKEN.items() if patterns}
    if not set(sampled) <= set(cases):
        pytest.skip("only some of the tests were collected")
    without = [
        (n, p) for n, patterns in sampled.items() for p in patterns if not any(fnmatchcase(c, p) for c in cases[n])
    ]
    assert without == []
