"""Draws verdicts from measurements, with the conditions under which they hold."""

import math
from collections.abc import Sequence

from geomdl.audit.probes.symmetries import NamedSymmetry
from geomdl.audit.results.verdict import Level, Measurement, Verdict, judge

_ORDER: tuple[Level, ...] = ("exact", "approximate", "broken")
FULL_FRAME = "points, full frame"
"""The family of measurements of turned images whose corners leave the frame: shown, not judged."""


def conclude(
    symmetry: NamedSymmetry,
    measurements: Sequence[Measurement],
    *,
    tolerance: float,
    size: tuple[int, ...],
    dead: bool = False,
    reasons: Sequence[str] = (),
) -> Verdict:
    """The verdict on one symmetry.

    The level is the worst over its transformations at the given size; other sizes give conditions.

    Args:
      symmetry: what the verdict is on.
      measurements: all that were made.
      tolerance: the rounding error that ``exact`` allows.
      size: (height, width) that the verdict is about; of volumes with the depth before.
      dead: whether the output does not depend on the input.
      reasons: what a contract of the model says about sizes.
    """
    rows = [m for m in measurements if symmetry.includes(m) and m.size == size]
    if not rows:
        conditions = (
            ()
            if dead
            else ("no transformation of it can be tried here, or the output is constant on the images for it",)
        )
        nan = math.nan
        return Verdict(
            symmetry.name, symmetry.description, "dead" if dead else "not measured", nan, nan, "", 0, tolerance,
            nan, nan, nan, symmetry.asked, conditions,
        )  # fmt: skip
    level, worst = _worst(rows, tolerance)
    conditions = [
        *_about_images(rows, tolerance),
        *_about_grid(rows, measurements, symmetry, tolerance),
        *_about_shifts(symmetry, rows, level, tolerance),
        *_about_borders(symmetry, rows, level, tolerance),
        *_about_sizes(symmetry, rows, measurements, tolerance),
        *([f"its contract says: needs {reason}" for reason in reasons] if level == "broken" else []),
    ]
    return Verdict(
        symmetry.name,
        symmetry.description,
        "dead" if dead else level,
        worst.error,
        sum(m.error for m in rows) / len(rows),
        worst.element,
        len({m.element for m in rows}),
        tolerance,
        worst.baseline,
        worst.through,
        worst.spread,
        symmetry.asked,
        () if dead else tuple(conditions),
    )


def level_of(measurement: Measurement, tolerance: float) -> Level:
    """The level that one transformation has by itself."""
    return judge(measurement.error, tolerance=tolerance, spread=measurement.spread, through=measurement.through)


def _worst(rows: Sequence[Measurement], tolerance: float) -> tuple[Level, Measurement]:
    levels = [level_of(m, tolerance) for m in rows]
    level = _ORDER[max(_ORDER.index(found) for found in levels)]
    return level, max((m for m, found in zip(rows, levels, strict=True) if found == level), key=lambda m: m.error)


def _about_sizes(
    symmetry: NamedSymmetry, rows: Sequence[Measurement], measurements: Sequence[Measurement], tolerance: float
) -> list[str]:
    """Whether the transformations that were also tried on images of another size have the same level there."""
    found: list[str] = []
    for other in dict.fromkeys(m.size for m in measurements if m.size != rows[0].size):
        there = [m for m in measurements if symmetry.includes(m) and m.size == other]
        names = {m.element for m in there}
        here = [m for m in rows if m.element in names]
        if there and here:
            level, worst = _worst(there, tolerance)
            where = f"at {'×'.join(map(str, other))}" + (
                " (the grid part)" if len(here) < len(rows) and _resamples(rows) else ""
            )
            same = level == _worst(here, tolerance)[0]
            found.append(f"the same {where}" if same else f"{level} {where}: {worst.error:.1e}")
    return found


def _about_images(rows: Sequence[Measurement], tolerance: float) -> list[str]:
    """The level on each kind of images, where they differ: noise may break what holds on the images that were given."""
    names = tuple(dict.fromkeys(m.images for m in rows if m.frame != "disc"))
    found = {name: _worst([m for m in rows if m.images == name and m.frame != "disc"], tolerance) for name in names}
    if len({level for level, _ in found.values()}) < 2:
        return []
    return [f"{level} on {name} ({worst.error:.1e})" for name, (level, worst) in found.items()]


def _resamples(rows: Sequence[Measurement]) -> bool:
    return any(m.frame == "disc" for m in rows)


def _about_shifts(symmetry: NamedSymmetry, rows: Sequence[Measurement], level: Level, tolerance: float) -> list[str]:
    """The smallest step of which all multiples are exact, where single pixels are not."""
    if symmetry.name != "shifts" or level == "exact":
        return []
    limit = int(max(abs(n) for m in rows for n in m.value))
    for step in (2, 4, 8, 16, 32):
        multiples = [m for m in rows if all(n % step == 0 for n in m.value)]
        if step <= limit and len(multiples) > 1 and all(level_of(m, tolerance) == "exact" for m in multiples):
            return [f"exact for multiples of {step} pixels"]
    return []


def _about_borders(symmetry: NamedSymmetry, rows: Sequence[Measurement], level: Level, tolerance: float) -> list[str]:
    """What small shifts do to the middle half of an output field, where borders do not reach."""
    if level == "exact" or "shifts" not in symmetry.name:
        return []
    small = [m for m in rows if max(map(abs, m.value)) <= max(min(m.size) // 8, 1) and m.interior is not None]
    if not small:
        return []
    worst = max(m.interior or 0.0 for m in small)
    if worst <= tolerance:
        return ["exact in the middle half of the frame: the borders break it"]
    return [f"{worst:.1e} in the middle half of the frame"]


def _about_grid(
    rows: Sequence[Measurement], measurements: Sequence[Measurement], symmetry: NamedSymmetry, tolerance: float
) -> list[str]:
    """Which part of a group is exact, when some of its elements resample the image and others do not."""
    cut = [m for m in rows if m.frame == "disc"]
    if not cut:
        return []
    found = []
    whole = [m for m in rows if m.frame != "disc"]
    if whole and symmetry.name != "other angles":
        level, worst = _worst(whole, tolerance)
        found.append(f"grid part {level} ({worst.error:.1e})")
    found.append(f"{cut[0].images} images within the {'ball' if len(cut[0].size) == 3 else 'disc'}")
    names = {m.element for m in cut}
    corners = [m.error for m in measurements if m.family.startswith(FULL_FRAME) and m.element in names]
    if corners:
        found.append(f"{max(corners):.2g} over the full frame, where corners leave it")
    return found
