"""Spectra of initial kernels, and the mean square of signals after many layers, by the rule of the weights.

    geomdl reproduce signal_propagation

Reads ``spectra.csv`` and ``ratios.csv``; writes ``signal_propagation.png`` and ``signal_propagation.pdf``.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from geomdl.plots import MUTED, Line, Row, distinct, figure, panel, read_csv, save, style

COMMAND = "geomdl reproduce signal_propagation"
SHOWN = "C8, ReLU"
LOOKS = {
    "flat": Line("#0072B2", "-", "o"),
    "equal shares": Line("#D55E00", (0, (5, 1.5)), "s"),
    "equal variances": Line("#E69F00", (0, (1, 1)), "^"),
    "delta-orthogonal": Line("#009E73", (0, (4, 1.5)), "D"),
    "LSUV": Line("#4d4d4d", (0, (3, 1, 1, 1)), "v"),
}


def draw(out: Path) -> list[Path]:
    spectra = read_csv(out / "spectra.csv", ("network", "rule", "radius", "power", "centre"), COMMAND)
    ratios = read_csv(out / "ratios.csv", ("network", "rule", "images", "depth", "seeds", "ratio"), COMMAND)
    depth = min(int(r["depth"]) for r in ratios)
    seeds = int(ratios[0]["seeds"])
    with style():
        fig = figure("double", height=3.1)
        body, foot = fig.subfigures(2, 1, height_ratios=(2.7, 0.4), squeeze=False)[:, 0]
        left, right = body.subplots(1, 2, width_ratios=(1, 1.5))
        draw_spectra(left, [r for r in spectra if r["network"] == SHOWN])
        panel(left, "a", "Power that one layer passes, $C_8$")
        draw_ratios(right, [r for r in ratios if r["depth"] == depth])
        panel(right, "b", f"Mean square, layer {depth} / layer 1")
        foot.text(
            0.01,
            0.5,
            "Untrained networks without normalisation, circular 5 × 5 convolutions. a: over frequencies |ξ| of the"
            f" pixel grid; mean 1.\nb: constant images; geometric mean of {seeds} seeds; band: [0.25, 4].",
            fontsize=6,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "signal_propagation")


def draw_spectra(axes: Axes, rows: Sequence[Row]) -> None:
    """Power against the radius of the frequency."""
    for rule in map(str, distinct(rows, "rule")):
        own, look = [r for r in rows if r["rule"] == rule], LOOKS[rule]
        x, y = [float(r["radius"]) for r in own], [float(r["power"]) for r in own]
        axes.plot(x, y, color=look.colour, linestyle=look.dashes, marker=look.marker, label=rule)
    axes.set_xlabel("|ξ| (from), rad / pixel")
    axes.set_ylim(bottom=0)
    axes.legend()


def draw_ratios(axes: Axes, rows: Sequence[Row]) -> None:
    """Ratios of constant images, one place for each network."""
    networks = [str(n) for n in distinct(rows, "network")]
    axes.axhspan(0.25, 4, color="#dddddd", zorder=0)
    for shift, rule in enumerate(map(str, distinct(rows, "rule"))):
        own = {str(r["network"]): float(r["ratio"]) for r in rows if r["rule"] == rule and r["images"] == "constant"}
        look, places = LOOKS[rule], [n + 0.12 * (shift - 2) for n in range(len(networks))]
        values = [own.get(n, math.nan) for n in networks]
        axes.plot(places, values, color=look.colour, linestyle="", marker=look.marker, label=rule)
    axes.set_yscale("log")
    axes.set_xticks(range(len(networks)), [n.replace(", ", "\n") for n in networks])
    axes.legend(ncols=2)
