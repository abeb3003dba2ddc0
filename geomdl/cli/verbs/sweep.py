"""Trains one model for every combination of values, and gathers the results.

  geomdl sweep --config=digits_gcnn_c4 --workdir=sweeps/groups --config.seed=0,1,2 --config.model.group=C1,C4,C8
  geomdl sweep --config=digits_cnn,digits_gcnn_c4 --workdir=sweeps/models --config.seed=0,1,2
  geomdl sweep … --print-commands > jobs.txt    one `geomdl train` per line, for the array job of a cluster
  geomdl sweep … --gather                       only gathers what is there, after such a job

Commas separate values, except in brackets, parentheses and quotes. Each run has a directory in WORKDIR, named by what
varies: group=C4,seed=0. What is finished is skipped, what was interrupted goes on, what fails is reported at the end
and the others are run. WORKDIR/results.csv has a row per run, WORKDIR/summary.csv means and standard deviations over
the seeds, WORKDIR/logs what each run printed.

Every run is a process of its own, `geomdl train`: one that runs out of memory or is killed takes no other with it, its
memory is given back, and its numbers are those of the same command given alone.

Exit status: 0 when every run is done; 1 when one failed; 2 for bad input, before anything is run; 130 interrupted.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.parser import Listed, UsageError
from geomdl.cli.support.path_option import PathOption
from geomdl.paths import is_pretrained

if TYPE_CHECKING:
    from geomdl.cli.sweep.members import Member
    from geomdl.training.reporting.runs import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--config", required=True, help="a config file, or the name of one in configs/; or several")
    parser.add_argument(
        "--workdir", required=True, action=PathOption, help="directory of the sweep; made if it is not there"
    )
    parser.add_argument("--split", default="test", help="what results are measured on: test (the default), validation")
    parser.add_argument("--evaluators", action=Listed, default="metrics", help="comma-separated (default: metrics)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--print-commands", action="store_true", help="prints what is to be run, and runs nothing")
    only.add_argument("--gather", action="store_true", help="gathers the results that are there, and runs nothing")
    add_data_dir(parser)
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs what is missing, and gathers; returns the exit status."""
    use_data_dir(arguments)
    from geomdl.cli.sweep.members import members

    everything = members(arguments.config, arguments.overrides)
    _check(arguments, everything)
    if arguments.print_commands:
        todo = [m for m in everything if not _done(arguments, m)]
        for member in todo:
            print(shlex.join(["geomdl", *_command(arguments, member)]))
        print(f"{len(todo)} of {len(everything)} runs are to be done", file=sys.stderr)
        return 0
    failed = [] if arguments.gather else _run_all(arguments, everything)
    missing = _gather(arguments, everything)
    if failed:
        print(f"{len(failed)} of {len(everything)} runs failed: {_names(failed)}", file=sys.stderr)
    if missing and arguments.gather:
        print(f"not there yet: {_names(missing)}", file=sys.stderr)
    return 1 if failed or missing else 0


def _check(arguments: argparse.Namespace, everything: Sequence["Member"]) -> None:
    """Refuses what cannot be meant for any of the runs, before the first of them."""
    from geomdl.cli.support.config_file import load_config
    from geomdl.cli.verbs.evaluate import evaluator_names, require_split
    from geomdl.data.sources.given import GivenData
    from geomdl.training.configuration.config import RunConfig
    from geomdl.training.reporting.runs import DAMAGED
    from geomdl.training.workdir.workdir import require_same_config

    require_split(arguments.split)
    arguments.evaluators = ",".join(evaluator_names(arguments.evaluators))
    folder = Path(arguments.workdir)
    if is_pretrained(arguments.workdir):
        raise UsageError(f"--workdir={folder} is a network that comes along, which is only read; choose a directory")
    if (folder / "config.json").exists():
        raise UsageError(f"{folder} is the work directory of one run; choose another for the sweep")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--workdir={folder} is a file; choose a directory")
    for member in everything:
        config = RunConfig.from_config_dict(load_config(member.config, member.overrides))
        if isinstance(config.data, GivenData):
            config.data.load()  # which says that a command needs the name of its data
        found = _found(arguments, member)
        if found is not None and found.state != DAMAGED:  # what is damaged fails in its turn, and is reported
            require_same_config(found.path, config)


def _command(arguments: argparse.Namespace, member: "Member") -> list[str]:
    """The arguments of `geomdl` for one run."""
    options = ["train", f"--config={member.config}", f"--workdir={Path(arguments.workdir) / member.name}"]
    options += [*member.overrides, f"--evaluate={arguments.split}", f"--evaluators={arguments.evaluators}"]
    for name in ("data_dir", "compilation_cache"):
        if getattr(arguments, name) is not None:
            options.append(f"--{name}={getattr(arguments, name)}")
    return options


def _found(arguments: argparse.Namespace, member: "Member") -> "Run | None":
    from geomdl.training.reporting.runs import read_run

    path = Path(arguments.workdir) / member.name
    return read_run(path) if (path / "config.json").exists() else None


def _done(arguments: argparse.Namespace, member: "Member") -> bool:
    from geomdl.cli.sweep.results import evaluated

    found = _found(arguments, member)
    return found is not None and evaluated(found, arguments.split, arguments.evaluators.split(","))


def _run_all(arguments: argparse.Namespace, everything: Sequence["Member"]) -> list["Member"]:
    """Runs what is not done, one after the other; returns what failed."""
    from geomdl.cli.sweep import process
    from geomdl.cli.sweep.results import metrics_of
    from geomdl.training.reporting.writers import format_metrics

    failed: list[Member] = []
    for number, member in enumerate(everything, start=1):
        place = f"[{number}/{len(everything)}] {member.name}"
        if _done(arguments, member):
            print(f"{place}: done before")
            continue
        log = Path(arguments.workdir) / "logs" / f"{member.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        status = process.run([*_command(arguments, member), "--quiet"], log, place)
        found = _found(arguments, member)
        if status == 0 and found is not None:
            numbers = format_metrics(metrics_of(found, arguments.split))
            print(f"{place}: {numbers} ({time.perf_counter() - started:.0f} s)", flush=True)
        else:
            print(f"{place}: failed, {process.meaning(status)}: {process.last_line(log)} (more in {log})", flush=True)
            failed.append(member)
    return failed


def _gather(arguments: argparse.Namespace, everything: Sequence["Member"]) -> list["Member"]:
    """Writes and prints the tables; returns the runs that are not in them."""
    from geomdl.cli.support.console import print_table
    from geomdl.cli.sweep.results import evaluated, result_rows, summary_rows
    from geomdl.plots.tables import Column, write_csv
    from geomdl.training.configuration.flat_config import short_names

    evaluators = arguments.evaluators.split(",")
    found = [(member, run) for member in everything if (run := _found(arguments, member)) is not None]
    complete = [(member, run) for member, run in found if evaluated(run, arguments.split, evaluators)]
    if complete:
        folder = Path(arguments.workdir)
        files = [write_csv(folder / "results.csv", result_rows(complete, arguments.split))]
        summary = summary_rows(complete, arguments.split)
        files.append(write_csv(folder / "summary.csv", summary))
        names = [key.removesuffix("_mean") for key in summary[0] if key.endswith("_mean")]
        keys = list(summary[0])[: list(summary[0]).index("runs")]
        shown: list[dict[str, str | int | float]] = []
        for row in summary:
            spread = {name: _mean_and_std(row[f"{name}_mean"], row[f"{name}_std"]) for name in names}
            shown.append({**{key: row[key] for key in (*keys, "runs")}, **spread})
        short = short_names(keys)
        print_table(shown, [*(Column(key, short[key]) for key in keys), Column("runs"), *(Column(n) for n in names)])
        print(f"{arguments.split} split, mean ± standard deviation over seeds; written to {files[0]} and {files[1]}")
    names_there = {member.name for member, _ in complete}
    return [member for member in everything if member.name not in names_there]


def _names(some: Sequence["Member"]) -> str:
    return ", ".join(member.name for member in some)


def _mean_and_std(mean: str | int | float, std: str | int | float) -> str:
    if isinstance(mean, str):
        return "–"
    return f"{mean:.4f}" if isinstance(std, str) else f"{mean:.4f} ± {std:.4f}"
