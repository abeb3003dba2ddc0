"""The guides in docs/: every command and every piece of Python in them runs, in an empty folder, from top to bottom."""

import re
import shlex
import sys
from pathlib import Path

import jax
import pytest

from geomdl.cli.main import main

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = (
    "your_model", "audit_orientation",
)  # fmt: skip
LONG = (
    "your_data", "features", "pretrained", "fine_tuning", "audit_in_ci", "three_dimensions", "your_loop", "coming_from",
    "recipes", "weights", "your_layer",
)  # fmt: skip
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"\s+# exit status (\d)$")
"""What a command ends with that ends in another exit status than 0."""


_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # geomdl is imported before its plug-in is, in here


@pytest.mark.parametrize("name", [*GUIDES, *(pytest.param(name, marks=pytest.mark.long) for name in LONG)])
@jax.numpy_dtype_promotion("standard")  # as users have it
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
            expected = STATUS.search(line)
            assert _status(STATUS.sub("", line)) == int(expected[1] if expected else 0), line
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[module]


def _status(line):
    """The exit status of a line of a shell: a command of geomdl, or pytest."""
    program, *arguments = shlex.split(line, comments=True)
    assert program in ("geomdl", "pytest"), line
    if program == "geomdl":
        return main(arguments)
    return pytest.main(["--rootdir=.", "-p", "no:cacheprovider", *_QUIET, *arguments])


@pytest.mark.parametrize("name", [*GUIDES, *LONG])
def test_links_of_a_guide_lead_somewhere(name):
    """The files that it points to, and the README to it."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (DOCS / link).exists(), link
    assert f"docs/{name}.md" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
