"""Representations by name."""

import re

from geomdl.errors import unknown
from geomdl.groups import PlanarGroup
from geomdl.representations.irreps import irrep
from geomdl.representations.regular import regular
from geomdl.representations.representation import Representation, trivial


def representation(group: PlanarGroup, name: str) -> Representation:
    """The representation of a name: ``trivial``, ``regular``, ``irrep(k)`` or ``irrep(j,k)``.

    Raises:
      ValueError: for an unknown name, or one that the group does not have.

    >>> from geomdl.groups import D4
    >>> representation(D4, "irrep(1, 1)").size
    2
    >>> representation(D4, "regulr")
    Traceback (most recent call last):
    ...
    ValueError: unknown representation of D4 'regulr'; allowed: trivial, regular, irrep(j,k); did you mean 'regular'?
    """
    text = re.sub(r"\s", "", name)
    if text == "trivial":
        return trivial(group)
    if text == "regular":
        return regular(group)
    match = re.fullmatch(r"irrep\((\d+(?:,\d+)?)\)", text)
    if match:
        return irrep(group, *(int(v) for v in match[1].split(",")))
    raise unknown(
        f"representation of {group}", name, ["trivial", "regular", "irrep(j,k)" if group.reflections else "irrep(k)"]
    )
