"""Why symmetry has to be built in: dimensions, what one and two layers can do, and shifts learnt from data.

    geomdl reproduce dimensions_and_perceptrons

Reads ``cubes.csv``, ``cells.csv``, ``neighbours.csv``, ``cases.csv``, ``approximation.csv``, ``shifts.csv`` and
``regions.npz``; writes ``dimensions_and_perceptrons`` as PNG and PDF. Trains nothing itself.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import MultipleLocator, NullLocator, PercentFormatter

from geomdl.plots import (
    GRID,
    INK,
    MUTED,
    Line,
    Row,
    distinct,
    figure,
    line,
    mean_over,
    panel,
    read_csv,
    save,
    seed_statistics,
    style,
)

COMMAND = "geomdl reproduce dimensions_and_perceptrons"
FITTED_FROM = 2048
BLUES = ("#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#084594")
METHODS = {
    ("root", "constructed"): Line("#E69F00", (0, (4, 1.5)), "^"),
    ("smooth", "hidden at random"): Line("#9c6b30", (0, (1, 1)), "P"),
    ("smooth", "trained"): Line("#D55E00", "-", "o"),
    ("smooth", "constructed"): Line("#0072B2", (0, (4, 1.5)), "s"),
}
WORDS = {
    ("root", "constructed"): "√|x − ½|: constructed",
    ("smooth", "hidden at random"): "sin 2πx: random units",
    ("smooth", "trained"): "sin 2πx: trained",
    ("smooth", "constructed"): "sin 2πx: constructed",
}


def draw(out: Path) -> list[Path]:
    def table(name: str, *columns: str) -> Sequence[Row]:
        return read_csv(out / f"{name}.csv", columns, COMMAND)

    cubes, cells = table("cubes", "share", "dimension", "side"), table("cells", "dimension", "per_cell")
    near = table("neighbours", "dimension", "samples", "seed", "error", "predicted")
    cases = table("cases", "case", "model", "seed", "accuracy", "best_line")
    errors = table("approximation", "target", "method", "width", "seed", "error")
    shifts = table("shifts", "model", "seed", "share", "accuracy", "on_seen")
    regions = dict(np.load(out / "regions.npz"))
    with style():
        fig = figure("double", height=6.5)
        top, middle, bottom, foot = fig.subfigures(4, 1, height_ratios=(2, 1.62, 2.2, 0.5), squeeze=False)[:, 0]
        a, b, c = top.subplots(1, 3, width_ratios=(1, 1, 1.25))
        draw_cubes(a, cubes)
        panel(a, "a", "Side of a cube")
        draw_cells(b, cells)
        panel(b, "b", "Samples in a cell")
        draw_neighbours(c, near)
        panel(c, "c", "Nearest neighbour: samples ∝ ε$^{−d}$")
        draw_cases(middle, cases, regions)
        e, f = bottom.subplots(1, 2)
        draw_errors(e, errors)
        panel(e, "e", "One hidden layer: error against width")
        draw_shifts(f, shifts)
        panel(f, "f", "Shifts learnt from data, or built in")
        seeds, more = (len(distinct(rows, "seed")) for rows in (shifts, errors))
        foot.text(
            0.01,
            0.5,
            "a: cubes with a share of the volume of the unit cube. b: 10 samples, 5 intervals an axis. c: on a torus;"
            " lines: closed form for many samples, numbers: fitted d.\nd: networks trained on 800 points (150 shown),"
            " accuracy on the whole square; best line: the best of all lines. e: largest error on [0, 1];"
            " numbers: slopes.\nf: digits of 10 × 10 pixels; accuracy on the test digits at all 100 circular shifts."
            f" {'One seed' if seeds == 1 else f'Means of {seeds} seeds'} (e: geometric, of {more}); bands: range.",
            fontsize=6,
            color=MUTED,
            va="center",
            linespacing=1.3,
        )
    return save(fig, out, "dimensions_and_perceptrons")


def draw_cubes(axes: Axes, rows: Sequence[Row]) -> None:
    """Side against dimension, a curve for each share of the volume."""
    looks = (Line("#56B4E9", "-", "o"), Line("#0072B2", "-", "o"))
    for share, look in zip(distinct(rows, "share"), looks, strict=True):
        own = [r for r in rows if r["share"] == share]
        x, y = (np.array([float(r[key]) for r in own]) for key in ("dimension", "side"))
        axes.plot(x, y, color=look.colour, marker=look.marker, markersize=2.2, linewidth=1)
        above = share == max(distinct(rows, "share"))
        place, at = ((13, 0.98), "bottom") if above else ((20.3, 0.53), "top")
        axes.text(*place, f"{float(share):.0%} of the volume", color=look.colour, ha="right", va=at, fontsize=6.5)
        for d in (1, 2, 3) if above else ():
            axes.annotate(f"{y[d - 1]:.2g}", (x[d - 1], y[d - 1]), (-4, 0), textcoords="offset points", fontsize=6.5,
                          ha="right", va="center")  # fmt: skip
    axes.set(xlabel="dimension d", ylabel="side, share$^{1/d}$", xlim=(-2.5, 20.5), ylim=(0, 1.08))
    axes.set_xticks([1, 5, 10, 15, 20])
    axes.grid(axis="y")


def draw_cells(axes: Axes, rows: Sequence[Row]) -> None:
    """Samples per cell against dimension."""
    x, y = (np.array([float(r[key]) for r in rows]) for key in ("dimension", "per_cell"))
    axes.plot(x, y, color="#0072B2", marker="o", markersize=2.8, linewidth=1)
    for d in range(3):
        axes.annotate(f"{y[d]:g}", (x[d], y[d]), (4, 1), textcoords="offset points", fontsize=6.5, va="bottom")
    axes.axhline(1, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)))
    axes.text(10, 1.5, "one in each", ha="right", va="bottom", fontsize=6, color=MUTED)
    axes.set(xlabel="dimension d", ylabel="10 / 5$^d$", yscale="log", ylim=(3e-7, 20))
    axes.xaxis.set_major_locator(MultipleLocator(2))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y")


def draw_neighbours(axes: Axes, rows: Sequence[Row]) -> None:
    """The number of samples against the error, a line for each dimension."""
    for d, colour in zip(distinct(rows, "dimension"), BLUES, strict=True):
        own = [r for r in rows if r["dimension"] == d]
        samples, error, _, _ = seed_statistics(own, "samples", "error")
        _, law, _, _ = seed_statistics(own, "samples", "predicted")
        shown = error > 6e-4  # what is beyond belongs to d = 1, and the legend
        axes.plot(law[shown], samples[shown], color=colour, linewidth=1)
        axes.plot(error[shown], samples[shown], color=colour, marker="o", markersize=2.6, linestyle="")
        some = samples >= FITTED_FROM
        fitted = -np.polyfit(np.log(error[some]), np.log(samples[some]), 1)[0]
        axes.plot([], [], color=colour, marker="o", markersize=2.6, linewidth=1, label=f"{int(d)}: {fitted:.2f}")
    axes.set(xscale="log", yscale="log", xlabel="root mean square error ε", ylabel="samples n")
    axes.set(xlim=(1e-4, 0.2), ylim=(40, 1.2e5))
    axes.legend(title="d: fitted", title_fontsize=6.5, fontsize=6.5, loc="upper left", handlelength=1.4,
                borderaxespad=0, labelspacing=0.25)  # fmt: skip
    axes.grid(axis="y")


def draw_cases(part: SubFigure, rows: Sequence[Row], regions: Mapping[str, np.ndarray]) -> None:
    """Decision regions of one and two layers, with the points, and accuracies."""
    names, models = [str(n) for n in distinct(rows, "case")], [str(m) for m in distinct(rows, "model")]
    means = mean_over(rows, over="seed", by=["case", "model"])
    places = part.subplots(1, len(names) * len(models))
    for place, (name, model) in zip(places, [(n, m) for n in names for m in models], strict=True):
        scores = regions[f"{name}, {model}"].astype(float)
        place.contourf(scores, levels=[-1, 0.5, 2], colors=["#fbe3d0", "#cfe3f3"], extent=(-1, 1, -1, 1))
        if scores.min() < 0.5 < scores.max():
            place.contour(scores, levels=[0.5], colors=[INK], linewidths=0.7, extent=(-1, 1, -1, 1))
        points = regions[f"{name}, points"].astype(float)
        for value, colour, marker in ((1, "#0072B2", "o"), (0, "#D55E00", "x")):
            own = points[points[:, 2] == value]
            place.scatter(own[:, 0], own[:, 1], s=4, color=colour, marker=marker, linewidths=0.5)
        own = next(r for r in means if (r["case"], r["model"]) == (name, model))
        label = f"{model}: {float(own['accuracy']):.0%}"
        if model == models[0]:
            label += f"\nbest line: {float(own['best_line']):.0%}"
            panel(place, "d" if name == names[0] else " ", name.capitalize())
        place.set(xticks=[], yticks=[], xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
        place.set_xlabel(label, fontsize=6.5)
        place.spines[:].set_visible(True)


def draw_errors(axes: Axes, rows: Sequence[Row]) -> None:
    """The largest error against the width, with slopes."""
    for key, look in METHODS.items():
        own = [r for r in rows if (r["target"], r["method"]) == key]
        x, _, least, most = seed_statistics(own, "width", "error")
        middle = np.array([np.exp(np.mean([np.log(float(r["error"])) for r in own if r["width"] == w])) for w in x])
        axes.plot(x, middle, color=look.colour, linestyle=look.dashes, marker=look.marker)
        axes.fill_between(x, least, most, color=look.colour, alpha=0.15, linewidth=0)
        slope = np.polyfit(np.log(x), np.log(middle), 1)[0]
        words, lift = f"{WORDS[key]}, {slope:.2f}".replace("-", "−"), {"trained": -5, "hidden at random": 5}
        axes.annotate(words, (x[-1], middle[-1]), (6, lift.get(key[1], 0)), textcoords="offset points", fontsize=6.5,
                      va="center", color=look.colour)  # fmt: skip
    ticks = sorted({float(r["width"]) for r in rows})
    axes.set(xscale="log", yscale="log", xlabel="hidden ReLUs", ylabel="largest error", xlim=(ticks[0] * 0.9, 420))
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y")


def draw_shifts(axes: Axes, rows: Sequence[Row]) -> None:
    """Accuracy over all shifts against the share seen in training."""
    for model in distinct(rows, "model"):
        own, look = [r for r in rows if r["model"] == model], line(str(model))
        x, mean, least, most = seed_statistics(own, "share", "accuracy")
        axes.plot(x, mean, color=look.colour, linestyle=look.dashes, marker=look.marker)
        axes.fill_between(x, least, most, color=look.colour, alpha=0.15, linewidth=0)
        if model == "MLP":
            x, seen, _, _ = seed_statistics(own, "share", "on_seen")
            axes.plot(x, seen, color=look.colour, linewidth=0.9, linestyle=(0, (1, 1.2)))
            axes.text(0.2, 0.89, "MLP, seen shifts only", fontsize=6.5, color=look.colour, ha="right", va="top")
            axes.text(0.13, 0.22, "MLP", fontsize=6.5, color=look.colour, ha="left", va="top")
        else:
            axes.text(1, 0.99, "CNN, circular, pooled", fontsize=6.5, color=look.colour, ha="right", va="bottom")
    axes.axhline(0.1, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)))
    axes.text(1, 0.085, "guessing", fontsize=6, color=MUTED, ha="right", va="top")
    ticks = sorted({float(r["share"]) for r in rows})
    axes.set(
        xscale="log", xlabel="share of the shifts seen in training", ylabel="accuracy over all shifts", ylim=(0, 1.06)
    )
    axes.set_xticks(ticks, [f"{t:.0%}" for t in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y", color=GRID)
