"""Writes the report of a run: curves, metrics, parameters, environment and config.

  geomdl report runs/c4

The report is WORKDIR/report.md, with learning_curves.png (and .pdf) beside it. `geomdl train` writes it when it ends;
this writes it again, with what `geomdl evaluate` has measured since, or of a run that was stopped.
"""

import argparse

from geomdl.cli.support.path_option import PathOption


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("workdirs", nargs="+", metavar="WORKDIR", action=PathOption, help="directory of a run")


def run(arguments: argparse.Namespace) -> None:
    """Writes the reports, and says where."""
    from geomdl.training.reporting.run_report import write_report

    for workdir in arguments.workdirs:
        print(write_report(workdir)[0])
