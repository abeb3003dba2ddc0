"""The command line of studies that have no figure of their own, `python -m experiments.NAME`."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path


def study_command(
    description: str | None,
    name: str,
    presets: Iterable[str],
    run: Callable[[str, Path], None],
    said: Callable[[Path], Iterable[str]],
    contradicted: Callable[[Path], Iterable[str]],
) -> None:
    """Runs a preset, and prints what was seen and what of the claim it contradicts.

    Args:
      description: of the study.
      name: of its default folder, in ``out``.
      presets: their names.
      run: a preset, to a folder.
      said: sentences of the tables in the folder.
      contradicted: what of the claim these contradict.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="fast", choices=list(presets))
    parser.add_argument("--out", type=Path, default=Path("out") / name)
    options = parser.parse_args()
    run(options.preset, options.out)
    for sentence in said(options.out):
        print(sentence)
    for sentence in contradicted(options.out):
        print(f"contradicted: {sentence}")
