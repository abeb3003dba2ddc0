"""Charges that symmetries of the loss conserve: through training, and their drift against the step size.

    geomdl reproduce noether

Reads ``paths.csv``, ``drifts.csv``, ``linear.csv`` and ``summary.csv``; writes ``noether.png`` and ``noether.pdf``.
Trains nothing itself.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from geomdl.plots import INK, MUTED, Line, Row, distinct, figure, panel, read_csv, save, seed_statistics, style

COMMAND = "geomdl reproduce noether"
LOOKS = {
    "scale": Line("#0072B2", "-", "o"),
    "rescaling": Line("#D55E00", "-", "s"),
    "translation": Line("#009E73", "-", "D"),
    "outgoing": Line("#8a8a8a", (0, (3, 1)), "x"),
}
NAMES = {
    "scale": "scale: ‖w‖² before batch norm",
    "rescaling": "rescaling: ‖w in‖² − ‖w out‖² at ReLUs",
    "translation": "translation: Σ over classes of w",
    "outgoing": "‖w out‖² alone: not conserved",
}
METHODS = {
    "gradient descent": Line("#0072B2", "-", "o"),
    "Runge–Kutta": Line("#D55E00", "-", "s"),
    "implicit midpoint": Line("#009E73", "-", "D"),
}
WIDE = {"translation": 5, "scale": 3.4, "rescaling": 1.8, "outgoing": 1.2}
"""Line widths where charges lie on one another."""
ROUNDING = 1e-17
"""Where a drift of 0 is drawn."""


def draw(out: Path) -> list[Path]:
    paths = read_csv(out / "paths.csv", ("momentum", "decay", "step", "charge", "time", "value", "drift"), COMMAND)
    drifts = read_csv(out / "drifts.csv", ("seed", "momentum", "decay", "step", "charge", "drift"), COMMAND)
    linear = read_csv(out / "linear.csv", ("method", "step", "drift"), COMMAND)
    summary = read_csv(out / "summary.csv", ("seed", "accuracy"), COMMAND)
    runs = [r for r in drifts if r["method"] == "descent"]
    decay = max(float(r["decay"]) for r in runs)
    heavy = max(float(r["momentum"]) for r in runs)
    with style():
        fig = figure("double", height=5.2)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.42, 4.9, 0.5), squeeze=False)[:, 0]
        (a, b, c), (d, e, f) = body.subplots(2, 3)
        draw_values(a, [r for r in paths if r["momentum"] == 0], decay)
        panel(a, "a", "Charges in training, β = 0")
        for axes, letter, name in ((b, "b", "scale"), (c, "c", "rescaling")):
            draw_paths(axes, [r for r in paths if r["charge"] == name and r["decay"] == 0], name)
            panel(axes, letter, f"{name.capitalize()}, λ = 0")
        draw_orders(d, [r for r in runs if r["decay"] == 0 and r["momentum"] == 0])
        panel(d, "d", "Drift, λ = 0, β = 0")
        draw_orders(e, [r for r in runs if r["decay"] == decay and r["momentum"] == heavy])
        panel(e, "e", f"Drift, λ = {decay:g}, β = {heavy:g}")
        draw_linear(f, linear)
        panel(f, "f", "Linear: $W_2^T W_2 − W_1 W_1^T$")
        handles, labels = d.get_legend_handles_labels()
        head.legend(handles, [NAMES[name] for name in labels], loc="center", ncols=2, columnspacing=1.6)
        right = [float(r["accuracy"]) for r in summary]
        seeds = len(distinct(runs, "seed"))
        foot.text(
            0.01,
            0.5,
            "Convolution, batch norm, ReLU, 32 units, ReLU, softmax on 256 digits, all at once, float64; time and step:"
            " η/(1 − β). Drift: from the law of the flow,\nrelative to Q(0), norm over the units. Dashed and circles:"
            " predicted from the flow, before the run. a–c: one seed, a: step 0.02."
            f" d, e: {'one seed' if seeds == 1 else f'{seeds} seeds, range as a bar'}.\n{min(right):.0%} to"
            f" {max(right):.0%} of the training digits are right in the end. f: two layers, 6 → 5 → 4, time 4.",
            fontsize=6,
            color=MUTED,
            va="center",
            linespacing=1.3,
        )
    return save(fig, out, "noether")


def draw_values(axes: Axes, rows: Sequence[Row], decay: float) -> None:
    """Charges against time with and without decay, over the laws of the flow."""
    end = max(float(r["time"]) for r in rows)
    step = sorted(float(s) for s in distinct(rows, "step"))[len(distinct(rows, "step")) // 2]
    for name, width in WIDE.items():
        look = LOOKS[name]
        for strength in (0.0, decay) if name != "outgoing" else (0.0,):
            own = [r for r in rows if (r["charge"], r["decay"], r["step"]) == (name, strength, step)]
            x, y = (np.array([float(r[key]) for r in own]) for key in ("time", "value"))
            axes.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=width, alpha=0.5)
    grid = np.linspace(0, end, 50)
    for law, text, height in ((0, "λ = 0", 0.03), (1, r"$e^{-λt}$", 0.04), (2, r"$e^{-2λt}$", 0.02)):
        axes.plot(grid, np.exp(-law * decay * grid), color=INK, linestyle=(0, (2, 2)), linewidth=0.8)
        axes.text(0.8 * end, math.exp(-0.8 * law * decay * end) + height, text, va="bottom", fontsize=6.5)
    axes.set(xlabel="time t", ylabel="Q(t) / Q(0)", xlim=(0, end), ylim=(0.3, None))
    axes.text(0.04, 0.05, f"dashed: law of the flow, λ = {decay:g}", transform=axes.transAxes, fontsize=6, color=MUTED)


def draw_paths(axes: Axes, rows: Sequence[Row], name: str) -> None:
    """Drift against time for several steps, with momentum above and without below."""
    steps = sorted((float(s) for s in distinct(rows, "step")), reverse=True)
    end = max(float(r["time"]) for r in rows)
    for momentum in sorted(float(m) for m in distinct(rows, "momentum")):
        for number, step in enumerate(steps):
            own = [r for r in rows if (r["momentum"], r["step"]) == (momentum, step) and float(r["time"]) > 0]
            x, y, law = (np.array([float(r[key]) for r in own]) for key in ("time", "drift", "predicted"))
            axes.plot(x, y, color=LOOKS[name].colour, alpha=(1, 0.55)[number % 2], linewidth=2)
            axes.plot(x, law, color=INK, linestyle=(0, (2, 2)), linewidth=0.8)
            axes.text(x[-1], 0.7 * y[-1], f"β = {momentum:g}, step {step:g}", ha="right", va="top", fontsize=6.5)
    axes.set(xlabel="time t", ylabel="|Q(t) − Q(0)| / |Q(0)|", yscale="log", xlim=(0, end))


def draw_orders(axes: Axes, rows: Sequence[Row]) -> None:
    """Drift against the step, measured (filled) and predicted (circles around)."""
    for name, look in LOOKS.items():
        own = [{**r, "drift": max(float(r["drift"]), ROUNDING)} for r in rows if r["charge"] == name]
        x, mean, least, most = seed_statistics(own, "step", "drift")
        bars = np.maximum([mean - least, most - mean], 0)
        axes.plot(x, mean, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=3, lw=1, label=name)
        axes.errorbar(x, mean, yerr=bars, color=look.colour, linestyle="", elinewidth=0.8)
        predicted = [r for r in own if r["predicted"] != "" and float(r["predicted"]) > 1e-12]
        if predicted:
            x, law, _, _ = seed_statistics(predicted, "step", "predicted")
            axes.plot(x, law, color=INK, linestyle="", marker="o", markersize=6, fillstyle="none", markeredgewidth=0.6)
            slope = np.polyfit(np.log(x), np.log(mean), 1)[0]
            place = (6, {"rescaling": 3, "scale": -3}.get(name, -1))
            axes.annotate(f"{slope:.2f}", (x[-1], mean[-1]), place,
                          textcoords="offset points", fontsize=6, va="center", color=look.colour)  # fmt: skip
    _steps(axes, sorted({float(r["step"]) for r in rows}))


def draw_linear(axes: Axes, rows: Sequence[Row]) -> None:
    """Drift of the linear network against the step, by integrator."""
    for name, look in METHODS.items():
        own = [r for r in rows if r["method"] == name]
        x, y = (np.array([float(r[key]) for r in own]) for key in ("step", "drift"))
        axes.plot(x, np.maximum(y, ROUNDING), color=look.colour, marker=look.marker, markersize=3, linewidth=1)
        slope = np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0]
        words = name if y.max() < 1e-12 else f"{name}, slope {slope:.2f}"
        axes.text(x.max() * 1.1, y[0] * {"gradient descent": 4, "Runge–Kutta": 1e-6}.get(name, 30), words, ha="right",
                  fontsize=6.5, va="bottom", color=look.colour)  # fmt: skip
    _steps(axes, sorted({float(r["step"]) for r in rows}))
    axes.set_ylim(top=30)


def _steps(axes: Axes, steps: Sequence[float]) -> None:
    axes.set(xscale="log", yscale="log", xlabel="step", ylabel="drift")
    axes.set_xticks(list(steps), [f"{s:g}" for s in steps])
    axes.minorticks_off()
    axes.grid(axis="y")
