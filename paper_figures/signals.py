"""Not just images: accuracy of networks on shifted sounds and strings, and in another order of samples or columns.

    geomdl reproduce signals

Reads ``shifts.csv``, ``orders.csv``, ``summary.csv`` and ``examples.csv``; writes ``signals.png`` and ``signals.pdf``.
Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator, PercentFormatter

from geomdl.plots import (
    GRID,
    INK,
    MUTED,
    Row,
    distinct,
    figure,
    line,
    panel,
    read_csv,
    save,
    seed_statistics,
    style,
)

COMMAND = "geomdl reproduce signals"
TITLES = {"sounds": "Sounds", "strings": "Strings", "cells": "Table: cells", "wine": "Table: wine"}
CHANCE = {"sounds": 1 / 4, "strings": 1 / 4}


def draw(out: Path) -> list[Path]:
    shifts = read_csv(out / "shifts.csv", ("data", "model", "seed", "shift", "accuracy"), COMMAND)
    orders = read_csv(out / "orders.csv", ("data", "model", "seed", "order", "accuracy"), COMMAND)
    summary = read_csv(out / "summary.csv", ("data", "model", "seed", "parameters"), COMMAND)
    examples = read_csv(out / "examples.csv", ("data", "class", "sample", "value"), COMMAND)
    with style():
        fig = figure("double", height=4.3)
        head, body, below, foot = fig.subfigures(4, 1, height_ratios=(0.2, 1.9, 1.75, 0.4), squeeze=False)[:, 0]
        shown, *curves = body.subplots(1, 3, width_ratios=(1.25, 1, 1))
        draw_examples(shown, examples)
        for axes, letter, data in zip(curves, "bc", CHANCE, strict=True):
            draw_shifts(axes, letter, data, [r for r in shifts if r["data"] == data])
        for axes, data in zip(below.subplots(1, len(TITLES)), TITLES, strict=True):
            draw_orders(axes, data, [r for r in orders if r["data"] == data])
        handles, labels = curves[0].get_legend_handles_labels()
        head.legend(handles, labels, loc="center", ncols=len(labels), handlelength=2.4)
        foot.text(0.01, 0.5, _note(summary, orders), fontsize=6, color=MUTED, va="center", linespacing=1.3)
    return save(fig, out, "signals")


def draw_examples(axes: Axes, rows: Sequence[Row]) -> None:
    """A sound of every class over one another, and a string of every class below."""
    panel(axes, "a", "One example of each class")
    axes.axis("off")
    sounds, strings = ([r for r in rows if r["data"] == data] for data in ("sounds", "strings"))
    length = 1 + max(int(float(r["sample"])) for r in rows)
    level = 0.0
    for name in distinct(sounds, "class"):
        values = np.array([float(r["value"]) for r in sounds if r["class"] == name])
        axes.plot(np.arange(length), level + values, color=line("CNN").colour, linewidth=0.7)
        axes.text(-2, level, str(name), ha="right", va="center", fontsize=6)
        level -= 2.6
    for name in distinct(strings, "class"):
        letters = "".join(str(r["value"]) for r in strings if r["class"] == name)
        start = letters.find(str(name))
        axes.text(-2, level, str(name), ha="right", va="center", fontsize=6)
        for i, letter in enumerate(letters[:40]):
            inside = start <= i < start + len(str(name))
            axes.text(
                length * (i + 0.5) / 40,
                level,
                letter,
                ha="center",
                va="center",
                fontsize=5.2,
                color=line("CNN").colour if inside else MUTED,
                weight="bold" if inside else "normal",
            )
        level -= 1.5
    axes.set(xlim=(-17, length), ylim=(level + 0.4, 1.6))


def draw_shifts(axes: Axes, letter: str, data: str, rows: Sequence[Row]) -> None:
    """Accuracy against the circular shift, a curve for each model."""
    for model in distinct(rows, "model"):
        own = [r for r in rows if r["model"] == model]
        shift, mean, least, most = seed_statistics(own, "shift", "accuracy")
        look = line(str(model))
        axes.plot(shift, mean, color=look.colour, linestyle=look.dashes, label=str(model), clip_on=False)
        axes.fill_between(shift, least, most, color=look.colour, alpha=0.15, linewidth=0)
    end = max(float(r["shift"]) for r in rows)
    axes.axhline(CHANCE[data], color=MUTED, linewidth=0.5, zorder=0)
    axes.text(end / 2, CHANCE[data] + 0.1, "guessing: 25%", ha="center", fontsize=6, color=MUTED)
    axes.set(xlim=(0, end), ylim=(0, 1.02), xlabel="circular shift (samples)")
    if letter == "b":
        axes.set_ylabel("accuracy")
    axes.xaxis.set_major_locator(MultipleLocator(16))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y")
    panel(axes, letter, f"{TITLES[data]}, trained at one place")


def draw_orders(axes: Axes, data: str, rows: Sequence[Row]) -> None:
    """Accuracy in the given order (diamonds: mean over seeds) and in drawn ones (dots), for each model."""
    models = distinct(rows, "model")
    for place, model in enumerate(models):
        look = line(str(model))
        given = [float(r["accuracy"]) for r in rows if (r["model"], r["order"]) == (model, "given")]
        drawn = [float(r["accuracy"]) for r in rows if (r["model"], r["order"]) == (model, "drawn")]
        spread = place + 0.18 + 0.22 * (np.argsort(np.argsort(_scattered(len(drawn)))) / max(1, len(drawn) - 1))
        axes.scatter(spread, drawn, s=7, color=look.colour, alpha=0.55, linewidths=0, clip_on=False)
        axes.errorbar(
            place - 0.12,
            np.mean(given),
            yerr=[[np.mean(given) - min(given)], [max(given) - np.mean(given)]],
            color=look.colour,
            marker="D",
            markersize=4,
            capsize=2,
            elinewidth=0.8,
            clip_on=False,
        )
    axes.set_xticks(range(len(models)), [str(m) for m in models])
    floor = 0 if data in CHANCE else np.floor(20 * min(float(r["accuracy"]) for r in rows)) / 20
    axes.set(xlim=(-0.5, len(models) - 0.4), ylim=(floor, 1 + 0.02 * (1 - floor)))
    axes.tick_params(axis="x", length=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y", color=GRID)
    panel(axes, "defg"[list(TITLES).index(data)], TITLES[data])
    if data == next(iter(TITLES)):
        axes.set_ylabel("accuracy")
        axes.text(0.98, 0.93, "◆ order as given", transform=axes.transAxes, fontsize=6, color=INK, ha="right")
        axes.text(0.98, 0.83, "● another order", transform=axes.transAxes, fontsize=6, color=INK, ha="right")


def _scattered(n: int) -> np.ndarray:
    """Numbers in [0, 1) that keep dots apart, the same in every drawing."""
    return np.arange(1, n + 1) * 0.618034 % 1


def _note(summary: Sequence[Row], orders: Sequence[Row]) -> str:
    sizes = [float(r["parameters"]) for r in summary if r["model"] != "linear"]
    seeds = len(distinct(summary, "seed"))
    drawn = len({r["seed"] for r in orders if r["order"] == "drawn"})
    return (
        f"b, c: test accuracy of networks trained on patterns that start at sample 8, on test signals shifted"
        f" circularly; mean of {seeds} seeds, bands: least to greatest.\nd–g: trained anew in the given order (mean and"
        f" range of {seeds} seeds) and in {drawn} drawn orders of samples, characters or columns; signals with patterns"
        f" at all\nplaces. CNN and MLP have {min(sizes):,.0f} to {max(sizes):,.0f} parameters; the linear network is"
        " logistic regression. Tables: breast cancer and wine, from scikit-learn."
    )
