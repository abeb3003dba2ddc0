"""Test error on MNIST-rot, plain, augmented and averaged, by network, beside published errors.

    geomdl reproduce mnist_rot

Reads ``errors.csv``; writes ``mnist_rot.png`` and ``mnist_rot.pdf``. Trains nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.mnist_rot import NETWORKS, PUBLISHED
from geomdl.plots import MUTED, Row, distinct, figure, line, panel, read_csv, save, style

COMMAND = "geomdl reproduce mnist_rot"
SHOWN = (("none", "error", "o", "no augmentation"), ("augmentation", "error", "D", "random rotations"))
ORDER = list(NETWORKS)
"""Gives a network one colour in both panels."""
AVERAGED = ("none", "averaged_error", "^", "mean of five turns")


def draw(out: Path) -> list[Path]:
    columns = ("network", "way", "seed", "error", "averaged_error", "parameters", "tested", "averaged", "data")
    rows = read_csv(out / "errors.csv", columns, COMMAND)
    with style():
        fig = figure("double", height=2.9)
        head, body, foot = fig.subfigures(3, 1, height_ratios=(0.25, 2.3, 0.4), squeeze=False)[:, 0]
        ours, published = body.subplots(1, 2, width_ratios=(1, 1))
        draw_errors(ours, rows)
        panel(ours, "a", "Measured here")
        draw_published(published)
        panel(published, "b", "Published: wider, 12,000 digits")
        for *_, marker, label in (*SHOWN, AVERAGED):
            ours.plot([], [], color=MUTED, linestyle="", marker=marker, markerfacecolor="white", label=label)
        head.legend(*ours.get_legend_handles_labels(), loc="center", ncols=3)
        seeds, parameters = len(distinct(rows, "seed")), [float(r["parameters"]) for r in rows]
        data = "MNIST-rot, regenerated" if rows[0]["data"] == "mnist_rot" else "turned scikit-learn digits"
        foot.text(
            0.01, 0.5,
            f"a: {data}; {rows[0]['tested']:,} test digits ({rows[0]['averaged']:,} averaged); "
            + ("one seed" if seeds == 1 else f"means of {seeds} seeds, bars from the least to the greatest")
            + f"; {min(parameters):,.0f} to {max(parameters):,.0f} parameters.\nb: as the papers report them; filled "
            "triangles: with test-time averaging. Protocols differ from ours and from each other.",
            fontsize=6, color=MUTED, va="center",
        )  # fmt: skip
    return save(fig, out, "mnist_rot")


def draw_errors(axes: Axes, rows: Sequence[Row]) -> None:
    """A row for each network, a mark for each way."""
    networks = [str(n) for n in distinct(rows, "network")]
    for place, network in enumerate(networks):
        colour = line(network, ORDER.index(network)).colour
        for offset, (way, column, marker, _) in zip((-0.22, 0, 0.22), (*SHOWN, AVERAGED), strict=True):
            own = [r for r in rows if (r["network"], r["way"]) == (network, way)]
            values = [float(r[column]) for r in own]
            axes.plot([min(values), max(values)], [place + offset] * 2, color=colour, linewidth=1.0)
            mean = sum(values) / len(values)
            axes.plot(mean, place + offset, marker=marker, color=colour, markerfacecolor="white", markersize=4.5)
    _finish(axes, networks)


def draw_published(axes: Axes) -> None:
    """A row for each published network."""
    for place, entry in enumerate(PUBLISHED):
        colour = line(entry.network, ORDER.index(entry.network)).colour if entry.network else MUTED
        axes.plot(entry.error, place, marker="o", color=colour, markerfacecolor="white", markersize=4.5)
        if entry.averaged is not None:
            axes.plot(entry.averaged, place, marker="^", color=colour, markersize=4)
    _finish(axes, [entry.name for entry in PUBLISHED])


def _finish(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_xlim()
    ticks = [t for t in (0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50) if low <= t <= high]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("test error, %")
    axes.grid(axis="x")
