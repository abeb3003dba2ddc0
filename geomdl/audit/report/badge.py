"""The badge of an audit, as one line of text and as SVG, for a README."""

import html
import math

from geomdl.audit.probes.symmetries import OTHER_ANGLES
from geomdl.audit.report.report import Audit, number
from geomdl.audit.results.verdict import Verdict

_COLOURS = {"exact": "#2e7d4f", "approximate": "#9a6700", "broken": "#b3362b", "dead": "#6b6b6b"}


def badge_line(report: Audit) -> str:
    """The largest point group that is exact (else the best that is not), the shifts, and 45° where it is not exact.

    >>> from geomdl.audit import audit
    >>> badge_line(audit(lambda x: abs(x).max((1, 2)), group="C4", size=(8, 8, 1), count=4))
    'symmetry: C4 exact (0) · shifts exact · 45° 0.02'
    """
    if report.dead:
        return "symmetry: none, the output is constant"
    parts = []
    if (best := _best(report)) is not None:
        parts.append(f"{best.symmetry} {best.level} ({_short(best.error)})")
    shifts = report["shifts"]
    parts.append("shifts exact" if shifts.level == "exact" else f"shifts {shifts.level} ({_short(shifts.error)})")
    diagonal = [m for m in report.measurements if m.family in ("points", OTHER_ANGLES) and m.value == (0.0, 45.0)]
    if diagonal and diagonal[0].size == report.input_shape[:2]:
        parts.append(f"45° {_short(diagonal[0].error)}")
    return "symmetry: " + " · ".join(parts)


def badge_svg(report: Audit) -> str:
    """The line as a picture: dark label, coloured by the level of the group that was asked for."""
    label, _, value = badge_line(report).partition(": ")
    best = _best(report)
    colour = _COLOURS["dead" if report.dead else best.level if best else report["shifts"].level]
    left, right = (round(6.2 * len(text)) + 12 for text in (label, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{html.escape(label)}: {html.escape(value)}">'
        f'<rect width="{left}" height="20" fill="#444"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 12}">{html.escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{html.escape(value)}</text></g></svg>\n'
    )


def _best(report: Audit) -> Verdict | None:
    """The exact point symmetry with the most transformations, among those asked for; the approximate ones come next."""
    points = [v for v in report.verdicts if v.asked and "shifts" not in v.symmetry and v.transformations]
    order = {"exact": 0, "approximate": 1, "broken": 2}
    return min(points, key=lambda v: (order.get(v.level, 3), -v.transformations), default=None)


def _short(error: float) -> str:
    """Two digits, or one of a small number: 0.14, 3e-7."""
    if error == 0 or error >= 1e-3:
        return number(float(f"{error:.2g}"))
    exponent = math.floor(math.log10(error))
    return f"{error / 10**exponent:.0f}e{exponent}"
