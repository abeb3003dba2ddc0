"""Lists and compares work directories.

  geomdl runs runs/
  geomdl runs runs/ --sort=accuracy --csv=runs.csv
  geomdl runs --compare runs/c4 runs/cnn

One row per run found in the directories: the config values in which the runs differ, its state, and the validation
metrics of its best evaluation; test metrics where `geomdl evaluate` has measured them. A run is finished, running (a
process holds it), stopped (the same `geomdl train` goes on with it), or damaged. --compare shows the values of the
config, versions and hardware that differ, and the metrics side by side. Nothing is changed.
"""

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomdl.cli.support.console import written
from geomdl.cli.support.parser import UsageError
from geomdl.cli.support.path_option import PathOption
from geomdl.errors import unknown

if TYPE_CHECKING:
    from geomdl.plots.tables import Value
    from geomdl.training.reporting.runs import Run

_MOST_COLUMNS = 6  # of the config, on a terminal
_SECTIONS = ("model", "seed", "data", "augmentation", "task", "optimizer", "schedule", "training", "")  # left to right


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "directories", nargs="+", metavar="DIR", action=PathOption, help="work directories, or directories of them"
    )
    parser.add_argument("--compare", action="store_true", help="the differences between the runs, side by side")
    parser.add_argument("--sort", metavar="COLUMN", help="best first for a metric, ascending for anything else")
    parser.add_argument(
        "--csv", metavar="FILE", action=PathOption, help="writes the table, with every metric, to a file"
    )
    parser.add_argument("--verify", action="store_true", help="looks for damage in all of every checkpoint (slower)")


def run(arguments: argparse.Namespace) -> None:
    """Prints the table."""
    from geomdl.plots.tables import write_csv
    from geomdl.training.reporting.runs import find_runs, read_run

    paths = find_runs(arguments.directories)
    if not paths:
        raise UsageError(f"no run in {', '.join(arguments.directories)}; geomdl train makes one")
    runs = [read_run(path, arrays=arguments.verify) for path in paths]
    if arguments.compare:
        if len(runs) < 2:
            raise UsageError(f"--compare needs two runs or more, but {', '.join(arguments.directories)} has one")
        if arguments.sort or arguments.csv:
            raise UsageError("--compare shows two runs side by side; --sort and --csv are for the list")
        _compare(runs)
        return
    keys, rows = table(runs)
    if arguments.sort:
        rows = _sorted(rows, arguments.sort)
    if arguments.csv:
        file = write_csv(Path(arguments.csv), rows)
        print(f"{len(rows)} runs written to {file}")
        return
    _print(runs, keys, rows)


def table(runs: Sequence["Run"]) -> tuple[list[str], list[dict[str, "Value"]]]:
    """Returns the columns of the config, by the names in the rows, and one row per run, all with the same keys."""
    from geomdl.training.configuration.flat_config import differing, flat, short_names

    configs = [flat(r.config) for r in runs if r.config]
    keys = sorted(
        differing(configs), key=lambda key: (sum(key not in c for c in configs), _SECTIONS.index(_section(key)))
    )
    names = _apart(short_names(keys))
    metrics = list(dict.fromkeys(name for r in runs for name in r.best))
    tested = list(dict.fromkeys(name for r in runs for name in _tested(r)))
    rows: list[dict[str, Value]] = []
    for r in runs:
        values = flat(r.config)
        rows.append(
            {"run": str(r.path)}
            | {names[key]: written(values.get(key, "")) for key in keys}
            | {"status": r.status, "step": r.step, "best_step": "" if r.best_step is None else r.best_step}
            | {name: r.best.get(name, "") for name in metrics}
            | {name: _tested(r).get(name, "") for name in tested}
            | {"parameters": r.facts.get("parameters", "")}
        )
    return [names[key] for key in keys], rows


def _section(key: str) -> str:
    section = key.partition(".")[0]
    return section if section in _SECTIONS else ""


def _apart(names: dict[str, str]) -> dict[str, str]:
    """Column names for keys of the config that are no other column's."""
    taken = ("run", "status", "step", "best_step", "parameters", "loss", "accuracy")
    return {key: key if name in taken else name for key, name in names.items()}


def _tested(run: "Run") -> dict[str, float]:
    found = run.evaluations.get("test", {})
    numbers = {k: v for k, v in found.items() if isinstance(v, int | float) and k not in ("checkpoint", "images")}
    return {f"test {name}": value for name, value in numbers.items()}


def _sorted(rows: list[dict[str, "Value"]], column: str) -> list[dict[str, "Value"]]:
    if column not in rows[0]:
        raise unknown("--sort", column, list(rows[0]))
    metrics = list(rows[0])[list(rows[0]).index("best_step") + 1 :]
    greatest_first = column in metrics and column != "parameters" and not column.endswith("loss")

    def place(row: Mapping[str, "Value"]) -> tuple[int, float, str]:
        value = row[column]
        if isinstance(value, str):  # an empty one is of a run that has none: last
            return 2 if value == "" else 1, 0.0, value
        return 0, -value if greatest_first else value, ""

    return sorted(rows, key=place)


def _print(runs: Sequence["Run"], keys: Sequence[str], rows: Sequence[Mapping[str, "Value"]]) -> None:
    from geomdl.cli.support.console import print_table
    from geomdl.plots.tables import Column
    from geomdl.training.reporting.runs import DAMAGED, FINISHED, RUNNING, STOPPED

    shown = keys[:_MOST_COLUMNS]
    metrics = [k for k in rows[0] if k not in (*keys, "run", "status", "step", "best_step", "parameters")]
    parents = [r.path.parent for r in runs]
    if len({path.is_absolute() for path in parents}) > 1:
        parents = [path.absolute() for path in parents]
    folder = os.path.commonpath(parents)
    columns = [
        Column("run", form=lambda path: os.path.relpath(str(path), folder)),
        *(Column(key) for key in shown),
        Column("status"),
        Column("best_step", "best step"),
    ]
    columns += [Column(name, form="{:.4f}") for name in metrics if "/" not in name]
    columns += [Column("parameters", form="{:,}")]
    print_table(rows, columns)
    if folder:
        print(f"in {folder}")
    counts = {state: sum(r.state == state for r in runs) for state in (FINISHED, RUNNING, STOPPED, DAMAGED)}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    print(f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {states}")
    hidden = [*keys[_MOST_COLUMNS:], *(name for name in metrics if "/" in name)]
    if hidden:
        print(f"not shown, but in --csv=FILE: {', '.join(hidden)}")


def _compare(runs: Sequence["Run"]) -> None:
    from geomdl.cli.support.console import print_table
    from geomdl.plots.tables import Column
    from geomdl.training.configuration.flat_config import differing, flat

    names = [str(r.path) for r in runs]
    parts = [("config", [r.config for r in runs]), ("versions", [r.versions for r in runs])]
    parts += [("hardware", [r.hardware for r in runs])]
    for part, trees in parts:
        differences: list[dict[str, Value]] = [
            {part: key, **{name: written(flat(tree).get(key, "")) for name, tree in zip(names, trees, strict=True)}}
            for key in differing(trees)
        ]
        if differences:
            print_table(differences, [Column(part), *(Column(name) for name in names)])
        else:
            print(f"{part}: the same")
    metrics = list(dict.fromkeys(m for r in runs for m in (*r.best, *_tested(r))))

    def row(label: str, values: Iterable[Any]) -> "dict[str, Value]":
        return {"": label, **dict(zip(names, values, strict=True))}

    rows = [row("status", (r.status for r in runs))]
    for metric in metrics:
        values = [{**r.best, **_tested(r)}.get(metric) for r in runs]
        label = metric if metric.startswith("test ") else f"validation {metric}"
        rows.append(row(label, ("" if value is None else f"{value:.4f}" for value in values)))
    rows.append(row("best step", (r.best_step or "" for r in runs)))
    rows.append(row("parameters", (r.facts.get("parameters", "") for r in runs)))
    print_table(rows, [Column("", "metric"), *(Column(name) for name in names)])
