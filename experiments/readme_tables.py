"""The tables of the README, made from the committed CSV files.

    python experiments/readme_tables.py     # rewrites the tables in README.md

tests/test_tables.py checks that the README holds what this prints.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "experiments" / "results"


def quickstart() -> str:
    """The summary of the quickstart, mean over seeds."""
    from geomdl.plots.tables import mean_over, read_csv, to_markdown
    from paper_figures.quickstart import TABLE

    rows = read_csv(RESULTS / "quickstart" / "summary.csv", ("seed", *(c.key for c in TABLE)), "the full preset")
    return to_markdown(mean_over(rows, over="seed", by=["model"]), TABLE)


def commands() -> str:
    """What the main commands do, with measured times."""
    from geomdl.plots.tables import Column, read_csv, to_markdown

    rows = read_csv(RESULTS / "timings.csv", ("command", "what", "seconds", "expect"), "the commands by hand")
    columns = (
        Column("command", "Command", lambda command: f"`{command}`"),
        Column("what", "What it does"),
        Column("seconds", "Time, 2 CPU cores", _duration),
        Column("expect", "What to expect"),
    )
    return to_markdown(rows, columns)


def _duration(seconds: float | str) -> str:
    if isinstance(seconds, str):
        return seconds
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


TABLES = {"quickstart": quickstart, "commands": commands}


def filled(text: str) -> str:
    """The README with every table made anew between its markers."""
    for name, make in TABLES.items():
        block = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- /{name} -->", lambda _, b=block: b, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")
