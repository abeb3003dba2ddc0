"""Runs a study and draws its figure.

  geomdl reproduce quickstart
  geomdl reproduce quickstart --preset=full --out=out/quickstart-full

The study is experiments/NAME.py, which writes CSV files (runs that are already there are not repeated); the figure is
paper_figures/NAME.py, which reads them. Both belong to a checkout of geomdl. `geomdl list figures` lists the names.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType

from geomdl.cli.support.checkout import checkout, scripts
from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.parser import UsageError
from geomdl.cli.support.path_option import PathOption
from geomdl.cli.support.quiet import quiet_libraries
from geomdl.errors import unknown

PRESETS = ("fast", "full")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("name", help="of the study and its figure")
    parser.add_argument("--preset", default="fast", help="fast (the default: minutes on a laptop) or full")
    parser.add_argument("--out", action=PathOption, help="directory for CSV files and figures (default: out/NAME)")
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the study, draws the figure, and prints what was seen."""
    root = checkout()
    if root is None:
        raise UsageError(
            "studies and figures belong to a checkout of geomdl; clone the repository and pip install -e ."
        )
    if arguments.name not in scripts("paper_figures"):
        raise unknown("figure", arguments.name, list(scripts("paper_figures")))
    if arguments.preset not in PRESETS:
        raise unknown("preset", arguments.preset, list(PRESETS))
    out = Path(arguments.out or f"out/{arguments.name}")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out={out} is a file; choose a directory")
    out.mkdir(parents=True, exist_ok=True)

    started = time.perf_counter()
    sys.path.insert(0, str(root))
    quiet_libraries()
    study = _module("experiments", arguments.name)
    if study is not None:
        study.run(arguments.preset, out)
    drawing = _module("paper_figures", arguments.name)
    assert drawing is not None  # noqa: S101  (it is listed above)
    for path in drawing.draw(out):
        print(path)
    for sentence in study.conclusions(out) if study is not None and hasattr(study, "conclusions") else []:
        print(sentence)
    print(f"done in {time.perf_counter() - started:.0f} s")


def _module(folder: str, name: str) -> ModuleType | None:
    return importlib.import_module(f"{folder}.{name}") if name in scripts(folder) else None
