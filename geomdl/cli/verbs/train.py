"""Trains the model of a config, or goes on with a run that was stopped.

  geomdl train --config=configs/digits_gcnn_c4.py --workdir=runs/c4
  geomdl train --config=digits_cnn --workdir=runs/cnn --config.optimizer.learning_rate=0.01 --config.training.epochs=5

Any value of the config can be set with --config.SECTION.KEY=VALUE, whether or not the file mentions it. The work
directory gets config.json, metrics.jsonl, TensorBoard events, checkpoints, report.md and learning_curves.png.

Ctrl-C, SIGTERM or SIGHUP stop the run after the step, with a checkpoint and exit status 75; a second one stops it at
once. The same command goes on from the latest checkpoint, to the same numbers as if nothing had happened.

Several processes, on one machine or many, train one network together when each is given the same command with
--distributed (docs/scaling.md).
"""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.parser import Listed, UsageError, refuse_unused, whole
from geomdl.cli.support.path_option import PathOption

if TYPE_CHECKING:
    from geomdl.training.configuration.config import RunConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--config", required=True, help="a config file, or the name of one in configs/")
    parser.add_argument(
        "--workdir", required=True, action=PathOption, help="directory of the run; made if it is not there"
    )
    add_data_dir(parser)
    add_compilation_cache(parser)
    parser.add_argument("--evaluate", metavar="SPLIT", help="measures the best model on this split when it is trained")
    parser.add_argument("--evaluators", action=Listed, help="for --evaluate, comma-separated (default: metrics)")
    parser.add_argument(
        "--allow-change",
        action=Listed,
        metavar="KEYS",
        default="",
        help="goes on with a run though these values of the config have changed, comma-separated, "
        "e.g. training.steps,optimizer.learning_rate",
    )
    parser.add_argument("--profile", action="store_true", help="records a trace of five steps in WORKDIR/profile")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--distributed",
        nargs="?",
        const="detect",
        metavar="HOST:PORT,PROCESS,COUNT",
        help="one of several processes; alone: Slurm, TPU pods and the environment say which",
    )
    parser.add_argument(
        "--distributed_timeout", type=whole(1, 10**6), metavar="SECONDS", help="to wait for the others (default: 300)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Trains, then writes the report."""
    use_data_dir(arguments)
    from geomdl.cli.support.config_file import load_config
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.cli.verbs.evaluate import evaluator_names, require_split

    values = load_config(arguments.config, arguments.overrides)
    from geomdl.training.configuration.config import RunConfig
    from geomdl.training.distributed.rendezvous import processes

    if arguments.evaluate:
        require_split(arguments.evaluate)
    else:
        refuse_unused(arguments, ["evaluators"], "it is for --evaluate; add --evaluate=test")
    if not arguments.distributed:
        refuse_unused(arguments, ["distributed_timeout"], "it is for --distributed")
    evaluators = evaluator_names(arguments.evaluators or "metrics")
    quiet_libraries()
    config = RunConfig.from_config_dict(values)
    if arguments.distributed and arguments.evaluate:
        raise UsageError("--evaluate is for one process; give geomdl evaluate when the processes are done")
    with processes(arguments.distributed, arguments.distributed_timeout or 300):
        _train(config, arguments, evaluators)


def _train(config: "RunConfig", arguments: argparse.Namespace, evaluators: list[str]) -> None:
    from geomdl.cli.support.interrupt import Interruption
    from geomdl.cli.verbs.evaluate import measure
    from geomdl.training.distributed.processes import first
    from geomdl.training.loop.loop import train
    from geomdl.training.reporting.profile import Profiler
    from geomdl.training.reporting.run_report import write_report
    from geomdl.training.reporting.writers import ProgressBar, format_metrics

    started = time.perf_counter()
    bar = None if arguments.quiet or not first() else ProgressBar(sys.stderr)
    profiler = Profiler(bar, Path(arguments.workdir) / "profile") if arguments.profile and first() else None
    allowed = [path for path in arguments.allow_change.split(",") if path]
    with Interruption() as interruption:
        result = train(
            config,
            arguments.workdir,
            progress=profiler or bar,
            stop=interruption.asked,
            allow_change=allowed,
            note=_note,
        )
    if not first():
        return
    early = f" (stopped early: {config.training.monitor} no longer improved)" if result.stopped_early else ""
    print(f"{result.step} steps in {time.perf_counter() - started:.1f} s{early}")
    print(f"best validation at step {result.best_step}: {format_metrics(result.best)}")
    if arguments.evaluate:
        numbers, _, _ = measure(arguments.workdir, result.best_step, arguments.evaluate, evaluators)
        print(f"{arguments.evaluate} at step {result.best_step}: {format_metrics(numbers)}")
    if profiler is not None:
        print(_how_to_open(profiler.trace, arguments.workdir))
    print(f"report: {write_report(result.workdir)[0]}")
    if not arguments.evaluate:
        print(f"next: geomdl evaluate --workdir={arguments.workdir}")


def _note(text: str) -> None:
    print(f"geomdl: {text}", file=sys.stderr, flush=True)


def _how_to_open(trace: Path | None, workdir: str) -> str:
    """What to do with a trace.

    >>> _how_to_open(Path("w/profile/t.json.gz"), "w")
    'profile: open w/profile/t.json.gz at https://ui.perfetto.dev, or: pip install xprof && xprof --logdir=w/profile'
    """
    if trace is None:
        return "profile: no step was left to record; give another --workdir"
    return (
        f"profile: open {trace} at https://ui.perfetto.dev, or: pip install xprof && xprof --logdir={workdir}/profile"
    )
