"""The entry point: finds the verb, runs it, and turns every error into one line and an exit status.

Exit status: 0 done; 2 bad input (command line, config, data, work directory, somebody's own code), or no room to write
or to compute; 1 any other failure; 75 a training run was stopped on request and can go on; 130 interrupted.

Nothing that was not done ends with 0: a ``SystemExit`` that somebody's module raises is an error as any other.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence

import geomdl
from geomdl.cli.support.compilation_cache import use_compilation_cache
from geomdl.cli.support.faults import described
from geomdl.cli.support.parser import HelpShown, UsageError, refuse_empty, refuse_unknown, take_overrides
from geomdl.cli.support.streams import replace_what_cannot_be_encoded
from geomdl.cli.support.verbs import VERBS, verb_parser
from geomdl.errors import unknown


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status.

    Args:
      argv: the arguments; None takes those of the process.

    Raises:
      SystemExit: with status 0, for ``--help``.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    replace_what_cannot_be_encoded()
    try:
        return _run(arguments)
    except HelpShown:
        raise SystemExit(0) from None
    except KeyboardInterrupt as error:
        message = str(error) or "interrupted; give the same command again to go on where it stopped"
        return _say(message, getattr(error, "exit_status", 130))
    except BrokenPipeError:  # what reads our output has gone, as in `geomdl list models | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except BaseException as error:
        if debug and not isinstance(error, SystemExit):  # which would end the process as if all had been done
            raise
        message, status = described(error)
        return _say(f"error: {message}", status)


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
    parser = verb_parser(verb)
    refuse_empty(arguments[1:], parser)
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


def _say(message: str, status: int) -> int:
    with contextlib.suppress(OSError):  # the stream may be on a full disk, or closed
        print(f"geomdl: {message}", file=sys.stderr)
    return status
