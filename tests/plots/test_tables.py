"""Tables: CSV files that read back equal, means over seeds, and Markdown."""

import io
import math

import pytest
from rich.console import Console

from geomdl.plots import (
    Column,
    distinct,
    draw_table,
    figure,
    line,
    mean_over,
    read_csv,
    scientific,
    style,
    to_markdown,
    to_rich,
    write_csv,
)

ROWS = [
    {"model": "CNN", "seed": 0, "accuracy": 0.1 + 0.2, "error": 1e-17},
    {"model": "C4, wide", "seed": 0, "accuracy": 1.0, "error": 4e-7},
]
COLUMNS = [Column("model", "Model"), Column("accuracy", "Accuracy", "{:.1%}"), Column("error", form=scientific)]


def test_csv_is_read_back_equal(tmp_path):
    path = write_csv(tmp_path / "new" / "table.csv", ROWS)
    assert read_csv(path, ["model", "accuracy"], "geomdl reproduce x") == ROWS


def test_a_missing_file_names_itself_and_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"table\.csv is not there; `geomdl reproduce x` writes it"):
        read_csv(tmp_path / "table.csv", [], "geomdl reproduce x")


def test_a_missing_column_is_named(tmp_path):
    path = write_csv(tmp_path / "table.csv", ROWS)
    with pytest.raises(ValueError, match=r"lacks column angle, shift \(it has: model, seed, accuracy, error\)"):
        read_csv(path, ["angle", "model", "shift"], "geomdl reproduce x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks column model"),
        ("model,seed\n", "no rows"),
        ("model,seed\nCNN\n", "line 2"),
        ("model,seed\na,1\nb,1,2\n", "line 3"),
    ],
    ids=["empty", "no rows", "too few values", "too many values"],
)
def test_a_damaged_file_is_refused(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_csv(path, ["model"], "geomdl reproduce x")


def test_rows_must_agree_in_their_columns(tmp_path):
    with pytest.raises(ValueError, match="differ in their columns"):
        write_csv(tmp_path / "table.csv", [{"a": 1}, {"b": 1}])
    with pytest.raises(ValueError, match="no rows"):
        write_csv(tmp_path / "table.csv", [])


def test_mean_over_seeds_keeps_text_and_constants_and_skips_gaps():
    rows = [
        {"model": "C4", "seed": 0, "group": "C4", "parameters": 7, "accuracy": 0.5, "error": ""},
        {"model": "C4", "seed": 1, "group": "C4", "parameters": 7, "accuracy": 1.0, "error": 0.25},
        {"model": "CNN", "seed": 0, "group": "", "parameters": 8, "accuracy": 0.1, "error": ""},
    ]
    assert mean_over(rows, over="seed", by=["model"]) == [
        {"model": "C4", "group": "C4", "parameters": 7, "accuracy": 0.75, "error": 0.25},
        {"model": "CNN", "group": "", "parameters": 8, "accuracy": 0.1, "error": ""},
    ]


def test_distinct_keeps_the_order_of_appearance():
    assert distinct([{"m": "b"}, {"m": "a"}, {"m": "b"}], "m") == ["b", "a"]


def test_gaps_and_nan_are_dashes():
    column = Column("error", form="{:.0e}")
    assert column.text({}) == column.text({"error": ""}) == column.text({"error": math.nan}) == "–"


def test_markdown_and_terminal_show_the_same_cells():
    markdown = to_markdown(ROWS, COLUMNS)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(to_rich(ROWS, COLUMNS, title="table"))
    terminal = console.export_text()
    for cell in ("Model", "CNN", "C4, wide", "30.0%", "100.0%", "4·10⁻⁷", "1·10⁻¹⁷"):
        assert cell in markdown
        assert cell in terminal


def test_a_drawn_table_holds_every_heading_and_cell_and_sets_the_emphasis():
    with style():
        fig = figure("double", height=1)
        axes = fig.subplots()
        draw_table(
            axes,
            ROWS,
            [Column("model", "the\nmodel"), *COLUMNS[1:]],
            emphasis=lambda row, column: column.key == "accuracy" and row["accuracy"] == 1.0,
            swatch=lambda row: line(str(row["model"])),
        )
    weights = {t.get_text(): t.get_weight() for t in axes.texts}
    assert {"the", "model", "Accuracy", "CNN", "C4, wide", "30.0%", "100.0%"} <= set(weights)
    assert weights["100.0%"] == "bold"
    assert weights["30.0%"] == "normal"


def test_no_cell_of_a_drawn_table_overlaps_its_neighbour():
    with style():
        fig = figure("double", height=1)
        axes = fig.subplots()
        columns = [Column("model"), *(Column("accuracy", f"accuracy {i}", "{:.4%}") for i in range(7))]
        draw_table(axes, ROWS, columns)
        fig.draw_without_rendering()
        boxes = [t.get_window_extent() for t in axes.texts]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
