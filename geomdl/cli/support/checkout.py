"""The checkout that an editable installation of geomdl lives in: configs, experiments and figure scripts."""

import ast
from pathlib import Path

import geomdl


def checkout() -> Path | None:
    """Returns the directory above the installed package if it is a checkout, else None."""
    root = Path(geomdl.__file__).resolve().parents[1]
    return root if (root / "configs").is_dir() and (root / "paper_figures").is_dir() else None


def scripts(folder: str) -> dict[str, Path]:
    """Returns the Python files of a folder of the checkout by name; none outside a checkout."""
    root = checkout()
    files = sorted((root / folder).glob("*.py")) if root else []
    return {f.stem: f for f in files if not f.stem.startswith("_")}


def first_line(path: Path) -> str:
    """Returns the first line of the docstring of a Python file, which is not run."""
    try:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (SyntaxError, UnicodeDecodeError):
        return "(cannot be read)"
    return text.partition("\n")[0]
