"""Requirements on the verdicts of an audit, parsed from text such as ``"C4 exact"`` or ``"C8 approximate<0.1"``."""

import dataclasses
import re
from collections.abc import Sequence

from geomdl.audit.results.verdict import Verdict
from geomdl.errors import invalid, unknown

LEVELS = ("exact", "approximate", "broken")
_FORM = re.compile(r"(?P<symmetry>.+?)\s+(?P<level>[A-Za-z]+)\s*(?:<=?\s*(?P<bound>\S+))?\s*")


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A symmetry, the level it must have, and perhaps a bound on its error.

    ``exact`` satisfies ``approximate`` as well; ``broken`` is satisfied by broken only.

    Args:
      symmetry: its name, see `symmetry_names`.
      level: ``"exact"``, ``"approximate"`` or ``"broken"``.
      bound: the largest relative error; None for any.

    >>> requirement("C8 approximate < 0.1", ["C4", "C8"])
    Requirement(symmetry='C8', level='approximate', bound=0.1)
    """

    symmetry: str
    level: str
    bound: float | None = None

    def __str__(self) -> str:
        return f"{self.symmetry} {self.level}" + (f"<{self.bound:g}" if self.bound is not None else "")

    def holds(self, verdict: Verdict) -> bool:
        """Whether the verdict on this symmetry is at least what is required."""
        good = ("exact",) if self.level == "exact" else ("exact", "approximate")
        reached = verdict.level == "broken" if self.level == "broken" else verdict.level in good
        return reached and (self.bound is None or verdict.error < self.bound)


def requirement(text: str, symmetries: Sequence[str]) -> Requirement:
    """Reads one requirement.

    Args:
      text: ``"SYMMETRY LEVEL"`` or ``"SYMMETRY LEVEL<NUMBER"``.
      symmetries: the names that an audit gives verdicts on.

    Raises:
      ValueError: for another form, an unknown symmetry or level, or a bound that is no positive number.

    >>> requirement("C5 exact", ["C2", "C4", "shifts"])
    Traceback (most recent call last):
    ...
    ValueError: unknown symmetry in requirement 'C5 exact': 'C5'; allowed: C2, C4, shifts; did you mean 'C4'?
    """
    match = _FORM.fullmatch(text.strip())
    if not match:
        raise invalid("requirement", text, "'SYMMETRY LEVEL' or 'SYMMETRY LEVEL<NUMBER'", "'C4 exact'")
    names = {name.lower(): name for name in symmetries}
    name, level = " ".join(match["symmetry"].split()), match["level"].lower()
    if name.lower() not in names:
        raise unknown(f"symmetry in requirement {text!r}:", name, symmetries)
    if level not in LEVELS:
        raise unknown(f"level in requirement {text!r}:", match["level"], LEVELS)
    try:
        bound = None if match["bound"] is None else float(match["bound"])
    except ValueError:
        bound = -1.0
    if bound is not None and not bound > 0:
        raise invalid(f"bound in requirement {text!r}:", match["bound"], "a positive number", f"'{name} {level}<0.1'")
    return Requirement(names[name.lower()], level, bound)
