"""The tables of docs/why_symmetry.md, made from the committed CSV files; see experiments/tables/pages.py."""

import statistics
from pathlib import Path
from typing import Any

from geomdl.plots import Column, mean_over, read_csv, to_markdown

RESULTS = Path(__file__).parents[1] / "results"


def sample_efficiency() -> str:
    """Accuracy by data, number of images and network, mean over the seeds."""
    from experiments.sample_efficiency import COMMAND, NETWORKS

    keys = ("data", "network", "images", "seed", "accuracy")
    rows = read_csv(RESULTS / "sample_efficiency" / "accuracy.csv", keys, f"{COMMAND} --preset=full")
    found: dict[tuple[Any, Any], dict[str, Any]] = {}
    for r in mean_over(rows, over="seed", by=["data", "network", "images"]):
        line = found.setdefault((r["data"], r["images"]), {"data": r["data"], "images": r["images"]})
        line[str(r["network"])] = 100 * float(r["accuracy"])
    columns = (Column("data", "Data"), Column("images", "Images", "{:,.0f}"))
    return to_markdown(list(found.values()), (*columns, *(Column(n, n, "{:.1f}") for n in NETWORKS)))


def known_gains() -> str:
    """Gain in samples and exponent of the error, with intervals."""
    keys = ("space", "group", "order", "gain", "gain_low", "gain_high", "exponent", "exponent_low", "exponent_high")
    rows = read_csv(RESULTS / "sample_efficiency" / "gains.csv", keys, "geomdl reproduce sample_efficiency")
    shown = [
        {
            **r,
            "gain": f"{r['gain']:.1f} [{r['gain_low']:.1f}, {r['gain_high']:.1f}]",
            "exponent": f"{r['exponent']:.2f} [{r['exponent_low']:.2f}, {r['exponent_high']:.2f}]",
        }
        for r in rows
    ]
    columns = (
        Column("space", "Space"),
        Column("group", "Group"),
        Column("order", "Order N"),
        Column("gain", "gain in samples"),
        Column("exponent", "β of n^−β"),
    )
    return to_markdown(shown, columns)


def augmentation() -> str:
    """Accuracy, spread and cost by network and augmentation, mean over the seeds."""
    keys = ("network", "augmentation", "seed", "mean", "worst_angle", "spread", "evaluations", "relative_training_time")
    rows = read_csv(RESULTS / "augmentation" / "methods.csv", keys, "geomdl reproduce augmentation --preset=full")
    percent = [{**r, "mean": 100 * float(r["mean"]), "worst_angle": 100 * float(r["worst_angle"])} for r in rows]
    columns = (
        Column("network", "Network"),
        Column("augmentation", "Augmentation"),
        Column("mean", "mean %", "{:.1f}"),
        Column("worst_angle", "worst angle %", "{:.1f}"),
        Column("spread", "spread", "{:.2f}"),
        Column("evaluations", "evaluations", "{:.0f}"),
        Column("relative_training_time", "training time", "{:.1f}"),
    )
    return to_markdown(mean_over(percent, over="seed", by=["network", "augmentation"]), columns)


def worst_cases() -> str:
    """The share of digits that are right under every transformation, mean over the seeds."""
    from experiments.worst_cases import COMMAND, NETWORKS, SETS

    keys = ("network", "seed", "transformations", "natural", "worst")
    rows = read_csv(RESULTS / "worst_cases" / "worst.csv", keys, f"{COMMAND} --preset=full")
    found: dict[str, dict[str, Any]] = {name: {"network": name} for name in NETWORKS}
    for r in mean_over(rows, over="seed", by=["network", "transformations"]):
        line = found[str(r["network"])]
        line["upright"] = 100 * float(r["natural"])
        line[str(r["transformations"])] = 100 * float(r["worst"])
    columns = (Column("network", "Network"), Column("upright", "unmoved", "{:.0f}"))
    return to_markdown(list(found.values()), (*columns, *(Column(name, name, "{:.0f}") for name in SETS)))


def mnist_rot() -> str:
    """Test errors of the networks of the MNIST-rot study, mean and standard deviation over the seeds."""
    from experiments.mnist_rot import NETWORKS

    keys = ("network", "way", "seed", "parameters", "error", "same_error", "averaged_error")
    rows = read_csv(RESULTS / "mnist_rot" / "errors.csv", keys, "python -m experiments.mnist_rot --preset=two_cores")
    shown = []
    for name in NETWORKS:
        own = {way: [r for r in rows if (r["network"], r["way"]) == (name, way)] for way in ("none", "augmentation")}
        shown.append(
            {
                "network": name,
                "parameters": own["none"][0]["parameters"],
                **{way: _mean_and_deviation(some, "error") for way, some in own.items()},
                "same": _mean_and_deviation(own["none"], "same_error"),
                "averaged": _mean_and_deviation(own["none"], "averaged_error"),
            }
        )
    columns = (
        Column("network", "Network"),
        Column("parameters", "Parameters", "{:,}"),
        Column("none", "no augmentation"),
        Column("augmentation", "random rotations"),
        Column("same", "of 5,000 digits"),
        Column("averaged", "the same, averaged"),
    )
    return to_markdown(shown, columns)


def _mean_and_deviation(rows: list[dict[str, Any]], column: str) -> str:
    values = [float(r[column]) for r in rows]
    return f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}"


def mnist_rot_published() -> str:
    """Errors that papers report."""
    from experiments.mnist_rot import PUBLISHED

    shown: list[dict[str, Any]] = [
        {
            "name": p.name,
            "source": p.source,
            "error": f"{p.error:g}",
            "averaged": f"{p.averaged:g}" if p.averaged else "–",
        }
        for p in PUBLISHED
    ]
    columns = (Column("name", "Network"), Column("source", "Source"), Column("error", "test error, %"))
    return to_markdown(shown, (*columns, Column("averaged", "averaged over turns")))


def mnist_rot_speed() -> str:
    """Images per second of training, by method."""
    keys = ("network", "size", "parameters", "method", "images_per_second", "times_dense", "batch")
    command = "python -m experiments.benchmarks.mnist_rot_speed"
    rows = read_csv(RESULTS / "benchmarks" / "mnist_rot_speed.csv", keys, command)
    found: dict[tuple[Any, Any], dict[str, Any]] = {}
    for r in rows:
        line = found.setdefault((r["size"], r["network"]), {key: r[key] for key in ("size", "network", "parameters")})
        line[str(r["method"])] = f"{r['images_per_second']:.3g}"
        if r["method"] == "factored":
            line["ratio"] = r["times_dense"]
    columns = (
        Column("size", "Size"),
        Column("network", "Network"),
        Column("parameters", "Parameters", "{:,}"),
        Column("dense", "dense"),
        Column("factored", "factored"),
        Column("auto", "auto"),
        Column("ratio", "factored to dense"),
    )
    return to_markdown(list(found.values()), columns)
