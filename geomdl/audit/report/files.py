"""Writes the files of an audit: page, JSON and badge."""

from pathlib import Path

from geomdl.audit.report.badge import badge_line, badge_svg
from geomdl.audit.report.html import render
from geomdl.audit.report.report import Audit
from geomdl.errors import invalid
from geomdl.paths import local_path


def write(report: Audit, folder: Path | str) -> list[Path]:
    """Writes ``audit.html``, ``audit.json``, ``badge.md`` and ``badge.svg``; makes the folder when it is missing.

    Raises:
      ValueError: when the folder is a file.
    """
    folder = local_path(folder, "folder of the report")
    if folder.exists() and not folder.is_dir():
        raise invalid("folder for the audit", str(folder), "a folder, but this is a file")
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "audit.html": render(report),
        "audit.json": report.to_json(),
        "badge.md": badge_line(report) + "\n",
        "badge.svg": badge_svg(report),
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in contents]
