"""Tables on the terminal, in colour and fitted to its width; elsewhere in full width, to be searched and cut."""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from geomdl.plots.tables import Column, Row, Value, to_rich


def print_table(rows: Sequence[Row], columns: Sequence[Column], title: str | None = None) -> None:
    """Prints rows under their headings.

    >>> print_table([{"run": "a", "loss": 0.5}], [Column("run"), Column("loss")])
     run   loss
    ───...
     a      0.5
    """
    from rich.box import SIMPLE_HEAD

    table = to_rich(rows, columns, title)
    table.box, table.show_edge, table.pad_edge = SIMPLE_HEAD, False, True
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=10_000, color_system=None, highlight=False, markup=False)
    console.print(table)


def written(value: Any) -> Value:
    """Returns a value of a config as it is shown in a table: numbers and text as they are, the rest as text."""
    if isinstance(value, bool) or value is None or not isinstance(value, int | float | str):
        return str(value)
    return int(value) if isinstance(value, float) and float(value).is_integer() else value
