"""Numbers in the README are those of committed CSV files, and sentences about them are computed."""

import contextlib
import csv
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "experiments" / "results"


@pytest.fixture(autouse=True)
def _checkout_on_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))


def _rows(name: str) -> list[dict[str, str]]:
    with (RESULTS / "quickstart" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


PAGES = [
    "README.md",
    "docs/benchmarks.md",
    "docs/nuclei.md",
    "docs/initialization.md",
    "docs/depth_width_symmetry.md",
    "docs/features.md",
    "docs/pretrained.md",
    "docs/noether.md",
    "docs/why_symmetry.md",
    "docs/detection.md",
    "docs/dimensions_and_perceptrons.md",
    "docs/three_dimensions.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_are_the_csv_files(page: str):
    from experiments.tables.pages import TABLES, filled

    text = (ROOT / page).read_text(encoding="utf-8")
    for make in TABLES[page]:
        assert text.count(f"<!-- {make.__name__} -->\n|") == 1
    assert filled(page) == text, "run python -m experiments.tables.pages"


@pytest.mark.parametrize("number", [*range(7), *(pytest.param(n, marks=pytest.mark.long) for n in (7, 8, 9))])
def test_the_page_of_symmetries_is_what_the_contracts_say(number: int):
    from experiments.tables.symmetry import PAGE, SECTIONS, head, section

    written = re.split(r"(?m)^(?=## )", PAGE.read_text(encoding="utf-8"))
    assert len(written) == 11 == 1 + len(SECTIONS)
    assert written[0] == head() + "\n"
    assert written[1 + number].rstrip() == section(SECTIONS[number]).rstrip(), (
        "run python -m experiments.tables.symmetry"
    )


def test_every_model_stands_on_the_page_of_symmetries_with_what_it_says_for_one_group():
    from experiments.tables.symmetry import PAGE, TABLE, statement

    page = PAGE.read_text(encoding="utf-8")
    rows = {(cells[0], *cells[2:]) for cells in (line.strip("| ").split(" | ") for line in page.splitlines())}
    for entry in (entry for entry in TABLE if entry.section == "Models"):
        assert (entry.name, *statement(entry, entry.quick[-1])) in rows, "run python -m experiments.tables.symmetry"


def test_the_first_readme_snippet_runs_and_keeps_its_contract():
    snippet, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippet.strip().splitlines()) <= 12
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet, "README.md", "exec"), {})
    assert printed.getvalue().startswith("kept")
    assert "points: 8 elements" in printed.getvalue()


def test_the_readme_names_the_test_command_of_ci():
    readme, ci = (ROOT / "README.md").read_text(encoding="utf-8"), (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'pip install -e ".[dev]" && pytest\n' in readme
    assert 'pip install -e ".[dev]" && pytest\n' in ci


# The quickstart; its claim is judged in tests/paper_figures/test_quickstart.py.


def test_angles_are_as_fine_as_promised():
    angles = sorted({float(r["angle"]) for r in _rows("accuracy_by_angle")})
    assert max(b - a for a, b in zip([*angles], [*angles[1:], 360.0], strict=True)) <= 7.5


def test_the_conclusions_follow_the_numbers(tmp_path: Path):
    """Sentences are computed: other numbers, other words."""
    from experiments.quickstart import conclusions

    for name in ("summary", "accuracy_by_angle"):
        rows = _rows(name)
        said = " ".join(conclusions(RESULTS / "quickstart"))
        for row in rows:
            if name == "summary":
                row["shift_error_circular"] = "0.5"
                row["accuracy"] = "0.999" if row["model"] == "CNN + augmentation" else row["accuracy"]
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    assert "Exactly invariant to quarter turns, up to rounding: C4, D4" in said
    assert "Exactly invariant to circular shifts, up to rounding: TI-CNN" in said
    changed = " ".join(conclusions(tmp_path))
    assert "No network is exactly invariant to circular shifts" in changed
    assert re.search(r"its upright accuracy rises from 9.\.\d% to 99.9%", changed)
