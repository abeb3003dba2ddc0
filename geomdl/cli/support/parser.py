"""Reading of the command line; every mistake is one line with the nearest valid choice."""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from geomdl.errors import shortened, unknown

_OVERRIDE = re.compile(r"--?(?:no)?config\.")


class UsageError(ValueError):
    """A mistake on the command line."""


class HelpShown(Exception):
    """The help was asked for and printed: all is done."""


class Listed(argparse.Action):
    """An option with a list that is separated by commas; given twice, it has what both say.

    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--keys", action=Listed, default="a")
    >>> [parser.parse_args(line.split()).keys for line in ("", "--keys=b", "--keys=b --keys=c,d")]
    ['a', 'b', 'b,c,d']
    """

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        """Adds the values to those before, if there are any but the default."""
        before = getattr(namespace, self.dest, self.default)
        setattr(namespace, self.dest, values if before in (None, self.default) else f"{before},{values}")


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` that raises instead of printing the usage and leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raises a UsageError."""
        message = re.sub(r"^argument (--\S+): invalid value ", r"invalid \1 ", message)
        raise UsageError(f"{message}; see {self.prog} --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Raises `HelpShown`."""
        raise HelpShown


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


def refuse_empty(argv: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Raises a UsageError for an argument without content, as of ``--out="$FOLDER"`` with a variable that is not set.

    >>> refuse_empty(["--out="], Parser(prog="geomdl audit"))
    Traceback (most recent call last):
    ...
    geomdl.cli.support.parser.UsageError: geomdl audit: --out is empty; give it a value, or leave it out
    """
    before = ""
    for argument in argv:
        option, equals, value = argument.partition("=")
        if not argument.strip() or (equals and option.startswith("--") and not value.strip(" ,")):
            name = option if equals else before if before.startswith("--") and "=" not in before else "an argument"
            raise UsageError(f"{parser.prog}: {name} is empty; give it a value, or leave it out")
        before = argument


def refuse_unused(arguments: argparse.Namespace, options: Iterable[str], reason: str) -> None:
    """Raises a UsageError for the first of some options that was given, where it would have no effect.

    Args:
      arguments: as parsed; what was not given is None or False.
      options: by their names without dashes.
      reason: why they have no effect.

    >>> refuse_unused(argparse.Namespace(checkpoint="3"), ["checkpoint"], "it is of the runs of --workdir")
    Traceback (most recent call last):
    ...
    geomdl.cli.support.parser.UsageError: --checkpoint=3 has no effect here: it is of the runs of --workdir
    """
    for option in options:
        value = getattr(arguments, option.replace("-", "_"))
        if value is not None and value is not False:
            given = f"--{option}" if value is True else f"--{option}={value}"
            raise UsageError(f"{given} has no effect here: {reason}")


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Returns the ``type`` of an option that takes a whole number in a range.

    >>> whole(0, 9)("12")
    Traceback (most recent call last):
    ...
    argparse.ArgumentTypeError: invalid value 12; allowed: a whole number from 0 to 9
    """
    allowed = (
        f"a positive whole number up to {highest}" if lowest == 1 else f"a whole number from {lowest} to {highest}"
    )

    def read(text: str) -> int:
        digits = re.fullmatch(r"[+-]?[0-9]{1,30}", text)
        if not digits or not lowest <= int(text) <= highest:
            shown = text if digits else repr(shortened(text))
            raise argparse.ArgumentTypeError(f"invalid value {shown}; allowed: {allowed}")
        return int(text)

    return read
