"""docs/stability.md: every public name of geomdl, stable or experimental.

    python -m experiments.tables.public_names     # rewrites the page

A name is public when it is in the ``__all__`` of one of the packages or modules below; it is experimental when it is
in ``__experimental__`` there too, else stable. `tests/test_public_names.py` checks that the page is up to date.
"""

import importlib
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

PACKAGES = (
    "registry", "groups", "representations", "actions", "boxes", "equivariance", "kernels", "layers", "e3nn", "points",
    "models", "data", "tasks", "evaluators", "plots", "training", "inference", "audit", "testing",
)  # fmt: skip
"""The packages that have public names, from the bottom of the house to the top."""

MODULES = ("errors", "environment", "kernels.classical_filters", "layers.convolution.algorithms")
"""Further modules with public names, which are imported from there: ``from geomdl.environment import versions``."""

PAGE = Path(__file__).parents[2] / "docs" / "stability.md"

HEAD = """# What is stable

Made from the `__all__` and `__experimental__` of packages and modules by
`python -m experiments.tables.public_names`; do not edit it.

Public is what a package or module lists here: import it from there (`from geomdl.layers import Conv`). Everything else,
other modules inside the packages and names with a leading underscore included, may change in any commit.

**Stable**: a name, its arguments and what it returns stay from one minor version to the next. What has to go is
deprecated first: the old name or argument works for at least one minor version, with a `DeprecationWarning` that says
what to write instead (`geomdl.deprecation.renamed`) and an entry in CHANGELOG.md. Numbers are part of the promise: a
change of the losses of a run with the same config and seed, or of a published table, is marked **[numbers]** there. New
arguments come by keyword, with a default that changes nothing.

**Experimental**: tested like the rest, but names, arguments and numbers may change in any version, with an entry in
CHANGELOG.md and no warning.

The `geomdl` command (its verbs, options and exit statuses), the keys of a run's config and the files of a work
directory are stable.
"""


def experimental(package: ModuleType) -> frozenset[str]:
    """The public names of a package that may change in any version."""
    return frozenset(getattr(package, "__experimental__", ()))


def section(name: str) -> str:
    """What the page says of a package.

    >>> print(section("audit"))
    ## geomdl.audit
    <BLANKLINE>
    **Stable**: `Audit`, `Requirement`, `Verdict`, `audit`, `requirement`, `symmetry_names`.
    <BLANKLINE>
    **Experimental**: `Images`, `Measurement`, `read_images`.
    <BLANKLINE>
    """
    package = importlib.import_module(f"geomdl.{name}")
    shaky = experimental(package)
    stable = [public for public in package.__all__ if public not in shaky]
    unstable = [public for public in package.__all__ if public in shaky]
    parts = [f"## geomdl.{name}", _listed("Stable", stable), _listed("Experimental", unstable)]
    return "\n\n".join(part for part in parts if part) + "\n"


def page() -> str:
    """The text of the page."""
    return "\n".join([HEAD, *map(section, (*PACKAGES, *MODULES))])


def _listed(title: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    text = f"**{title}**: " + ", ".join(f"`{name}`" for name in names) + "."
    return textwrap.fill(text, width=120, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
