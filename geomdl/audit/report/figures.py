"""The figures of a report, as SVG that takes its colours from the page and needs nothing from outside."""

import io
import re

import matplotlib
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator

from geomdl.audit.measuring.plan import WINDOW
from geomdl.audit.probes.symmetries import OTHER_ANGLES
from geomdl.audit.report.report import Audit, LayerTable, number
from geomdl.audit.results.verdict import Measurement
from geomdl.plots.heatmap import heatmap
from geomdl.plots.style import figure, style

FLOOR = 1e-8
"""Errors below this are drawn at it."""

_INK, _FAINT = "#010203", "#040506"  # stand for the colours of the page, and are replaced in the SVG
_LEVELS = {"exact": "#2e9e62", "approximate": "#d08a00", "broken": "#d1493c", "dead": "#888888"}
_RC = {
    "svg.fonttype": "none",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _FAINT,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
}


def overview(report: Audit) -> str:
    """One row per symmetry: its error, what resampling alone does, and what another image does."""
    rows = [v for v in report.verdicts if v.transformations and v.level != "dead" and np.isfinite(v.error)]
    if not rows:
        return ""
    with style(), matplotlib.rc_context(_RC):  # pyright: ignore[reportArgumentType]
        fig = figure(8.6, 0.62 + 0.235 * len(rows))
        axes = fig.subplots()
        axes.axvspan(FLOOR / 3, rows[0].tolerance, color=_FAINT, linewidth=0, alpha=0.5, zorder=0)
        for y, v in enumerate(rows):
            axes.plot(v.spread, y, "|", color=_INK, markersize=9, markeredgewidth=1.4)
            if v.through > 0:
                axes.plot(max(v.through, FLOOR), y, "D", mfc="none", color=_INK, markersize=4.5)
            axes.plot(max(v.error, FLOOR), y, "o", color=_LEVELS[v.level], markersize=7)
        handles = [
            axes.plot([], [], "o", color=_LEVELS[level], markersize=7, label=f"error, {level}")[0]
            for level in dict.fromkeys(v.level for v in rows)
        ]
        handles += [
            axes.plot([], [], "D", mfc="none", color=_INK, markersize=4.5, label="resampling alone")[0],
            axes.plot([], [], "|", color=_INK, markersize=9, label="another image")[0],
            axes.plot([], [], "s", color=_FAINT, alpha=0.5, markersize=9, label="rounding")[0],
        ]
        axes.set_yticks(range(len(rows)), [v.symmetry for v in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xscale("log")
        axes.set_xlim(FLOOR / 3, max(2.0, *(2 * v.error for v in rows if np.isfinite(v.error))))
        _plain_ticks(axes.xaxis)
        axes.set_xlabel("relative change of the output")
        axes.grid(axis="x")
        fig.legend(handles=handles, loc="outside right upper")
        return _svg(fig, "overview", "Error of every symmetry, against resampling and against another image")


def angles(report: Audit) -> str:
    """Error against the angle of rotation, with what resampling alone changes."""
    here = [m for m in _here(report) if len(m.value) == 2]  # of volumes there is no one angle
    turned = [m for m in here if m.family in ("points", OTHER_ANGLES) and np.isfinite(m.error)]
    rotations = {m.value[1]: m for m in turned if not m.value[0]}
    reflections = {m.value[1]: m for m in turned if m.value[0]}
    if len(rotations) < 4:
        return ""
    with style(), matplotlib.rc_context(_RC):  # pyright: ignore[reportArgumentType]
        fig = figure(8.6, 2.7)
        axes = fig.subplots()
        degrees = sorted(rotations)
        errors = [max(rotations[a].error, FLOOR) for a in degrees]
        axes.plot(degrees, errors, "-o", color="#d1493c", markersize=4.5, label="turned", zorder=3)
        if reflections:
            mirrored = sorted(reflections)
            values = [max(reflections[a].error, FLOOR) for a in mirrored]
            axes.plot(mirrored, values, "s", color="#7a5cc2", markersize=5, label="reflected, then turned", zorder=3)
        between = [a for a in degrees if rotations[a].through > 0]
        if between:
            resampling = [max(rotations[a].through, FLOOR) for a in between]
            axes.plot(between, resampling, "D", mfc="none", color=_INK, markersize=3.5, label="resampling alone")
            apart = rotations[between[0]].spread
            axes.axhline(apart, color=_INK, linestyle=(0, (5, 3)), linewidth=1, label="another image")
        lowest = min([*errors, *(rotations[a].through for a in between if rotations[a].through > 0)])
        axes.set_yscale("log")
        axes.set_ylim(max(lowest / 3, FLOOR / 3), max(2.0, 2 * max(errors)))
        _plain_ticks(axes.yaxis)
        axes.xaxis.set_major_locator(MultipleLocator(45))
        axes.xaxis.set_major_formatter("{x:.0f}°")
        axes.set(xlabel="angle", ylabel="relative error", xlim=(-5, 365))
        axes.grid()
        fig.legend(loc="outside right upper")
        return _svg(fig, "angles", "Error against the angle of rotation")


def shifts(report: Audit) -> str:
    """The error of every small circular shift, as a map."""
    found = {m.value[-2:]: m.error for m in _here(report) if m.family == "shifts" and not any(m.value[:-2])}
    rows = sorted({r for r, _ in found})
    step = min((n for n in rows if n > 0), default=1.0)
    centre = [n for n in rows if abs(n) <= WINDOW * step and sum(r == n for r, _ in found) >= 3]
    if len(centre) < 3:
        return ""
    errors = np.array([[found.get((r, c), 0.0 if r == c == 0 else np.nan) for c in centre] for r in centre])
    with style(), matplotlib.rc_context(_RC):  # pyright: ignore[reportArgumentType]
        fig = figure(4.2, 3.5)
        axes = fig.subplots()
        labels = [f"{n:+.0f}" if n else "0" for n in centre]
        image = heatmap(
            axes, np.nan_to_num(errors, nan=float(np.nanmax(errors))), scale="log", colours="viridis",
            lines="none", limits=_limits(errors), row_labels=labels, column_labels=labels,
        )  # fmt: skip
        _bar(fig, image, "relative error")
        axes.set(xlabel="shift to the right (pixels)", ylabel="shift down (pixels)")
        return _svg(fig, "shifts", "Error of small circular shifts")


def layers(table: LayerTable) -> str:
    """The errors of layers × elements, as a map."""
    errors = np.array(table.errors, float)
    with style(), matplotlib.rc_context(_RC):  # pyright: ignore[reportArgumentType]
        fig = figure(8.6, 1.35 + 0.235 * len(table.layers))
        axes = fig.subplots()
        shown = np.where(np.isfinite(errors), errors, np.nanmax(np.where(np.isfinite(errors), errors, 0)))
        image = heatmap(
            axes, shown, scale="log", colours="viridis", lines="none", limits=_limits(shown),
            row_labels=table.layers, column_labels=table.elements,
        )  # fmt: skip
        axes.set_aspect("auto")
        axes.tick_params(axis="x", labelrotation=90 if len(table.elements) > 8 else 40)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("center" if len(table.elements) > 8 else "right")
            label.set_rotation_mode("default" if len(table.elements) > 8 else "anchor")
        _bar(fig, image, "relative error")
        return _svg(fig, "layers", "Error of every layer under every transformation")


def _here(report: Audit) -> list[Measurement]:
    return [m for m in report.measurements if m.size == tuple(report.input_shape[:-1])]


def _limits(errors: np.ndarray) -> tuple[float, float]:
    """From rounding to one, so that colours mean the same in every report."""
    largest = float(np.nanmax(errors)) if errors.size else 1.0
    return 1e-8, max(1.0, largest if np.isfinite(largest) else 1.0)


def _plain_ticks(axis: Axis) -> None:
    """Ticks as text, which needs no typesetting in the page."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: number(v).replace("e-0", "e-").replace("1.0e", "1e")))
    axis.set_minor_locator(NullLocator())


def _bar(fig: Figure, image: AxesImage, label: str) -> None:
    bar = fig.colorbar(image, ax=fig.axes, shrink=0.9, pad=0.02)
    bar.ax.spines[:].set_visible(False)
    bar.set_label(label)
    _plain_ticks(bar.ax.yaxis)


def _svg(fig: Figure, name: str, title: str) -> str:
    """The figure as an element of a page: own names, the page's colours, no links."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    fig.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = text.replace(_INK, "currentColor").replace(_FAINT, "var(--faint)")
    opening = rf'<svg viewBox="\1" role="img" aria-label="{title}">'
    return re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', opening, text, count=1).strip()
