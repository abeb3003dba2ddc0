"""Tables: CSV rows in and out, and the same rows as Markdown, on a terminal, or in a figure.

A table is a list of rows, each a dict from column to value: numbers as numbers, everything else as text.

>>> rows = [{"model": "CNN", "accuracy": 0.98}, {"model": "C4", "accuracy": 0.985}]
>>> print(to_markdown(rows, [Column("model", "Model"), Column("accuracy", "Accuracy", "{:.1%}")]))
| Model | Accuracy |
| :---- | -------: |
| CNN   |    98.0% |
| C4    |    98.5% |
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import matplotlib
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from rich.table import Table as RichTable

from geomdl.plots.style import GRID, INK, Line

Value = int | float | str
Row = Mapping[str, Value]
"""A row of a table, from column to value, and what a cell holds: a number or text."""


@dataclass(frozen=True)
class Column:
    """A column to show: its key in the rows, its heading, and how its values are written.

    Attributes:
      key: the key in each row.
      heading: what stands above it; the key when empty.
      form: a format string such as ``"{:.1%}"``, or a function from value to text.
    """

    key: str
    heading: str = ""
    form: str | Callable[[Value], str] = "{}"

    @property
    def title(self) -> str:
        """The heading, or the key where there is none."""
        return self.heading or self.key

    def text(self, row: Row) -> str:
        """The value of this column in a row as text; a dash where the row has none, or NaN.

        >>> Column("error", form="{:.0e}").text({"error": 3e-7})
        '3e-07'
        >>> Column("error").text({})
        '–'
        """
        value = row.get(self.key, "")
        if value == "" or value != value:
            return "–"
        return self.form(value) if callable(self.form) else self.form.format(value)


def scientific(value: Value) -> str:
    """A small number in one digit and a power of ten, for errors.

    Args:
      value: the number, or the text of one.

    >>> scientific(3.4e-7), scientific(0.0), scientific(0.25)
    ('3·10⁻⁷', '0', '0.25')
    """
    number = float(value)
    if number == 0:
        return "0"
    if 0.01 <= abs(number) < 100:
        return f"{number:.2g}"
    mantissa, exponent = f"{number:.0e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _value(text: str) -> Value:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Writes rows as CSV, columns in the order of the first row; floats are read back equal.

    Args:
      path: the file; its directory is made when missing.
      rows: at least one row, all with the same keys.

    Raises:
      ValueError: if there are no rows, or a row has other keys than the first.

    >>> import tempfile
    >>> path = write_csv(Path(tempfile.mkdtemp()) / "accuracy.csv", [{"model": "CNN", "accuracy": 0.5}])
    >>> read_csv(path, ["model", "accuracy"], "geomdl reproduce accuracy")
    [{'model': 'CNN', 'accuracy': 0.5}]
    """
    if not rows:
        raise ValueError(f"no rows to write to {path}")
    columns = list(rows[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if set(row) != set(columns):
                raise ValueError(f"rows of {path} differ in their columns: {columns} and {list(row)}")
            writer.writerow(row)
    return path


def read_csv(path: Path, columns: Sequence[str], command: str) -> list[dict[str, Value]]:
    """Reads the CSV of a study for a figure, and says what to run when it is not there.

    Args:
      path: the file.
      columns: the columns the figure needs; more may be present.
      command: the command that writes the file, for the error message.

    Returns:
      The rows, numbers converted.

    Raises:
      FileNotFoundError: if the file is absent.
      ValueError: if it has no rows or lacks a column.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; `{command}` writes it")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        present = list(reader.fieldnames or [])
        missing = [c for c in columns if c not in present]
        if missing:
            raise ValueError(
                f"{path} lacks column {', '.join(missing)} (it has: {', '.join(present) or 'nothing'}); "
                f"`{command}` writes it anew"
            )
        rows: list[dict[str, Value]] = []
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                raise ValueError(
                    f"{path} line {number} does not have {len(present)} values; `{command}` writes it anew"
                )
            rows.append({key: _value(text) for key, text in row.items()})
    if not rows:
        raise ValueError(f"{path} has no rows; `{command}` writes it anew")
    return rows


def distinct(rows: Iterable[Row], key: str) -> list[Value]:
    """The different values of a column, in order of first appearance.

    Args:
      rows: of a table.
      key: the column.

    >>> distinct([{"model": "CNN"}, {"model": "C4"}, {"model": "CNN"}], "model")
    ['CNN', 'C4']
    """
    return list(dict.fromkeys(row[key] for row in rows))


def mean_over(rows: Sequence[Row], over: str, by: Sequence[str]) -> list[dict[str, Value]]:
    """Averages every numeric column over one column (the seeds, say) within groups of the ``by`` columns.

    Text columns outside ``by`` keep the first value of their group; gaps in numeric ones are left out of the mean.

    Args:
      rows: of a table.
      over: the column that is averaged over.
      by: the columns that make a group.

    >>> rows = [{"model": "C4", "seed": 0, "accuracy": 0.5}, {"model": "C4", "seed": 1, "accuracy": 1.0}]
    >>> mean_over(rows, over="seed", by=["model"])
    [{'model': 'C4', 'accuracy': 0.75}]
    """
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[b] for b in by), []).append(row)
    means: list[dict[str, Value]] = []
    for members in groups.values():
        mean: dict[str, Value] = {}
        for key, first in members[0].items():
            if key == over:
                continue
            numbers = [v for m in members if isinstance(v := m[key], int | float)]
            constant = all(n == numbers[0] for n in numbers)
            mean[key] = first if key in by or not numbers else numbers[0] if constant else fmean(numbers)
        means.append(mean)
    return means


def _cells(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[list[str], list[list[str]], list[bool]]:
    numeric = [all(not isinstance(r.get(c.key, 0), str) or r[c.key] == "" for r in rows) for c in columns]
    return [c.title for c in columns], [[c.text(r) for c in columns] for r in rows], numeric


def to_markdown(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """The rows as a Markdown table, numbers to the right.

    Args:
      rows: of a table.
      columns: those to show, in order.
    """
    headings, cells, numeric = _cells(rows, columns)
    headings = [" ".join(h.split()) for h in headings]
    widths = [max(3, len(h), *(len(row[i]) for row in cells)) for i, h in enumerate(headings)]

    def written(texts: Sequence[str]) -> str:
        padded = (t.rjust(w) if n else t.ljust(w) for t, w, n in zip(texts, widths, numeric, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = (f"{'-' * (w - 1)}:" if n else f":{'-' * (w - 1)}" for w, n in zip(widths, numeric, strict=True))
    return "\n".join([written(headings), f"| {' | '.join(rule)} |", *(written(row) for row in cells)])


def to_rich(rows: Sequence[Row], columns: Sequence[Column], title: str | None = None) -> RichTable:
    """The rows as a `rich` table for a terminal; whoever has the console prints it.

    Args:
      rows: of a table.
      columns: those to show, in order.
      title: above the table.

    >>> to_rich([{"model": "CNN"}], [Column("model", "model")]).row_count
    1
    """
    headings, cells, numeric = _cells(rows, columns)
    table = RichTable(title=title, title_justify="left")
    for heading, number in zip(headings, numeric, strict=True):
        table.add_column(heading, justify="right" if number else "left")
    for row in cells:
        table.add_row(*row)
    return table


def _width(text: str, size: float) -> float:
    """The width of a text in points."""
    return TextPath((0, 0), text, size=size).get_extents().width if text.strip() else 0.0


def draw_table(
    axes: Axes,
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    emphasis: Callable[[Row, Column], bool] = lambda row, column: False,
    swatch: Callable[[Row], Line | None] = lambda row: None,
) -> None:
    """Draws a table in the way of a paper: rules above, below and under the headings, numbers to the right.

    Args:
      axes: where, as wide as the figure; its own frame is taken away.
      rows: the table.
      columns: the columns to show. A line break in a heading makes two lines.
      emphasis: which values are set in bold.
      swatch: the line before the first column of a row, as the curves beside the table are drawn.
    """
    headings, cells, numeric = _cells(rows, columns)
    body = FontProperties(size=matplotlib.rcParams["font.size"]).get_size_in_points()
    small = 0.88 * body
    widths = [
        max([*(_width(t, small) for t in h.split("\n")), *(1.06 * _width(row[i], body) for row in cells)])
        for i, h in enumerate(headings)
    ]
    lead = 20.0 if any(swatch(row) for row in rows) else 2.0
    total = 0.985 * 72 * axes.figure.bbox.width / axes.figure.dpi  # the layout gives these axes all of the width
    gap = max(4.0, (total - lead - sum(widths)) / max(1, len(columns) - 1))
    total = lead + sum(widths) + gap * (len(columns) - 1)
    head = 0.75 * (1 + max(h.count("\n") for h in headings)) + 0.5
    axes.set(xlim=(0, total), ylim=(len(rows) + head, 0))
    axes.axis("off")
    left = lead
    for i, heading in enumerate(headings):
        where, side = (left + widths[i], "right") if numeric[i] else (left, "left")
        for up, text in enumerate(reversed(heading.split("\n"))):
            axes.text(where, head - 0.38 - 0.75 * up, text, ha=side, va="baseline", fontsize=small)
        for r, row in enumerate(rows):
            weight = "bold" if emphasis(row, columns[i]) else "normal"
            axes.text(where, head + r + 0.5, cells[r][i], ha=side, va="center_baseline", fontsize=body, weight=weight)
        left += widths[i] + gap
    for r, row in enumerate(rows):
        look = swatch(row)
        if look is not None:
            axes.plot([1, lead - 5], [head + r + 0.5] * 2, color=look.colour, linestyle=look.dashes)
    for y, width in ((0.0, 0.9), (head, 0.5), (head + len(rows), 0.9)):
        axes.axhline(y, color=INK, linewidth=width, clip_on=False)
    for y in range(1, len(rows)):
        axes.axhline(head + y, color=GRID, linewidth=0.35, zorder=0)
