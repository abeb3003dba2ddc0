"""Parses the names of representations and field types, such as ``"2 regular + irrep(1,1)"``."""

import re

from geomdl.errors import invalid, unknown
from geomdl.groups import O3, SO3, DirectProduct, PlanarGroup, PointGroup, SpatialGroup, point_factors, subgroup
from geomdl.groups import group as group_of
from geomdl.representations.induced import induced, quotient
from geomdl.representations.irrep_families import irrep_family
from geomdl.representations.irreps import irrep
from geomdl.representations.outer import outer_product
from geomdl.representations.regular import regular
from geomdl.representations.representation import Representation, direct_sum, trivial
from geomdl.representations.restriction import restrict
from geomdl.representations.spectral import band_limited
from geomdl.representations.tensor import tensor_product

FORMS = (
    "trivial", "regular", "irrep(k)", "irrep(j,k)", "quotient(H)", "induced(H,ρ)", "band_limited(F)",
    "band_limited(F,H)", "restrict(G,ρ)", "tensor(ρ,ρ)", "(ρ + ρ)", "outer(ρ,ρ)", "outer(ψ,ψ,±1)",
)  # fmt: skip
"""The forms that `representation` understands; H is a subgroup such as C2, D1 or ``D1,axis=3``."""


def representation(group: PointGroup, name: str) -> Representation:
    """The representation of a name; every name that the library gives a representation reads back.

      ``trivial``, ``regular``, ``irrep(k)``, ``irrep(j,k)``;
      ``quotient(H)``, ``induced(H,ρ)`` with ρ of the subgroup H; ``band_limited(F)`` and ``band_limited(F,H)``;
      ``0e``, ``1o``, … for O3: degree and parity, as e3nn writes them;
      ``restrict(G,ρ)`` with ρ of a larger group G; ``tensor(ρ,ρ)``; ``(2 ρ + ρ)``, a direct sum;
      for a direct product ``trivial``, ``regular``, ``tensor``, sums, ``outer(ρ,ρ)`` with one of each factor, and
      ``outer(ψ,ψ,1)``, ``outer(ψ,ψ,-1)``, the two irreps that the outer product of irreps of complex type holds.

    A subgroup with reflections about another axis adds ``axis=a`` at the end, e.g. ``quotient(D1,axis=3)``. (Names
    that a user gave, as in `decompose`, do not read back.)

    Args:
      group: the group of the plane, or a direct product of two.
      name: of the representation, as above.

    Raises:
      ValueError: for an unknown name, or one that the group does not have.

    >>> from geomdl.groups import D4
    >>> representation(D4, "irrep(1, 1)").size, representation(D4, "quotient(D1, axis=1)").size
    (2, 4)
    >>> representation(D4, "regulr")
    Traceback (most recent call last):
    ...
    ValueError: unknown representation of D4 'regulr'; allowed: trivial, regular, irrep(j,k), quotient(H), induced(H,ρ),
    band_limited(F), band_limited(F,H), restrict(G,ρ), tensor(ρ,ρ), (ρ + ρ); did you mean 'regular'?
    """
    text = re.sub(r"\s", "", name)
    if re.fullmatch(r"\d+[eo]", text):
        return _e3nn_irrep(group, int(text[:-1]), "eo".index(text[-1]), name)
    if text.startswith("(") and _closes(text) == len(text) - 1:
        return direct_sum([rho for count, rho in weighted_sum(group, text[1:-1]) for _ in range(count)])
    match = re.fullmatch(r"([a-z_]+)(?:\((.*)\))?", text)
    if match:
        try:
            found = _build(group, match[1], _split(match[2], ",") if match[2] is not None else [])
        except _WrongArguments:
            found = None
        if found is not None:
            return found
    if isinstance(group, DirectProduct):
        forms = ["trivial", "regular", *FORMS[-4:]]
    else:
        forms = [*FORMS[:2], *irrep_family(group).forms, *FORMS[4:-2]]
        if isinstance(group, SpatialGroup):
            forms = [f for f in forms if not f.startswith("band_limited")]
    raise unknown(f"representation of {group}", name, forms)


def weighted_sum(group: PointGroup, text: str) -> list[tuple[int, Representation]]:
    """The (multiplicity, representation) pairs of a sum such as ``"8 trivial + 4 irrep(1,1)"``, ``"8x0e + 4x1o"``.

    Raises:
      ValueError: for a malformed sum, a multiplicity that is not positive, or an unknown representation.
    """
    pairs = []
    for term in _split(text, "+"):
        match = re.fullmatch(r"\s*(?:(-?\d+)\s*x\s*)?(\d+[a-z]?)\s*", term)  # as e3nn writes it: 4x1o
        match = match or re.fullmatch(r"\s*(-?\d+)?\s*([a-zA-Z(].*?)\s*", term)
        if not match:
            raise invalid("field type", text, "terms '<multiplicity> <representation>' joined by '+'", "8 regular")
        if match[1] and int(match[1]) < 1:
            raise invalid("multiplicity in field type", match[1], "a positive integer", 1)
        pairs.append((int(match[1] or 1), representation(group, match[2])))
    return pairs


def _e3nn_irrep(group: PointGroup, degree: int, parity: int, name: str) -> Representation:
    """The irrep of O3 of a degree and a parity, by the name that it has in e3nn.

    Raises:
      ValueError: for another group, with what it has instead.
    """
    if group == O3:
        return irrep(group, parity, degree)
    allowed = ", ".join(irrep_family(group).forms)
    if group == SO3:
        allowed += ": SO3 has no parity, which O3 has"
    raise invalid(f"representation of {group}", name, allowed, f"irrep({degree})" if group == SO3 else None)


class _WrongArguments(Exception):
    """The name of a form, but with other arguments than it takes."""


def _build(group: PointGroup, form: str, arguments: list[str]) -> Representation | None:
    axis, arguments = _axis(arguments)
    count = len(arguments)
    if form in ("trivial", "regular") and count == 0 and not axis:
        return trivial(group) if form == "trivial" else regular(group)
    if form == "tensor" and count == 2 and not axis:
        return tensor_product(representation(group, arguments[0]), representation(group, arguments[1]))
    if isinstance(group, DirectProduct):
        return _outer(group, arguments) if form == "outer" and count in (2, 3) and not axis else None
    if form == "irrep" and count in (1, 2) and not axis:
        return irrep(group, *map(_integer, arguments))
    if form == "quotient" and count == 1:
        return quotient(group, arguments[0], axis)
    if form == "induced" and count == 2:
        small = subgroup(group, arguments[0], axis)
        return induced(group, small, representation(small.subgroup, arguments[1]))
    if form == "band_limited" and count in (1, 2) and isinstance(group, PlanarGroup):
        return band_limited(group, _integer(arguments[0]), arguments[1] if count == 2 else "C1", axis)
    if form == "restrict" and count == 2:
        large = group_of(arguments[0])
        return restrict(representation(large, arguments[1]), subgroup(large, group, axis))
    return None


def _outer(group: DirectProduct, arguments: list[str]) -> Representation:
    first, second = (representation(f, a) for f, a in zip(point_factors(group), arguments[:2], strict=True))
    if len(arguments) == 2:
        return outer_product(first, second)
    if not (first.is_irreducible and second.is_irreducible):
        raise _WrongArguments
    return irrep(group, *first.labels[0], *second.labels[0], _integer(arguments[2]))


def _axis(arguments: list[str]) -> tuple[float, list[str]]:
    if not (arguments and arguments[-1].startswith("axis=")):
        return 0, arguments
    text = arguments[-1].removeprefix("axis=")
    try:
        return (int(text) if re.fullmatch(r"-?\d+", text) else float(text)), arguments[:-1]
    except ValueError:
        raise invalid("axis", text, "a number", 0) from None


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d+", text):
        raise _WrongArguments
    return int(text)


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that are outside all parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _closes(text: str) -> int:
    """Where the parenthesis that opens a text is closed, or −1."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place
    return -1
