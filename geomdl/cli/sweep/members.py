"""The members of a sweep: every combination of the values that were given, each with a name of its own."""

import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geomdl.cli.support.parser import UsageError
from geomdl.training.configuration.flat_config import short_names

_FLAG = re.compile(r"--?(no)?config\.([^=]+)(?:=(.*))?$", re.DOTALL)
MOST = 10_000
"""Runs of a sweep."""

_LONGEST = 120  # characters of a directory's name; file systems allow 255 bytes


@dataclass(frozen=True)
class Member:
    """One run of a sweep.

    Attributes:
      name: of its directory: what varies, and the seed where it was given, e.g. ``group=C4,seed=0``. More values can be
        added to a list later: the runs that are there keep their names.
      config: the config file, as it was given.
      overrides: ``--config.key=value``, for `geomdl train`.
      varied: the dotted paths of the values that have several choices in this sweep.
    """

    name: str
    config: str
    overrides: tuple[str, ...]
    varied: tuple[str, ...]


def members(config: str, overrides: Sequence[str]) -> list[Member]:
    """Returns the cartesian product of all lists, the last of them varying fastest.

    Args:
      config: a config file or its name, or several between commas.
      overrides: ``--config.key=value``, or several values between commas.

    Raises:
      UsageError: for an empty value, a value that is given twice, or a key that is.

    >>> [m.name for m in members("digits_cnn", ["--config.seed=0,1", "--config.model.width=4"])]
    ['seed=0', 'seed=1']
    """
    configs = [config] if Path(config).is_file() else _choices("--config", config)
    values: dict[str, list[str | None]] = {}
    for override in overrides:
        found = _FLAG.match(override)
        if found is None:
            raise UsageError(f"cannot read {override}; write --config.key=value")
        negated, key, text = found.groups()
        if key in values:
            raise UsageError(f"--config.{key} is given twice; put its values between commas: --config.{key}=a,b")
        values[key] = [f"{not negated}"] if text is None else list(_choices(f"--config.{key}", text))
    count = math.prod(len(choices) for choices in (configs, *values.values()))
    if count > MOST:
        raise UsageError(f"{count:,} combinations of values are too many for one sweep; allowed: at most {MOST:,}")
    short = short_names(list(values))
    varied = tuple(key for key, choices in values.items() if len(choices) > 1)
    result = []
    for chosen in itertools.product(configs, *values.values()):
        setting = dict(zip(values, map(str, chosen[1:]), strict=True))
        parts = {short[key]: value for key, value in setting.items() if key in varied or key == "seed"}
        name = _name(str(chosen[0]), parts, with_config=len(configs) > 1 or not parts)
        flags = tuple(f"--config.{key}={value}" for key, value in setting.items())
        result.append(Member(name, str(chosen[0]), flags, varied))
    return result


def split_values(text: str) -> list[str]:
    """Returns the values between commas; commas in brackets, parentheses, braces and quotes separate nothing.

    >>> split_values("C1,C4"), split_values("(1,2),(3,)"), split_values("'4 irrep(1,1)', x")
    (['C1', 'C4'], ['(1,2)', '(3,)'], ["'4 irrep(1,1)'", 'x'])
    """
    values, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if character == "," and depth == 0 and not quote:
            values.append("")
        else:
            values[-1] += character
    return [value.strip() for value in values]


def _choices(option: str, text: str) -> list[str]:
    values = split_values(text)
    if len(values) > 1 and "" in values:
        raise UsageError(f"{option}={text} has an empty value; write it without the comma, or put it in quotes")
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise UsageError(f"{option}={text} has the value {twice} twice")
    return values


def _name(config: str, parts: Mapping[str, str], *, with_config: bool) -> str:
    stem, _, argument = config.partition(":")
    written = [_safe(Path(stem).stem + (f"-{argument}" if argument else ""))] if with_config else []
    written += [f"{key}={_safe(value)}" for key, value in parts.items()]
    name = ",".join(written)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{_digest(name)}"


def _safe(value: str) -> str:
    """The value as a part of a file name; what another value could also be written as gets a few digits to tell."""
    bare = re.sub(r"['\"\s()\[\]{}]+", "", value)
    plain = re.sub(r"[^\w.+-]+", "_", bare).strip("_")
    return plain if plain == value else f"{plain}-{_digest(value)[:4]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
