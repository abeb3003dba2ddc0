"""Runs a study and draws its figure.

  geomdl reproduce quickstart
  geomdl reproduce quickstart --preset=full --out=out/quickstart-full
  geomdl reproduce all                       # every figure, with out/index.html; goes on where it stopped

The study is experiments/NAME.py, which writes CSV files (runs that are already there are not repeated); the figure is
paper_figures/NAME.py, which reads them. Both belong to a checkout of geomdl. `geomdl list figures` lists the names.
"""

import argparse
import ast
import csv
import hashlib
import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

from geomdl.cli.support.checkout import checkout, first_line, scripts
from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.figure_index import Made, write_index
from geomdl.cli.support.parser import UsageError
from geomdl.cli.support.path_option import PathOption
from geomdl.cli.support.quiet import quiet_libraries
from geomdl.errors import unknown
from geomdl.training import write_json

ALL = "all"
PRESETS = ("fast", "full")
_DONE = "reproduced.json"
_ELSEWHERE = "in the environment"
"""What errors say about data that a user has to name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("name", help="of the study and its figure, or all")
    parser.add_argument("--preset", default="fast", help="fast (the default: minutes on a laptop) or full")
    parser.add_argument(
        "--out", action=PathOption, help="directory for CSV files and figures (default: out/NAME; of all: out)"
    )
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the study, draws the figure, and prints what was seen."""
    root = checkout()
    if root is None:
        raise UsageError(
            "studies and figures belong to a checkout of geomdl; clone the repository and pip install -e ."
        )
    everything = arguments.name == ALL
    if not everything and arguments.name not in scripts("paper_figures"):
        raise unknown("figure", arguments.name, [*scripts("paper_figures"), ALL])
    if arguments.preset not in PRESETS:
        raise unknown("preset", arguments.preset, list(PRESETS))
    out = Path(arguments.out or ("out" if everything else f"out/{arguments.name}"))
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out={out} is a file; choose a directory")
    out.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(root))
    quiet_libraries()
    if everything:
        return _all(out, arguments.preset)
    started = time.perf_counter()
    study, pictures = _drawn(arguments.name, arguments.preset, out)
    for path in pictures:
        print(path)
    for sentence in _said(study, out):
        print(sentence)
    for sentence in _contradicted(study, out) or ():
        print(f"contradicted: {sentence}")
    print(f"done in {time.perf_counter() - started:.0f} s")
    return 0


def _all(out: Path, preset: str) -> int:
    """Makes every figure that is not there yet, and the page of all of them; 1 where one failed."""
    made: list[Made] = []
    names = list(scripts("paper_figures"))
    for place, name in enumerate(names, 1):
        found = _there(out / name, name, preset)
        if found is None:
            print(f"{place}/{len(names)} {name} …", flush=True)
            found = _made(out / name, name, preset)
        print(f"{place}/{len(names)} {name}: {found.state}, {found.seconds:.0f} s", flush=True)
        made.append(found)
        write_index(out, made)
    print(out / "index.html")
    return int(any(one.state == "failed" for one in made))


def _made(folder: Path, name: str, preset: str) -> Made:
    """Runs one study and draws its figure, and writes down what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    about = {"name": name, "preset": preset, "title": first_line(_description(name)), "claim": _claim(name)}
    try:
        study, pictures = _drawn(name, preset, folder)
        against = _contradicted(study, folder)
        state = "not judged" if against is None else "contradicts" if against else "agrees"
        said, against = tuple(_said(study, folder)), tuple(against or ())
        inside = tuple(str(path.relative_to(folder)) for path in pictures)
    except Exception as error:
        seconds = time.perf_counter() - started
        if isinstance(error, ImportError) or _ELSEWHERE in str(error):
            return Made(**about, state="not made", said=(str(error),), seconds=seconds)
        traceback.print_exc()
        return Made(**about, state="failed", said=(f"{type(error).__name__}: {error}",), seconds=seconds)
    made = Made(
        **about, state=state, seconds=time.perf_counter() - started, seeds=_seeds(folder), said=said,
        contradicted=against, pictures=inside, digest=_digest(name),
    )  # fmt: skip
    write_json(folder / _DONE, made.values())
    return made


def _there(folder: Path, name: str, preset: str) -> Made | None:
    """What came of a figure that has been made with this preset by the scripts as they are now; None for others."""
    try:
        made = Made.of(json.loads((folder / _DONE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    same = (made.name, made.preset, made.digest) == (name, preset, _digest(name))
    return made if same and all((folder / picture).exists() for picture in made.pictures) else None


def _drawn(name: str, preset: str, out: Path) -> tuple[ModuleType | None, list[Path]]:
    """The module of a study, which has been run, and the files of its figure."""
    study = _module("experiments", name)
    if study is not None:
        study.run(preset, out)
    drawing = _module("paper_figures", name)
    assert drawing is not None  # noqa: S101  (it is listed)
    return study, list(drawing.draw(out))


def _said(study: ModuleType | None, out: Path) -> list[str]:
    return study.conclusions(out) if study is not None and hasattr(study, "conclusions") else []


def _contradicted(study: ModuleType | None, out: Path) -> list[str] | None:
    """What of a study's claim its tables contradict; None where it does not judge itself."""
    return study.contradicted(out) if study is not None and hasattr(study, "contradicted") else None


def _description(name: str) -> Path:
    return scripts("experiments").get(name) or scripts("paper_figures")[name]


def _claim(name: str) -> str:
    """The paragraph of the description that begins with "Claim", in one line; else its second paragraph."""
    try:
        text = ast.get_docstring(ast.parse(_description(name).read_text(encoding="utf-8"))) or ""
    except (SyntaxError, UnicodeDecodeError):
        return ""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    claims = [part for part in paragraphs if part.startswith("Claim")] or paragraphs[2:3]
    return claims[0].removesuffix(" Writes").replace("``", "").replace("`", "") if claims else ""


def _digest(name: str) -> str:
    """Of the scripts that make a figure."""
    found = [scripts(folder).get(name) for folder in ("experiments", "paper_figures")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in found if path)).hexdigest()[:16]


def _seeds(folder: Path) -> int:
    """Those of ``summary.csv``, which has a row for each run; without it, the most that another table has."""
    counts = {table.stem: _seeds_of(table) for table in folder.glob("*.csv")}
    return counts.get("summary", 0) or max(counts.values(), default=0)


def _seeds_of(table: Path) -> int:
    """How many different seeds a table has, or how many its rows say that they are a mean of."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and "seed" in rows[0]:
        return len({row["seed"] for row in rows})
    return max((int(row["seeds"]) for row in rows if row.get("seeds", "").isdigit()), default=0)


def _module(folder: str, name: str) -> ModuleType | None:
    return importlib.import_module(f"{folder}.{name}") if name in scripts(folder) else None
