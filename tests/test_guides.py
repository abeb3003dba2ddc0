"""The guides in docs/: every command and every piece of Python in them runs, in an empty folder, from top to bottom."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from geomdl.cli.main import main

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["audit_orientation", "your_data"])
def test_a_guide_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before, names = set(sys.modules), {"__name__": "guide"}
    for language, text in BLOCK.findall((DOCS / f"{name}.md").read_text(encoding="utf-8")):
        file = re.match(r"# (\w+\.py)\n", text)
        if file is not None:
            Path(file[1]).write_text(text)
        elif language == "python":
            exec(compile(text, f"{name}.md", "exec"), names)
        for line in text.splitlines() if language == "bash" else ():
            assert main([*shlex.split(line)[1:]]) == 0, line
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[module]
