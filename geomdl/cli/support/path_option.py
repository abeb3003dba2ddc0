"""Options of the command line that are paths."""

import argparse
from collections.abc import Sequence
from typing import Any

from geomdl.errors import invalid
from geomdl.paths import PRETRAINED, is_pretrained, local_path


class PathOption(argparse.Action):
    """Stores paths with ``~`` and variables replaced, as text; a URL is refused by the name of the option.

    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--workdir", action=PathOption)
    >>> parser.parse_args(["--workdir=gs://bucket/run"])
    Traceback (most recent call last):
    ValueError: invalid --workdir 'gs://bucket/run'; allowed: a path on a file system of this machine, no URL ...
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Stores what was given."""
        what = option_string or str(self.metavar or self.dest)
        many = isinstance(values, list)
        given = values if many else [values]
        for value in given:
            if option_string not in (None, "--workdir") and is_pretrained(str(value)):
                raise invalid(what, str(value), f"a path: nothing is written to, or read as {what} from, {PRETRAINED}…")
        paths = [str(local_path(str(value), what)) for value in given]
        setattr(namespace, self.dest, paths if many else paths[0])
