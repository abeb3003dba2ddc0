"""docs/symmetry.md: which layer and model is equivariant to what, exactly or approximately, and when.

    python -m experiments.tables.symmetry     # rewrites the page, in about half a minute

The page is made from the contracts alone, nothing is measured here: `tests/test_contracts.py` checks that every row
keeps them, and that the page is the one that this writes.
"""

import math
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from flax import nnx

from geomdl.equivariance import Contract, Promise
from geomdl.groups import PlanarGroup, SpatialGroup, group, require_point_group
from geomdl.layers.contract_table.entries import EVERY, LAYERS, Entry
from geomdl.layers.contract_table.sampling import ROWS
from geomdl.layers.contract_table.volumes import VOLUMES as LAYERS_ON_VOLUMES
from geomdl.models import InexactSizeWarning, exact_sizes_near
from geomdl.models.contract_table import ENTRIES
from geomdl.models.contract_table import VOLUMES as NETWORKS_OF_VOLUMES

TABLE: tuple[Entry, ...] = (*LAYERS, *ROWS, *ENTRIES)
VOLUMES: tuple[Entry, ...] = (*LAYERS_ON_VOLUMES, *NETWORKS_OF_VOLUMES)
SECTIONS = tuple(dict.fromkeys(entry.section for entry in (*TABLE, *VOLUMES)))
PAGE = Path(__file__).parents[2] / "docs" / "symmetry.md"

HEAD = """# Equivariance of layers and models

Made from the contracts of the layers and models by `python -m experiments.tables.symmetry`; do not edit it. The common
table of `tests/test_contracts.py` measures every row for every group named here: `pytest tests/test_contracts.py`, and
`pytest -m long tests/test_contracts.py` for the models of the other groups. Every element that is promised is tried,
over the whole frame, compiled, in float32; each row also in float64, in training mode, spread over four devices and
after steps of gradient descent.

**Rotations and reflections.** "Exact" is to rounding (`geomdl.equivariance.tolerance`), for the elements g of the group
that map the pixel grid to itself: f(ρ(g) x) = ρ(g) f(x). All other elements are approximate on images: they hold up to
interpolation and aliasing, with an error that `check_contract` measures and does not judge. Quarter turns need square
images.

{elements}

**Shifts** are circular, on every image that is a multiple of the step. *Fractional* ones are by any real number of
pixels, with ideal interpolation, of images without Nyquist component, under the same conditions; "approximate" means
that aliasing spoils them.

**Crops**: where a window on a larger scene moves by a multiple of the step, the output moves with it, exactly, wherever
its field of view lies inside: its place ± so many pixels of the input. "–": an output depends on the whole image, or on
where it lies.

**Sizes.** n is the height or width of the input in pixels. Where conditions are those of layers within a network, some
sizes that meet them all are named.
"""


VOLUMES_HEAD = """On volumes `tests/layers/test_volumes.py` and `tests/models/test_volumes.py` measure every row for
every group named here. Exact are the elements that map a cubic grid to itself: all of T, Td, Th, O, Oh and of the
groups about an axis with N = 1, 2, 4; 12 of I, 8 of Cinfv, and 24 and 48 of SO3 and O3. Where elements exchange
axes, these must be equally long.
"""


def page() -> str:
    """The text of the page."""
    return "\n".join([head(), *map(section, SECTIONS)])


def head() -> str:
    """What stands before the tables."""
    return HEAD.format(elements=_exact_elements())


def section(title: str) -> str:
    """One table, with its heading and what is to be said of it."""
    lines = [
        f"## {title}",
        "",
        *([VOLUMES_HEAD] if title == VOLUMES[0].section else []),
        "| | Groups | Rotations and reflections | Circular shifts | Fractional | Crops | Training |",
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for entry in (e for e in (*TABLE, *VOLUMES) if e.section == title):
        statements: dict[tuple[str, ...], list[str]] = {}
        for name in entry.groups:
            statements.setdefault(statement(entry, name), []).append(name)
        for cells, names in statements.items():
            lines.append("| " + " | ".join((entry.name, _ranges(names), *cells)) + " |")
    return "\n".join([*lines, ""])


def _exact_elements() -> str:
    """Which elements of each group map a square grid to itself."""
    kinds: dict[str, list[str]] = {}
    for name in EVERY:
        g = group(name)
        turns = 4 if not g.is_finite else math.gcd(4, int(g.rotation_order))
        text = {1: "the identity", 2: "half turns", 4: "quarter turns"}[turns]
        text += " and as many reflections" if g.reflections else ""
        every = g.is_finite and turns == g.rotation_order
        kinds.setdefault(text + (": all" if every else ""), []).append(name)
    rows = [f"| {_ranges(names)} | {text} |" for text, names in kinds.items()]
    return "\n".join(["| Groups | Exact elements |", "|---|---|", *rows])


def statement(entry: Entry, name: str) -> tuple[str, ...]:
    """The cells of a row: rotations and reflections, shifts of all kinds, training."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InexactSizeWarning)
        contract: Contract = nnx.eval_shape(lambda: entry.build(name)).contract
    points = _promise(contract.points, group(name))
    if contract.points.level != "none":
        if not entry.even:
            points += ", for every element: no base space"
        if any("(module" in c.text for c in contract.points.conditions) and len(entry.even) == 2:
            sizes = exact_sizes_near(contract, entry.even)
            points += ", such as " + ", ".join(f"{height}x{width}" for height, width in sizes)
        if contract.group != contract.in_type.group:
            points += f"; promised for {_subgroup(contract)}"
        if contract.exact_group != contract.group:
            points += f"; within {contract.exact_group}"
    shifts = "–" if not entry.even else _promise(contract.shifts, None)
    if contract.step != 1 and contract.shifts.level != "none":
        shifts = shifts.replace("exact", f"exact, by multiples of {contract.step} pixels", 1)
    if contract.up_to_shift is not None and contract.up_to_shift.level != "none":
        shifts += f"; by any whole number up to a shift of the output: {_promise(contract.up_to_shift, None)}"
    fractional = "–" if not entry.even else contract.fractional.level
    crops = f"±{contract.reach}" if entry.even and contract.cropped.level == "exact" else "–"
    training = "in distribution" if contract.random_in_training else "the same" if entry.trains else "only evaluates"
    return points, shifts, fractional, crops, training


def _subgroup(contract: Contract) -> str:
    """The subgroup of a restriction, in words that are the same for a whole family of groups."""
    whole, part = (require_point_group(g, "a restriction") for g in (contract.in_type.group, contract.group))
    if isinstance(whole, SpatialGroup) or isinstance(part, SpatialGroup):
        return f"the subgroup {part}"
    if whole.reflections and not part.reflections and whole.rotation_order == part.rotation_order:
        return "the rotations"
    return f"the subgroup {part}" if not whole.is_finite else "the subgroup that it restricts to"


def _promise(promise: Promise, of: PlanarGroup | SpatialGroup | None) -> str:
    """A promise in words, without the condition that quarter turns need square images, or cubic volumes."""
    if promise.level == "none":
        return "no promise" + (f": {promise.why}" if promise.why else "")
    texts = [c.text for c in promise.conditions if not (of is not None and c.once)]
    within = re.compile(r"(, [^,]*)? \(module [\d.]+\)$")  # the formula and place of a layer in a network
    texts = [within.sub(" at every layer", text) for text in texts]
    short = [text for text in dict.fromkeys(texts) if f"{text} at every layer" not in texts]
    return promise.level + (" for " + " and ".join(short) if short else "")


def _ranges(names: Iterable[str]) -> str:
    """Names of groups, three or more in a row shortened.

    >>> _ranges(["C1", "C2", "C3", "C5", "D1", "D2", "SO2"])
    'C1–C3, C5, D1, D2, SO2'
    """
    runs: list[list[str]] = []
    for name in names:
        follows = bool(runs) and name[1:].isdigit() and runs[-1][-1] == f"{name[0]}{int(name[1:]) - 1}"
        runs[-1].append(name) if follows else runs.append([name])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
