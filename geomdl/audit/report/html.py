"""The report of an audit as one page that needs nothing from outside."""

import base64
import html
import io
from importlib.resources import files

import numpy as np
from PIL import Image

from geomdl.audit.measuring.measurement import Picture
from geomdl.audit.probes.symmetries import OTHER_ANGLES
from geomdl.audit.report import figures
from geomdl.audit.report.badge import badge_line
from geomdl.audit.report.report import Audit, number
from geomdl.audit.results.verdict import APPROXIMATE_SHARE, EXACT_SHARE, INTERPOLATION_FACTOR, RESAMPLED_SHARE, Verdict


def render(report: Audit) -> str:
    """The page: HTML with its style, figures and images inside; light and dark.

    Args:
      report: of `geomdl.audit.audit`. One that was read from JSON has no pictures.

    >>> from geomdl.audit import audit
    >>> page = render(audit(lambda x: x.mean((1, 2)), group="C2", size=(8, 8, 1), count=4))
    >>> page.startswith("<!doctype html>"), "http" in page
    (True, False)
    """
    body = "".join(
        [
            _head(report),
            _verdicts(report),
            _figures(report),
            _layers(report),
            _worst(report.pictures),
            _measures(report),
            _method(report),
            _numbers(report),
        ]
    )
    return page(f"Symmetry of {report.model}", body)


def page(title: str, body: str, style: str = "") -> str:
    """A page that needs nothing from outside, in the style of these reports; light and dark.

    Args:
      title: as text.
      body: as HTML.
      style: further rules of CSS.

    >>> "<title>A &amp; B</title>" in page("A & B", "<p>C")
    True
    """
    rules = (files("geomdl.audit") / "page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title>\n<style>\n{rules}{style}</style></head>\n"
        f"<body><main>\n{body}</main></body></html>\n"
    )


def _text(value: object) -> str:
    return html.escape(str(value))


def _head(report: Audit) -> str:
    facts = {
        "input": "×".join(map(str, report.input_shape)) + f" {report.dtype}",
        "output": ("×".join(map(str, report.output_shape)) or "one number") + f", treated as {report.treated}",
        "group": report.group,
        "images": f"{report.count} of {report.images}, and white noise",
        "library": report.kind,
    }
    items = "".join(f"<li><b>{_text(key)}</b>{_text(value)}</li>" for key, value in facts.items())
    notes = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
    dead = (
        '<p class="level dead">The output does not depend on the input. A constant is invariant under everything, and'
        " useless: no verdict is given.</p>"
        if report.dead
        else ""
    )
    return (
        f'<p class="muted">Symmetry audit</p><h1>{_text(report.model)}</h1>\n<ul class="facts">{items}</ul>\n'
        f'<p class="headline">{_text(badge_line(report))}</p>{dead}'
        + (f'<ul class="notes muted">{notes}</ul>' if notes else "")
        + "\n"
    )


def _verdicts(report: Audit) -> str:
    def row(v: Verdict) -> str:
        conditions = "; ".join(v.conditions)
        return (
            f"<tr><td>{_text(v.symmetry)}<small>{_text(v.description)}</small></td>"
            f'<td class="level {v.level.replace(" ", "-")}">{_text(v.level)}</td>'
            f'<td class="n">{number(v.error)}</td><td class="n">{number(v.mean)}</td>'
            f'<td class="n">{number(v.through) if v.through else ""}</td><td class="n">{number(v.spread)}</td>'
            f'<td class="w">{_text(v.worst)}</td><td>{_text(conditions)}</td></tr>\n'
        )

    head = (
        '<tr><th>symmetry</th><th>verdict</th><th class="n">worst error</th><th class="n">mean</th>'
        '<th class="n">resampling<br>alone</th><th class="n">another<br>image</th><th>worst at</th>'
        "<th>conditions</th></tr>"
    )
    parts = []
    for asked, title in ((True, "Verdicts"), (False, "For information")):
        rows = "".join(row(v) for v in report.verdicts if v.asked == asked)
        if rows:
            parts.append(f'<h2>{title}</h2><div class="scroll"><table>{head}\n{rows}</table></div>\n')
    return "".join(parts)


def _figure(svg: str, caption: str, kind: str = "") -> str:
    return f'<figure class="{kind}">{svg}<figcaption>{caption}</figcaption></figure>\n' if svg else ""


def _figures(report: Audit) -> str:
    if report.dead:
        return ""
    drawn = [
        _figure(
            figures.overview(report),
            "The worst error of each symmetry. A diamond is what resampling alone does to the output (turned and turned"
            " back); a stroke is how much the output differs between images.",
        ),
        _figure(
            figures.angles(report),
            "Error against the angle. Multiples of 90° move pixels to pixels and are tried on white noise over the full"
            " frame; other angles are resampled, within the inscribed disc.",
        ),
        _figure(figures.shifts(report), "Error of small circular shifts, on white noise.", "narrow"),
    ]
    return "<h2>Figures</h2>\n" + "".join(drawn)


def _layers(report: Audit) -> str:
    if report.layers is None:
        return ""
    found = "".join(f"<li>{_text(entry)}</li>" for entry in report.layers.breaks)
    lines = (
        f'<ul class="notes">{found}</ul>' if found else "<p>Every layer keeps every transformation that was tried.</p>"
    )
    drawn = _figure(
        figures.layers(report.layers),
        "Error of every layer under every transformation, in the order of the calls. Dark is exact.",
    )
    return f"<h2>Layers</h2>\n{lines}{drawn}"


def _worst(pictures: tuple[Picture, ...]) -> str:
    if not pictures:
        return ""
    cards = []
    for p in pictures:
        m = p.measurement
        low, high = float(p.before.min()), float(p.before.max())
        shown = "".join(
            f'<img alt="{alt}" src="{_png(image, low, high)}">'
            for alt, image in (("before", p.before), ("after", p.after))
        )
        cards.append(
            f"<figure><div>{shown}</div><figcaption>{_text(_transformation(m.family, m.element))}: the output changes"
            f" by {number(p.error)}</figcaption></figure>"
        )
    return (
        '<h2>Where the output changes most</h2>\n<p class="muted">Of each kind of transformation the worst image,'
        f' before and after.</p>\n<div class="worst">{"".join(cards)}</div>\n'
    )


def _transformation(family: str, element: str) -> str:
    return element if family in ("points", OTHER_ANGLES) else f"{family} {element}"


def _times(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _png(image: np.ndarray, low: float, high: float) -> str:
    """One image as a data address: grey for one channel, else the first three as colours; the middle of volumes."""
    if image.ndim == 4:
        image = image[len(image) // 2]
    scaled = np.clip((np.asarray(image, float) - low) / ((high - low) or 1.0), 0, 1)
    shown = scaled[..., 0] if image.shape[-1] < 3 else scaled[..., :3]
    buffer = io.BytesIO()
    Image.fromarray((255 * shown).round().astype(np.uint8)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _measures(report: Audit) -> str:
    if not report.measures:
        return ""
    rows = "".join(
        f'<tr><td>{_text(m.name)}</td><td class="n">{number(m.value)} {_text(m.unit)}</td>'
        f"<td>{_text(m.meaning)}</td></tr>\n"
        for m in report.measures
    )
    head = '<tr><th>measure</th><th class="n">value</th><th>meaning</th></tr>'
    return f'<h2>Further measures</h2><div class="scroll"><table>{head}\n{rows}</table></div>\n'


def _method(report: Audit) -> str:
    tolerance = report.verdicts[0].tolerance if report.verdicts else 0.0
    environment = ", ".join(f"{key} {value}" for key, value in report.environment.items())
    return (
        "<h2>How to read this</h2>\n"
        "<p>For a transformation g of the image the error is ‖f(g·x) − g·f(x)‖ / ‖g·f(x)‖ over all images, with g·f(x)"
        " = f(x) where the output is treated as invariant.</p>"
        f"<p><b>Exact</b>: at most the rounding error of the network, {number(tolerance)} here, and at most"
        f" {EXACT_SHARE:.0%} of the difference between images, for every transformation, over the full frame, on white"
        f" noise. <b>Approximate</b>: at most {APPROXIMATE_SHARE:.0%} of the difference between images; where the image"
        f" is resampled {RESAMPLED_SHARE:.0%}, or {INTERPOLATION_FACTOR:g} times what resampling alone does."
        " <b>Broken</b>: more than that.</p>"
        f'<p class="muted">{report.forward_passes} batches in {number(report.seconds)} s; seed {report.seed};'
        f" {_text(environment)}.</p>\n"
    )


def _numbers(report: Audit) -> str:
    rows = "".join(
        f"<tr><td>{_text(m.family)}</td><td>{_text(m.element)}</td><td>{_text(m.images)}</td>"
        f'<td class="n">{m.count}</td><td>{_times(m.size)}</td><td>{_text(m.frame)}</td>'
        f'<td class="n">{number(m.error)}</td><td class="n">{number(m.baseline)}</td>'
        f'<td class="n">{number(m.through)}</td><td class="n">{number(m.spread)}</td></tr>\n'
        for m in report.measurements
    )
    head = (
        '<tr><th>family</th><th>transformation</th><th>images</th><th class="n">count</th><th>size</th><th>frame</th>'
        '<th class="n">error</th><th class="n">lost of the input</th><th class="n">resampling alone</th>'
        '<th class="n">another image</th></tr>'
    )
    return (
        f"<details><summary>All {len(report.measurements)} measurements</summary>"
        f'<div class="scroll"><table>{head}\n{rows}</table></div></details>\n'
    )
