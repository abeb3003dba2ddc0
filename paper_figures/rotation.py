"""Class scores and accuracy against rotation angle, of networks with and without rotations built in.

    geomdl reproduce rotation

Reads ``scores.csv``, ``change.csv``, ``accuracy.csv``, ``confusion.csv`` and ``summary.csv``; writes
``rotation_scores`` and ``rotation_accuracy``, each as PNG and PDF. Measures nothing itself.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from geomdl.plots import (
    GRID,
    INK,
    MUTED,
    Row,
    accuracy_against_angle,
    curves,
    distinct,
    figure,
    line,
    mean_over,
    panel,
    read_csv,
    save,
    style,
)

COMMAND = "geomdl reproduce rotation"
SCORED = ("CNN", "C4", "C8", "SO(2)", "O(2)")
CHANCE = 0.1
FLOOR = 1e-7
PERIOD = {"C4": 90, "C8": 45}


def draw(out: Path) -> list[Path]:
    return [*draw_scores(out), *draw_accuracy(out)]


def draw_scores(out: Path) -> list[Path]:
    """Figure 1: the ten scores of one digit, per network; below, how far the scores move."""
    scores = read_csv(out / "scores.csv", ("model", "seed", "label", "angle", "class", "score"), COMMAND)
    change = read_csv(out / "change.csv", ("model", "seed", "angle", "change"), COMMAND)
    models = [m for m in SCORED if m in distinct(scores, "model")]
    seeds = len(distinct(change, "seed"))
    with style():
        fig = figure("double", height=4.3)
        top, bottom, foot = fig.subfigures(3, 1, height_ratios=(2.0, 1.85, 0.3), squeeze=False)[:, 0]
        grid = top.subplots(1, len(models), sharex=True, sharey=True)
        for letter, axes, model in zip("abcde", grid, models, strict=False):
            ten_scores(axes, [r for r in scores if r["model"] == model])
            if model in PERIOD:
                for angle in range(0, 361, PERIOD[model]):
                    axes.axvline(angle, color=GRID, linewidth=0.6, zorder=0)
            panel(axes, letter, model)
            if axes is not grid[0]:
                axes.set_ylabel("")
        top.supxlabel("rotation of the image", fontsize=7.5)

        moved = bottom.subplots()
        shown = [{**r, "change": max(float(r["change"]), FLOOR)} for r in change if r["model"] in models]
        curves(moved, shown, x="angle", y="change", extend=_closed)
        moved.set_yscale("log")
        _angles(moved)
        moved.set(ylabel="relative change of the scores", xlabel="rotation of the images", ylim=(FLOOR / 1.5, 4))
        moved.grid(axis="y")
        for angle in range(45, 360, 45):
            moved.axvline(angle, color=GRID, linewidth=0.6, zorder=0)
        panel(moved, "f", r"$\|f(R_\theta x) - f(x)\|\,/\,\|f(x)\|$, mean over test digits")
        moved.legend(ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5))
        label = scores[0]["label"]
        foot.text(
            0.01,
            0.5,
            f"a–e: the logits of one test digit {label} (bold: class {label}; grey: the others), trained on upright"
            f" digits, seed 0.\nf: {'one seed' if seeds == 1 else f'{seeds} seeds, bands from least to greatest'};"
            " float32 rounding below 10⁻⁷ is drawn there.",
            fontsize=6,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "rotation_scores")


def ten_scores(axes: Axes, rows: Sequence[Row]) -> None:
    """The scores of ten classes against the angle, that of the true class in bold."""
    look = line(str(rows[0]["model"]))
    for digit in distinct(rows, "class"):
        own = sorted((float(r["angle"]), float(r["score"])) for r in rows if r["class"] == digit)
        xs, ys = _closed(*(np.array(v) for v in zip(*own, strict=True)))
        true = digit == rows[0]["label"]
        axes.plot(
            xs, ys, color=look.colour if true else "#9a9a9a", linewidth=1.6 if true else 0.6, zorder=3 if true else 2
        )
    _angles(axes)
    axes.xaxis.set_major_locator(MultipleLocator(180))
    axes.xaxis.set_minor_locator(MultipleLocator(90))
    axes.set_ylabel("class score")


def draw_accuracy(out: Path) -> list[Path]:
    """Figure 2: accuracy against angle; beside it, 6 and 9 taken for each other upside down."""
    accuracy = read_csv(out / "accuracy.csv", ("model", "seed", "angle", "accuracy"), COMMAND)
    counts = read_csv(out / "confusion.csv", ("model", "seed", "angle", "true", "predicted", "count"), COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters"), COMMAND)
    models = [str(m) for m in distinct(accuracy, "model")]
    seeds = len(distinct(accuracy, "seed"))
    with style():
        fig = figure("double", height=3.3)
        head, main, foot = fig.subfigures(3, 1, height_ratios=(0.25, 2.85, 0.2), squeeze=False)[:, 0]
        turned, mixed = main.subplots(1, 2, width_ratios=(2.2, 1))
        accuracy_against_angle(turned, accuracy, chance=CHANCE)
        panel(turned, "a", "Accuracy on turned test digits")
        confusions(mixed, counts, models)
        panel(mixed, "b", "Errors upside down (180°)")
        head.legend(*turned.get_legend_handles_labels(), loc="center", ncols=len(models), columnspacing=1.2)
        parameters = np.mean([float(r["parameters"]) for r in summary])
        foot.text(
            0.01,
            0.5,
            "Trained on upright digits (with augmentation: on rotated ones); about"
            f" {parameters:,.0f} parameters each;"
            f" {'one seed' if seeds == 1 else f'mean of {seeds} seeds, bands from the lowest to the highest'}.",
            fontsize=6.5,
            color=MUTED,
            va="center",
        )
    return save(fig, out, "rotation_accuracy")


def confusions(axes: Axes, counts: Sequence[Row], models: Sequence[str]) -> None:
    """Per network: the share of sixes and nines taken for each other at 180°, and of errors on the other digits."""
    at = mean_over([r for r in counts if r["angle"] == 180], over="seed", by=["model", "true", "predicted"])
    for position, model in enumerate(reversed(models)):
        rows = [r for r in at if r["model"] == model]
        swapped = _share(rows, lambda t, p: (t, p) in ((6, 9), (9, 6)), lambda t: t in (6, 9))
        wrong = _share(rows, lambda t, p: t != p, lambda t: t not in (6, 9))
        look = line(model, len(models) - 1 - position)
        axes.barh(position + 0.19, swapped, height=0.36, color=look.colour)
        axes.barh(position - 0.19, wrong, height=0.36, facecolor="white", edgecolor=look.colour, linewidth=0.8)
        for value, y in ((swapped, position + 0.19), (wrong, position - 0.19)):
            axes.text(value + 0.015, y, f"{value:.0%}", va="center", fontsize=5.5, color=INK)
    axes.set_yticks(range(len(models)), [m.replace(" + ", "\n+ ") for m in reversed(models)])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.12)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axes.set_xticks([0, 0.5, 1])
    axes.set_xlabel("filled: 6 and 9 exchanged\nhollow: errors on other digits")


def _share(rows: Sequence[Row], chosen, among) -> float:  # type: ignore[no-untyped-def]
    total = sum(float(r["count"]) for r in rows if among(r["true"]))
    return sum(float(r["count"]) for r in rows if among(r["true"]) and chosen(r["true"], r["predicted"])) / total


def _closed(xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.append(xs, 360.0), np.append(ys, ys[0])  # 360° is 0°


def _angles(axes: Axes) -> None:
    axes.set_xlim(0, 360)
    axes.xaxis.set_major_locator(MultipleLocator(90))
    axes.xaxis.set_major_formatter("{x:.0f}°")
