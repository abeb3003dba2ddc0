"""Reading of the command line; every mistake is one line with the nearest valid choice."""

import argparse
import re
from typing import NoReturn

from geomdl.errors import unknown

_OVERRIDE = re.compile(r"--?(?:no)?config\.")


class UsageError(ValueError):
    """A mistake on the command line."""


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` that raises instead of printing the usage and leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raises a UsageError."""
        raise UsageError(f"{message}; see {self.prog} --help")


def take_overrides(argv: list[str]) -> tuple[list[str], list[str]]:
    """Separates the overrides of config values from the other arguments.

    Args:
      argv: as typed: ``--config.a.b=v``, ``--config.a.b v``, ``--config.flag`` and ``--noconfig.flag`` are overrides.

    Returns:
      The other arguments, and the overrides, each with its value behind ``=`` if it has one.

    >>> take_overrides(["train", "--config.optimizer.learning_rate", "0.1", "--workdir=w", "--noconfig.model.bias"])
    (['train', '--workdir=w'], ['--config.optimizer.learning_rate=0.1', '--noconfig.model.bias'])
    """
    others: list[str] = []
    overrides: list[str] = []
    i = 0
    while i < len(argv):
        argument = argv[i]
        if not _OVERRIDE.match(argument):
            others.append(argument)
        elif "=" in argument or argument.lstrip("-").startswith("no") or i + 1 == len(argv) or argv[i + 1][:2] == "--":
            overrides.append(argument)
        else:
            i += 1
            overrides.append(f"{argument}={argv[i]}")
        i += 1
    return others, overrides


def refuse_unknown(parser: argparse.ArgumentParser, extra: list[str]) -> None:
    """Raises a UsageError for arguments that the parser does not know."""
    if not extra:
        return
    options = [o for action in parser._actions for o in action.option_strings if o.startswith("--")]
    if extra[0].startswith("-"):
        raise UsageError(f"{parser.prog}: {unknown('option', extra[0].split('=')[0], options)}")
    raise UsageError(f"{parser.prog}: unexpected argument {extra[0]!r}; see {parser.prog} --help")
