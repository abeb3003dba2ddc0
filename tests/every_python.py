"""Runs the README's test command on every Python at hand, and once with the lowest versions that pyproject.toml allows.

    python tests/every_python.py                                      # everything; about ten minutes an environment
    python tests/every_python.py -- tests/groups                      # a selection: what follows -- goes to pytest
    python tests/every_python.py --only 3.13 lowest --logs out/logs   # two environments, and what they printed
    python tests/every_python.py --list                               # what would run, without running it

Every environment is a fresh virtual one that is removed afterwards. On each Python, `pip install -e ".[dev]"` takes the
newest versions, and deprecations are errors: they tell us what to mend. The lowest versions are found on the oldest
Python by `uv pip install --resolution lowest-direct`, from pyproject.toml itself: of each dependency named there the
lowest that it allows, of what those depend on the newest. Such old packages warn of each other, so that deprecations
are only shown there, and the type checker is left out: it judges by annotations that they have not yet. A line of the
closing table tells of each environment; the exit status is 1 if one of them failed.

Nothing but Python and a package index is needed; pip puts uv into the environment that it resolves for. Interpreters
are found on the PATH and where pyenv and uv keep theirs. uv does not read pip's settings: another index than PyPI is
named to it by UV_DEFAULT_INDEX, for which PIP_INDEX_URL is taken where that alone is set.
"""

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

SHOWN = ("jax", "flax", "numpy")
"""Packages whose versions stand in the table."""

TYPES = "tests/test_quality.py::test_types"
"""Judges our annotations by those of the packages installed; old ones have fewer, and some that are wrong."""

CACHE = "ignore:Error reading persistent compilation cache entry:UserWarning"
"""A worker reads what another one is writing, and compiles it itself; see pyproject.toml."""

LINES = 25
"""Of what a failed command printed, as many are shown."""

_VERSION = "import sys; v = sys.version_info; print(*v[:3], v.releaselevel, getattr(sys, 'abiflags', ''))"
_PACKAGES = f"from importlib.metadata import version; print(*(version(name) for name in {SHOWN}))"

Version = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Environment:
    """A virtual environment: a Python, and the newest or the lowest versions of what geomdl depends on."""

    python: Path
    version: Version
    lowest: bool = False

    @property
    def name(self) -> str:
        """As ``--only`` takes it."""
        return "lowest" if self.lowest else f"{self.version[0]}.{self.version[1]}"

    def commands(self, folder: Path, arguments: Sequence[str]) -> dict[str, list[str]]:
        """Those that create it in a folder, install geomdl and run the tests, by what they do."""
        python = str(_python_of(folder))
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        create = {"create": [str(self.python), "-m", "venv", str(folder)]}
        if not self.lowest:
            test = [python, "-m", "pytest", "-W", "error", "-W", CACHE, *arguments]
            return create | {"install": [*pip, "--editable", ".[dev]"], "test": test}
        uv = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct"]
        test = [python, "-m", "pytest", "--deselect", TYPES, *arguments]
        return create | {"install uv": [*pip, "uv"], "install": [*uv, "--editable", ".[dev]"], "test": test}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of an environment: its line of the table."""

    environment: Environment
    failed: str | None
    seconds: float
    versions: Sequence[str]
    summary: str

    @property
    def row(self) -> list[str]:
        """The cells of the table."""
        python = ".".join(map(str, self.environment.version))
        result = f"FAILED ({self.failed})" if self.failed else "passed"
        return [self.environment.name, python, *self.versions, result, f"{self.seconds:.0f} s", self.summary]


def oldest_supported(pyproject: Path) -> tuple[int, int]:
    """The lower bound of ``requires-python``."""
    required = tomllib.loads(pyproject.read_text())["project"]["requires-python"]
    found = re.search(r">=\s*(\d+)\.(\d+)", required)
    if not found:
        raise ValueError(f"no lower bound of the form '>=3.11' in requires-python = {required!r} of {pyproject}")
    return int(found[1]), int(found[2])


def candidates() -> Iterator[Path]:
    """Everything that looks like an interpreter; the one that runs this first."""
    yield Path(sys.executable)
    for folder in os.get_exec_path():
        for name in ("python3", "python3.??", "python", "python.exe"):
            yield from sorted(Path(folder).glob(name)) if folder else []
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local" / "share" / "uv" / "python"))
    for folder in (pyenv, uv):
        yield from sorted([*folder.glob("*/bin/python3"), *folder.glob("*/python.exe")])


def ask_version(python: Path) -> Version | None:
    """That of an interpreter; None for what does not run, is no release, or has no global lock."""
    try:
        asked = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.fullmatch(r"(\d+) (\d+) (\d+) final ?", asked.stdout.rstrip("\n"))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def environments(found: Iterable[Path], oldest: tuple[int, int]) -> list[Environment]:
    """One for each minor version from the oldest up, of its newest release; on the first also the lowest versions."""
    newest: dict[tuple[int, int], Environment] = {}
    for python in dict.fromkeys(found):
        version = ask_version(python)
        if version is None or version[:2] < oldest:
            continue
        known = newest.get(version[:2])
        if known is None or known.version < version:
            newest[version[:2]] = Environment(python, version)
    ordered = [newest[minor] for minor in sorted(newest)]
    return [*ordered, *(dataclasses.replace(first, lowest=True) for first in ordered[:1])]


def run(environment: Environment, arguments: Sequence[str], log: Path) -> Outcome:
    """Creates an environment, runs its commands in the checkout until one fails, and removes it."""
    began, failed = time.monotonic(), None
    with tempfile.TemporaryDirectory(prefix="geomdl-versions-") as folder, log.open("w+") as output:
        place = Path(folder) / "venv"
        for step, command in environment.commands(place, arguments).items():
            print("$", *command, file=output, flush=True)
            if subprocess.run(command, cwd=ROOT, env=_clean(), stdout=output, stderr=output, check=False).returncode:
                failed = step
                break
        versions = _installed(place)
        output.seek(0)
        lines = output.read().splitlines()
    if failed:
        print(f"{environment.name}: to {failed} failed; its last lines:", *lines[-LINES:], sep="\n  ", flush=True)
    outcome = Outcome(environment, failed, time.monotonic() - began, versions, lines[-1].strip("= "))
    print(f"{environment.name}: {'failed' if failed else 'passed'} after {outcome.seconds:.0f} s", flush=True)
    return outcome


def _installed(place: Path) -> list[str]:
    """The versions of the packages that the table shows; dashes where they could not be installed."""
    python = _python_of(place)
    if not python.exists():
        return ["-"] * len(SHOWN)
    asked = subprocess.run([python, "-c", _PACKAGES], capture_output=True, text=True, check=False)
    return asked.stdout.split() or ["-"] * len(SHOWN)


def _python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _clean() -> dict[str, str]:
    """The variables of this process without those that would let other installations in."""
    left = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "GEOMDL_TESTS")
    kept = {name: value for name, value in os.environ.items() if name not in left}
    if "PIP_INDEX_URL" in kept:
        kept.setdefault("UV_DEFAULT_INDEX", kept["PIP_INDEX_URL"])
    return kept


def table(outcomes: Sequence[Outcome]) -> str:
    """All outcomes, aligned."""
    rows = [["environment", "Python", *SHOWN, "result", "time", "summary"], *(outcome.row for outcome in outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(arguments: Sequence[str]) -> int:
    """The command."""
    ours, theirs = (list(arguments), [])
    if "--" in ours:
        ours, theirs = ours[: ours.index("--")], ours[ours.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="such as 3.12, or lowest (default: all at hand)")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keeps what each environment printed, NAME.log")
    parser.add_argument("--list", action="store_true", help="shows the environments and runs nothing")
    options = parser.parse_args(ours)

    planned = environments(candidates(), oldest_supported(ROOT / "pyproject.toml"))
    names = [environment.name for environment in planned]
    if wrong := [name for name in options.only or [] if name not in names]:
        parser.error(f"no environment {', '.join(wrong)}; at hand: {', '.join(names) or 'none'}")
    planned = [environment for environment in planned if not options.only or environment.name in options.only]
    for environment in planned:
        print(f"{environment.name}: {'.'.join(map(str, environment.version))} at {environment.python}", flush=True)
    if options.list:
        return 0
    if not planned:
        parser.error("no Python at hand that pyproject.toml allows")

    logs = options.logs or Path(tempfile.mkdtemp(prefix="geomdl-logs-"))
    logs.mkdir(parents=True, exist_ok=True)
    outcomes = [run(environment, theirs, logs / f"{environment.name}.log") for environment in planned]
    if not options.logs:
        shutil.rmtree(logs)
    print(table(outcomes))
    return int(any(outcome.failed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
