"""Invariance against equivariance on real digits: accuracy under rotation and shift, with the exact symmetry beside it.

    geomdl reproduce quickstart

Reads ``accuracy_by_angle.csv``, ``accuracy_by_shift.csv`` and ``summary.csv``; writes ``quickstart.png`` and
``quickstart.pdf``. Measures nothing itself.
"""

from pathlib import Path

from geomdl.plots import (
    MUTED,
    Column,
    Row,
    accuracy_against_angle,
    accuracy_against_shift,
    distinct,
    draw_table,
    figure,
    line,
    mean_over,
    panel,
    read_csv,
    save,
    scientific,
    style,
)

COMMAND = "geomdl reproduce quickstart"
CHANCE = 0.1  # ten digits
EXACT = 1e-5  # what float32 leaves of an exact symmetry

ANGLE_COLUMNS = ("model", "seed", "angle", "accuracy")
SHIFT_COLUMNS = ("model", "seed", "mode", "shift_rows", "shift_cols", "accuracy")
TABLE = (
    Column("model", "model"),
    Column("group", "group"),
    Column("parameters", "parameters", "{:,.0f}"),
    Column("accuracy", "upright", "{:.1%}"),
    Column("mean_angle_accuracy", "mean of\nangles", "{:.1%}"),
    Column("worst_angle_accuracy", "worst\nangle", "{:.1%}"),
    Column("worst_circular_shift_accuracy", "worst shift,\ncircular", "{:.1%}"),
    Column("worst_crop_shift_accuracy", "worst shift,\ncropped", "{:.1%}"),
    Column("rotation_error_90", "error at\n90° turn", scientific),
    Column("shift_error_circular", "error at\ncirc. shift", scientific),
)
ERRORS = ("rotation_error_90", "shift_error_circular")
TRAINED = "Trained on upright digits (with augmentation: on rotated ones)"
ROW = 0.15  # inches per line of the table


def _exact(row: Row, column: Column) -> bool:
    value = row.get(column.key, "")
    return column.key in ERRORS and not isinstance(value, str) and value <= EXACT


def draw(out: Path) -> list[Path]:
    angles = read_csv(out / "accuracy_by_angle.csv", ANGLE_COLUMNS, COMMAND)
    shifts = read_csv(out / "accuracy_by_shift.csv", SHIFT_COLUMNS, COMMAND)
    summary = read_csv(out / "summary.csv", ("seed", *(c.key for c in TABLE)), COMMAND)
    table = mean_over(summary, over="seed", by=["model"])
    models = [str(m) for m in distinct(table, "model")]
    seeds = len(distinct(summary, "seed"))
    with style():
        heights = (0.22, 2.9, 0.62 + ROW * len(table))
        fig = figure("double", height=sum(heights))
        head, curves, below = fig.subfigures(3, 1, height_ratios=heights, squeeze=False)[:, 0]
        grid = curves.add_gridspec(2, 2, width_ratios=[1.7, 1])

        turned = curves.add_subplot(grid[:, 0])
        accuracy_against_angle(turned, angles, chance=CHANCE)
        panel(turned, "a", "Rotation")
        for row, mode, title in ((0, "circular", "Circular shift"), (1, "crop", "Shift out of the frame")):
            shifted = curves.add_subplot(grid[row, 1])
            accuracy_against_shift(shifted, [s for s in shifts if s["mode"] == mode], chance=CHANCE)
            panel(shifted, "bc"[row], title)
            shifted.set_ylabel("")
            if row == 0:
                shifted.set_xlabel("")
        head.legend(*turned.get_legend_handles_labels(), loc="center", ncols=len(models), columnspacing=1.4)

        tabled = below.subplots()
        looks = {m: line(m, position) for position, m in enumerate(models)}
        draw_table(tabled, table, TABLE, emphasis=_exact, swatch=lambda row: looks[str(row["model"])])
        tabled.set_title(r"$\mathbf{d}$  Accuracy and invariance error of the logits (bold: exact up to float32)")
        below.supxlabel(
            f"{TRAINED}; mean of {seeds} seeds, bands from the lowest to the highest."
            if seeds > 1
            else f"{TRAINED}; one seed.",
            x=0.01,
            ha="left",
            fontsize=6.5,
            color=MUTED,
        )
    return save(fig, out, "quickstart")
