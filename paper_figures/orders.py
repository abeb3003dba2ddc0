"""Error and cost against the order of the group, at fixed parameters and at fixed width, dense and factored.

    geomdl reproduce orders

Reads ``errors.csv``, ``costs.csv`` and ``times.csv``; writes ``orders.png`` and ``orders.pdf``. Trains nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from geomdl.plots import MUTED, Line, Row, distinct, figure, panel, read_csv, save, style

COMMAND = "geomdl reproduce orders"
DATA = {"digits": "turned digits", "mnist_rot": "MNIST-rot", "mnist_rot_small": "part of MNIST-rot"}
FAMILIES = {"C": Line("#0072B2", "-", "o"), "D": Line("#D55E00", (0, (5, 1.5)), "s")}
METHODS = {"dense": Line("#4d4d4d", (0, (4, 1.5)), "^"), "factored": Line("#009E73", "-", "o")}
COUNTS = [f"{method}_multiply_adds" for method in METHODS]


def draw(out: Path) -> list[Path]:
    errors = read_csv(out / "errors.csv", ("data", "mode", "group", "order", "seed", "error", "test_images"), COMMAND)
    costs = read_csv(out / "costs.csv", ("data", "mode", "group", "order", "width", "parameters", *COUNTS), COMMAND)
    times = read_csv(out / "times.csv", ("mode", "group", "order", "method", "relative", "batch"), COMMAND)
    data = [str(d) for d in distinct(errors, "data")]
    costs = [r for r in costs if r["data"] == data[0]]
    letters = iter("abcdefghijkl")
    with style():
        fig = figure("double", height=5.0)
        head, *bodies, foot = fig.subfigures(4, 1, height_ratios=(0.28, 2.1, 2.1, 0.52), squeeze=False)[:, 0]
        for body, modes in zip(bodies, (("parameters", "wide parameters"), ("width", "wide")), strict=True):
            body.suptitle(_heading(modes[0], costs), x=0.01, ha="left", fontsize=8, fontweight="bold")
            *first, counted, timed = body.subplots(1, len(data) + 2)
            for axes, name in zip(first, data, strict=True):
                draw_errors(axes, [r for r in errors if r["data"] == name], modes[0])
                panel(axes, next(letters), f"Error, {DATA[name]}")
                axes.set_ylabel("test error (%)" if name == data[0] else "")
            draw_costs(counted, _counts(costs, modes), modes)
            panel(counted, next(letters), "Multiply-adds, one image")
            draw_costs(timed, [{**r, "cost": r["relative"]} for r in times], modes)
            panel(timed, next(letters), "CPU time of a step ($C_1$ = 1)")
        head.legend(handles=_legend(), loc="center", ncols=6, columnspacing=1.3)
        foot.text(0.01, 0.5, _note(errors, costs, times), fontsize=6, color=MUTED, va="center", linespacing=1.3)
    return save(fig, out, "orders")


def draw_errors(axes: Axes, rows: Sequence[Row], mode: str) -> None:
    """Mean test error of C_N and of D_N, with the standard deviation over the seeds."""
    top = 0.0
    for both in ("width", "parameters"):  # one scale for both, to be compared
        top = max(top, *(float(r["error"]) for r in rows if r["mode"] == both))
    for family, look in FAMILIES.items():
        own = [r for r in rows if r["mode"] == mode and str(r["group"])[0] == family]
        orders = sorted({int(r["order"]) for r in own})
        found = [[100 * float(r["error"]) for r in own if r["order"] == n] for n in orders]
        means = [float(np.mean(e)) for e in found]
        spread = [float(np.std(e, ddof=1)) if len(e) > 1 else 0.0 for e in found]
        axes.errorbar(
            orders,
            means,
            yerr=spread,
            color=look.colour,
            linestyle=look.dashes,
            marker=look.marker,
            elinewidth=0.8,
            capsize=1.8,
            capthick=0.8,
        )
    axes.set_ylim(0, 105 * top)
    axes.grid(axis="y")
    _orders(axes)


def draw_costs(axes: Axes, rows: Sequence[Row], modes: Sequence[str]) -> None:
    """Cost by method, of C_N as curves, of D_N as open markers; the last mode in full strength."""
    for mode in modes:
        strength = 1.0 if mode == modes[-1] else 0.5
        for method, look in METHODS.items():
            own = [r for r in rows if (r["mode"], r["method"]) == (mode, method)]
            points = {
                f: sorted((int(r["order"]), float(r["cost"])) for r in own if str(r["group"])[0] == f) for f in "CD"
            }
            if len(modes) > 1 and method == "factored" and points["C"]:
                axes.annotate(
                    "wide" if mode.startswith("wide") else "narrow",
                    points["C"][-1],
                    (6, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=6,
                    color=look.colour,
                )
            if points["C"]:
                axes.plot(
                    *zip(*points["C"], strict=True),
                    color=look.colour,
                    linestyle=look.dashes,
                    marker=look.marker,
                    alpha=strength,
                    linewidth=1.3 if strength == 1 else 1.0,
                )
            if points["D"]:
                axes.plot(
                    *zip(*points["D"], strict=True),
                    color=look.colour,
                    linestyle="",
                    marker=look.marker,
                    markerfacecolor="white",
                    markersize=5,
                    alpha=strength,
                    zorder=1.5,
                )
    if not any(r["mode"] in modes for r in rows):
        axes.text(0.5, 0.5, "not measured in\nthe fast preset", transform=axes.transAxes, ha="center", color=MUTED)
        axes.set_axis_off()
        return
    axes.set_yscale("log")
    values = [float(r["cost"]) for r in rows if r["mode"] in modes]
    if max(values) < 200 * min(values):
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if max(values) < 1e4:
        axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(axis="y")
    _orders(axes)
    if len(modes) > 1:
        axes.set_xlim(right=36)  # for the labels


def _orders(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    ticks = (1, 2, 4, 8, 16)
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0.87, 18.5)
    axes.set_xlabel("order of the group")


def _counts(costs: Sequence[Row], modes: Sequence[str]) -> list[Row]:
    """One row for each method."""
    chosen = [r for r in costs if r["mode"] in modes]
    return [{**r, "method": m, "cost": r[column]} for r in chosen for m, column in zip(METHODS, COUNTS, strict=True)]


def _heading(mode: str, costs: Sequence[Row]) -> str:
    own = [r for r in costs if r["mode"] == mode]
    least, most = (f(int(r["parameters"]) for r in own) for f in (min, max))
    if mode == "parameters":
        return f"Fixed parameters: {least:,} to {most:,}"
    return f"Fixed width, {own[0]['width']:g} fields in the first layer: {least:,} to {most:,} parameters"


def _legend() -> list[Line2D]:
    def handle(look: Line, label: str, **more: object) -> Line2D:
        return Line2D([], [], color=look.colour, linestyle=look.dashes, marker=look.marker, label=label, **more)  # type: ignore[arg-type]

    rings = Line2D(
        [], [], color=MUTED, linestyle="", marker="o", markerfacecolor="white", markersize=5, label="$D_N$ (cost)"
    )
    return [
        handle(FAMILIES["C"], "$C_N$ (error)"),
        handle(FAMILIES["D"], "$D_N$ (error)"),
        handle(METHODS["dense"], "dense, $C_N$"),
        handle(METHODS["factored"], "factored, $C_N$"),
        rings,
    ]


def _note(errors: Sequence[Row], costs: Sequence[Row], times: Sequence[Row]) -> str:
    seeds, first = len(distinct(errors, "seed")), errors[0]
    narrow, wide = (next(r["width"] for r in costs if r["mode"] == mode) for mode in ("width", "wide"))
    parameters = np.mean([float(r["parameters"]) for r in costs if r["mode"] == "wide parameters"])
    batches = " and ".join(f"{b}" for b in sorted(int(b) for b in distinct(times, "batch")))
    return (
        f"Every image of training and test turned by its own angle; {first['test_images']} test digits,"
        f" {'one seed' if seeds == 1 else f'mean and standard deviation of {seeds} seeds'}. Steerable kernels, four"
        f" convolutions.\nNarrow, as trained: {narrow:g} regular fields in the first layer or the parameters that $C_8$"
        f" has then; wide, not trained: {wide:g} fields, or about {parameters:,.0f} parameters.\nTime over that of the"
        f" dense $C_1$ network of the row and width; batches of {batches}."
    )
