"""Prints a script that completes geomdl's verbs and options in a shell.

  geomdl completion bash > ~/.local/share/bash-completion/completions/geomdl
  geomdl completion zsh > "${fpath[1]}/_geomdl"
  geomdl completion fish > ~/.config/fish/completions/geomdl.fish

The script holds the verbs and options of this version, so that completing starts no Python; print it again after an
update. Values, such as paths of config files, are completed as files.
"""

import argparse
from collections.abc import Mapping
from typing import NamedTuple

from geomdl.cli.support.parser import Parser
from geomdl.cli.support.verbs import VERBS, verb_parser
from geomdl.errors import unknown


class Option(NamedTuple):
    """An option of a verb.

    Attributes:
      name: with its dashes.
      value: whether it takes one.
      help: one line.
    """

    name: str
    value: bool
    help: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("shell", help=", ".join(SHELLS))


def run(arguments: argparse.Namespace) -> None:
    """Prints the script."""
    if arguments.shell not in SHELLS:
        raise unknown("shell", arguments.shell, list(SHELLS))
    print(SHELLS[arguments.shell](VERBS, {verb: options(verb_parser(verb)) for verb in VERBS}))


def options(parser: Parser) -> list[Option]:
    """Returns the options of a parser.

    >>> parser = Parser()
    >>> _ = parser.add_argument("--workdir", help="directory of the run")
    >>> options(parser)[1]
    Option(name='--workdir', value=True, help='directory of the run')
    """
    return [
        Option(name, action.nargs != 0, " ".join((action.help or "").split()))
        for action in parser._actions
        for name in action.option_strings
        if name.startswith("--")
    ]


def _bash(verbs: Mapping[str, str], found: Mapping[str, list[Option]]) -> str:
    cases = "\n".join(
        f'    {verb}) words="{" ".join(o.name + "=" * o.value for o in some)}" ;;' for verb, some in found.items()
    )
    return f"""# bash completion for geomdl
_geomdl() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{" ".join(verbs)} --help --version" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [[ "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace 2>/dev/null
  fi
}}
complete -o default -o bashdefault -F _geomdl geomdl"""


def _zsh(verbs: Mapping[str, str], found: Mapping[str, list[Option]]) -> str:
    listed = " ".join(_quoted(f"{verb}:{purpose}") for verb, purpose in verbs.items())
    cases = "\n".join(
        f"    {verb}) _arguments {' '.join(_zsh_option(o) for o in some)} '*:file:_files' ;;"
        for verb, some in found.items()
    )
    return f"""#compdef geomdl
_geomdl() {{
  local -a verbs
  verbs=({listed})
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
{cases}
  esac
}}
_geomdl "$@" """.rstrip()


def _zsh_option(option: Option) -> str:
    about = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    return _quoted(f"{option.name}{'=' * option.value}[{about}]" + (":value:_files" if option.value else ""))


def _fish(verbs: Mapping[str, str], found: Mapping[str, list[Option]]) -> str:
    lines = ["# fish completion for geomdl"]
    lines += [
        f"complete -c geomdl -n __fish_use_subcommand -f -a {verb} -d {_quoted(purpose)}"
        for verb, purpose in verbs.items()
    ]
    lines += [
        f"complete -c geomdl -n '__fish_seen_subcommand_from {verb}' -l {option.name[2:]}{' -r' * option.value} "
        f"-d {_quoted(option.help)}"
        for verb, some in found.items()
        for option in some
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """In single quotes, as a shell reads them."""
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
