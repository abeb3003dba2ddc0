"""CONTRIBUTING.md and the README name files, rooms and commands that are there."""

import re
import tomllib
from pathlib import Path

import pytest

from geomdl.cli.main import VERBS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMANDS = "\n".join(re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)).splitlines()


def test_files_that_the_recipes_name_are_there():
    named = set(re.findall(r"`((?:geomdl|tests|experiments|paper_figures|configs|docs)/[\w/.]*)`", GUIDE))
    assert len(named) > 15
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_recipes_name_what_is_there(command: str):
    """The paths of tests and scripts, modules, verbs and configs; the commands themselves are too long to run here."""
    for path in re.findall(r"(?<=\s)((?:tests|geomdl|experiments)/[\w/]+(?:\.py)?)", command):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"python -m (experiments[\w.]+)", command):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module
    for verb in re.findall(r"^geomdl (\w+)", command):
        assert verb in VERBS
    for config in re.findall(r"--config=(\w+)", command):
        assert (ROOT / "configs" / f"{config}.py").exists(), config


def test_every_package_and_room_is_on_the_map():
    """The rooms of the import rules, in CONTRIBUTING.md; the packages also in the README."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    rooms = [(c, room) for rule in rules for c in rule.get("containers", ()) for room in _rooms(c, rule["layers"])]
    assert len(rooms) > 40
    guide = GUIDE.split("## The rooms")[1].split("##")[0]
    assert not [room for room in rooms if room[1] not in guide]
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## Finding your way")[1].split("##")[0]
    assert not [room for room in rooms if room[0] == "geomdl" and room[1] not in readme]


def _rooms(container: str, layers: list[str]) -> list[str]:
    rooms = [room for layer in layers for room in layer.split(" | ")]
    return [room for room in rooms if (ROOT / container.replace(".", "/") / room).is_dir()]
