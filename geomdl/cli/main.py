"""The entry point: finds the verb, runs it, and turns every error into one line and an exit status.

Exit status: 0 done; 2 bad input (command line, config, data, work directory); 1 any other failure; 75 a training run
was stopped on request and can go on; 130 interrupted.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import geomdl
from geomdl.cli.support.compilation_cache import use_compilation_cache
from geomdl.cli.support.parser import Parser, UsageError, refuse_unknown, take_overrides
from geomdl.errors import unknown

VERBS = {
    "train": "train the model of a config, or go on with a run that was stopped",
    "evaluate": "measure a trained model: accuracy, rotations, shifts, invariance",
    "sweep": "train one model for every combination of values, and gather the results",
    "runs": "list and compare work directories",
    "report": "write the report of a run: curves, metrics, parameters, environment, config",
    "reproduce": "run a study and draw its figure",
    "audit": "measure which symmetries any model has: exactly, approximately, or not",
    "export": "write a trained model to files that run without geomdl",
    "summary": "show the layers, field types and sizes of a model",
    "autotune": "measure which method computes the convolutions of a model faster",
    "list": "list models, groups, datasets, configs or figures",
}
"""The verbs of the command; each is a module of this package with ``add_arguments(parser)`` and
``run(arguments)``, which may return an exit status."""

_BAD_INPUT = (ValueError, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status.

    Args:
      argv: the arguments; None takes those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    try:
        return _run(arguments)
    except KeyboardInterrupt as error:
        message = str(error) or "interrupted; give the same command again to go on where it stopped"
        return _say(message, getattr(error, "exit_status", 130))
    except BrokenPipeError:  # what reads our output has gone, as in `geomdl list models | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except _BAD_INPUT as error:
        if debug:
            raise
        return _say(f"error: {_one_line(error)}", 2)
    except Exception as error:
        if debug:
            raise
        return _say(f"error: {type(error).__name__}: {_one_line(error)} (--debug shows where)", 1)


def _run(arguments: list[str]) -> int:
    arguments, overrides = take_overrides(arguments)
    verb = arguments[0] if arguments else "--help"
    if verb in ("--help", "-h"):
        print(_overview())
        return 0
    if verb == "--version":
        print(f"geomdl {geomdl.__version__}")
        return 0
    if verb not in VERBS:
        raise UsageError(str(unknown("option" if verb.startswith("-") else "verb", verb, list(VERBS))))
    module = importlib.import_module(f"geomdl.cli.verbs.{verb}")
    parser = Parser(
        prog=f"geomdl {verb}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parsed, extra = parser.parse_known_args(arguments[1:])
    refuse_unknown(parser, extra)
    if overrides and "config" not in parsed:
        raise UsageError(f"geomdl {verb} takes no config values, but got {overrides[0].split('=')[0]}")
    parsed.overrides = overrides
    if "compilation_cache" in parsed:
        use_compilation_cache(parsed.compilation_cache)
    return module.run(parsed) or 0


def _overview() -> str:
    width = max(len(verb) for verb in VERBS)
    lines = [f"  {verb:<{width}}  {purpose}" for verb, purpose in VERBS.items()]
    return "\n".join(
        [
            "usage: geomdl VERB [options]",
            "",
            "Equivariant and invariant networks: train them, and measure their symmetry.",
            "",
            *lines,
            "",
            "start with:  geomdl reproduce quickstart",
            "or:          geomdl train --config=configs/digits_gcnn_c4.py --workdir=runs/first",
            "help:        geomdl VERB --help        version: geomdl --version",
        ]
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _say(message: str, status: int) -> int:
    print(f"geomdl: {message}", file=sys.stderr)
    return status
