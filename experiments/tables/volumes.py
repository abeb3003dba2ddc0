"""The tables of networks of volumes in docs/three_dimensions.md, made from the committed CSV files."""

import math
from pathlib import Path
from statistics import median
from typing import Any

from geomdl.plots import Column, Row, distinct, mean_over, read_csv, to_markdown

RESULTS = Path(__file__).parents[1] / "results"


def cube_errors() -> str:
    """Changes under the symmetries of the cube and under random rotations, over both sizes."""
    columns = ("network", "motion", "mirrors", "promised", "error")
    rows = read_csv(RESULTS / "cube_errors" / "errors.csv", columns, "geomdl reproduce cube_errors --preset=full")
    sides = len(distinct(rows, "side"))
    found: list[Row] = []
    for name in distinct(rows, "network"):
        own = [r for r in rows if r["network"] == name]
        kept = [float(r["error"]) for r in own if r["promised"]]
        others = [float(r["error"]) for r in own if not r["promised"] and r["motion"] == "cube"]
        any_way = [float(r["error"]) for r in own if r["motion"] == "random" and not r["mirrors"]]
        found.append(
            {
                "network": name,
                "promised": len(kept) // sides,
                "kept": max(kept),
                "others": f"{min(others):.1g}" if others else "–",
                "random": median(any_way),
            }
        )
    shown = (
        Column("network", "Network"),
        Column("promised", "symmetries of the cube that it keeps"),
        Column("kept", "largest change under these", "{:.0e}"),
        Column("others", "least change under the others"),
        Column("random", "under random rotations, median", "{:.2f}"),
    )
    return to_markdown(found, shown)


def screws() -> str:
    """Left or right, mean over the seeds."""
    from experiments.screws import COLUMNS, COMMAND

    rows = read_csv(RESULTS / "screws" / "screws.csv", COLUMNS, COMMAND)
    columns = (
        Column("network", "Network"),
        Column("upright", "upright", "{:.1%}"),
        Column("turned", "in the 24 turns", "{:.1%}"),
        Column("mirrored", "change of a score by a mirror image", "{:.0e}"),
    )
    return to_markdown(mean_over(rows, over="seed", by=["network"]), columns)


def volume_signals() -> str:
    """Growth of the mean square through convolutions of volumes, geometric mean over the seeds."""
    rows = read_csv(
        RESULTS / "signal_propagation" / "volumes.csv", ("rule", "ratio"), "python -m experiments.volume_signals"
    )
    shown: dict[tuple[object, object], dict[str, Any]] = {}
    for kind in ("white", "constant"):
        for layers in (10, 20):
            row = shown.setdefault((kind, layers), {"volumes": kind, "layers": layers})
            for rule in ("flat", "equal variances"):
                of = [
                    float(r["ratio"])
                    for r in rows
                    if (r["rule"], r["volumes"], int(r["layers"])) == (rule, kind, layers)
                ]
                row[rule] = math.exp(sum(map(math.log, of)) / len(of))
    columns = (
        Column("volumes", "Volumes"),
        Column("layers", "Layers"),
        *(Column(rule, rule, "{:.2g}") for rule in ("flat", "equal variances")),
    )
    return to_markdown(list(shown.values()), columns)


def volumes_escnn() -> str:
    """The times of steerable layers of volumes, and their ratios to escnn's."""
    command = "python -m experiments.benchmarks.volumes_escnn --escnn-python=PATH"
    rows = read_csv(RESULTS / "benchmarks" / "volumes_escnn.csv", ("what", "ratio"), command)
    shown = [
        {**r, "volume": f"{r['side']}³", "kernel": f"{r['kernel_size']}³",
         "over": "{:.2f} [{:.2f}, {:.2f}]".format(*(float(r[k]) for k in ("ratio", "ratio_low", "ratio_high")))}
        for r in rows
    ]  # fmt: skip
    columns = (
        Column("fields", "Irreps (copies × degree)"),
        Column("kernel", "kernel"),
        Column("volume", "volumes"),
        Column("what", "what"),
        Column("geomdl_s", "geomdl, s", "{:.3f}"),
        Column("escnn_s", "escnn, s", "{:.3f}"),
        Column("over", "ratio"),
    )
    return to_markdown(shown, columns)


def volumes() -> str:
    """Scores of networks that have learnt upright volumes, mean over the seeds."""
    from experiments.volumes import COMMAND, SCORES

    rows = read_csv(RESULTS / "volumes" / "accuracy.csv", ("data", "network", "seed", *SCORES), COMMAND)
    columns = (
        Column("data", "Data"),
        Column("network", "Network"),
        Column("upright", "upright", "{:.1%}"),
        Column("turned", "mean of the 24 turns", "{:.1%}"),
        Column("worst", "worst turn", "{:.1%}"),
        Column("random", "random orientations", "{:.1%}"),
    )
    return to_markdown(mean_over(rows, over="seed", by=["data", "network"]), columns)


def fourier_samples() -> str:
    """Errors of FourierPointwise under random rotations, by the number of samples."""
    command = "python -m experiments.benchmarks.fourier_samples"
    rows = read_csv(RESULTS / "benchmarks" / "fourier_samples.csv", ("functions", "samples", "error"), command)
    shown: dict[tuple[object, object], dict[str, Any]] = {}
    for r in rows:
        row = shown.setdefault((r["functions"], r["degree"]), {"functions": r["functions"], "degree": r["degree"]})
        row[f"{r['samples']}"] = f"{float(r['error']):.2g}"
    counts = [str(n) for n in sorted({int(r["samples"]) for r in rows})]
    table = [{key: row.get(key, "–") for key in ("functions", "degree", *counts)} for row in shown.values()]
    columns = (
        Column("functions", "Functions on"),
        Column("degree", "up to degree"),
        *(Column(count, f"{count} samples") for count in counts),
    )
    return to_markdown(table, columns)


def segmentation() -> str:
    """Mean IoU of the U-Nets of solids, by seed."""
    from experiments.solids_segmentation import COLUMNS, COMMAND

    rows = read_csv(RESULTS / "volumes" / "segmentation.csv", COLUMNS, COMMAND)
    names = {"configs/solids_unet.py": "plain", "configs/solids_group_unet_o.py": "O"}
    shown = [{**r, "network": names[str(r["config"])]} for r in rows]
    columns = (
        Column("network", "U-Net"),
        Column("seed", "seed"),
        Column("parameters", "parameters", "{:,.0f}"),
        Column("upright", "upright", "{:.3f}"),
        Column("upright_turns_mean", "mean of the 24 turns", "{:.3f}"),
        Column("upright_turns_worst", "worst turn", "{:.3f}"),
        Column("random", "random orientations", "{:.3f}"),
    )
    return to_markdown(sorted(shown, key=lambda r: r["network"] == "O"), columns)
