"""The tables of docs/benchmarks.md, made from the committed CSV files."""

from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


def construction() -> str:
    """Seconds to build networks."""
    from geomdl.plots import Column, to_markdown

    columns = (
        Column("network", "Network"),
        Column("parameters", "Parameters", "{:,}"),
        Column("first_s", "first, s", "{:.2f}"),
        Column("again_s", "again, s", "{:.2f}"),
        Column("escnn_s", "escnn, s", "{:.1f}"),
        Column("over_escnn", "of escnn's", "{:.3f}"),
        Column("target", "Target"),
    )
    return to_markdown(_benchmark("construction"), columns)


def train_step() -> str:
    """Time and memory of training steps and of evaluation."""
    from geomdl.plots import Column, to_markdown

    spread = {name: f"{name}_spread" for name in ("train_over_plain", "evaluate_over_plain")}
    rows = _benchmark("train_step")
    shown = [{**r, **{new: _spread(r, old, "{:.2f}") for old, new in spread.items()}} for r in rows]
    columns = (
        Column("group", "Group"),
        Column("order", "Order"),
        Column("train_over_plain_spread", "step / plain CNN"),
        Column("memory_ratio", "memory / plain CNN", "{:.2f}"),
        Column("evaluate_over_plain_spread", "frozen evaluation / plain CNN"),
        Column("train_over_escnn", "step / escnn", "{:.2f}"),
        Column("evaluate_over_escnn", "evaluation / escnn", "{:.2f}"),
    )
    return to_markdown(shown, columns)


def equivariance_error() -> str:
    """Equivariance error of untrained networks, beside escnn's."""
    from geomdl.plots import Column, scientific, to_markdown

    rows = [{**r, "spread": _spread(r, "ratio", "{:.2f}")} for r in _benchmark("equivariance_error")]
    columns = (
        Column("group", "Group"),
        Column("degrees", "Angle", "{:g}°"),
        Column("dtype", "Precision"),
        Column("weights", "Weights"),
        Column("seeds", "Seeds"),
        Column("geomdl", "geomdl", scientific),
        Column("escnn", "escnn", scientific),
        Column("spread", "ratio"),
    )
    return to_markdown(rows, columns)


def basis_memory() -> str:
    """Bytes of the constants of a layer, for the largest kernels."""
    from geomdl.plots import Column, to_markdown

    rows = [r for r in _benchmark("basis_memory") if r["size"] == 9]
    columns = (
        Column("group", "Group"),
        Column("size", "Kernel"),
        Column("basis", "Basis"),
        Column("weights", "Weights per pair of fields"),
        Column("kept_bytes", "Constants, kB", lambda b: f"{float(b) / 1e3:.1f}"),
        Column("array_bytes", "Full array, MB", lambda b: f"{float(b) / 1e6:.1f}"),
    )
    return to_markdown(rows, columns)


def measures() -> str:
    """What measures cost beside the forward passes they need."""
    from geomdl.plots import Column, to_markdown

    rows = [{**r, "spread": _spread(r, "ratio", "{:.2f}")} for r in _benchmark("measures")]
    columns = (
        Column("measure", "Measure"),
        Column("passes", "Passes"),
        Column("measure_s", "Measure, s", "{:.1f}"),
        Column("passes_s", "Passes, s", "{:.1f}"),
        Column("spread", "ratio"),
    )
    return to_markdown(rows, columns)


def audit() -> str:
    """Time and memory of full audits."""
    from geomdl.plots import Column, to_markdown

    columns = (
        Column("group", "Group"),
        Column("images", "Images"),
        Column("verdicts", "Verdicts"),
        Column("measures", "Measures"),
        Column("seconds", "Time, s", "{:.0f}"),
        Column("peak_gb", "Peak memory, GB", "{:.2f}"),
    )
    return to_markdown(_benchmark("audit"), columns)


def downsampling() -> str:
    """What downsampling that keeps shifts costs."""
    from geomdl.plots import Column, to_markdown

    rows = [{**r, "spread": _spread(r, "ratio", "{:.2f}")} for r in _benchmark("downsampling")]
    columns = (
        Column("layer", "Layers"),
        Column("compared_with", "Beside"),
        Column("pass", "Pass"),
        Column("spread", "ratio"),
        Column("target", "Target"),
    )
    return to_markdown(rows, columns)


def factored() -> str:
    """Factored against plain convolutions, layer by layer."""
    from geomdl.plots import Column, to_markdown

    rows = _benchmark("factored")
    shown = [
        {
            **r,
            **{f"{side}_spread": _spread(r, f"{side}_factored", "{:.2f}") for side in ("forward", "gradients")},
            "work": float(r["multiply_adds"]) / float(r["dense_multiply_adds"]),
            "floor": ", ".join(f"{float(r[f'{side}_over_mixing']):.1f}" for side in ("forward", "gradients")),
        }
        for r in rows
    ]
    columns = (
        Column("layer", "Layer"),
        Column("work", "MACs / dense", "{:.3f}"),
        Column("forward_spread", "forward / plain"),
        Column("forward_target", "Target"),
        Column("gradients_spread", "with gradients / plain"),
        Column("gradients_target", "Target"),
        Column("floor", "the same / mixing alone"),
        Column("copy", "copying / forward", "{:.2f}"),
        Column("compile_over_dense", "compilation / dense", "{:.1f}"),
        Column("auto", "auto takes"),
    )
    return to_markdown(shown, columns)


def cost_model() -> str:
    """The estimate of the factored method's time beside measurement."""
    from geomdl.plots import Column, to_markdown

    shown = [{**r, "measured": _spread(r, "ratio", "{:.2f}")} for r in _benchmark("cost_model")]
    columns = (
        Column("layer", "Layer"),
        Column("measured", "factored / dense, with gradients"),
        Column("expected", "expected", "{:.2f}"),
        Column("auto", "auto takes"),
    )
    return to_markdown(shown, columns)


def factored_network() -> str:
    """Whole networks by the factored convolution."""
    from geomdl.plots import Column, to_markdown

    rows = [
        {**r, "spread": _spread(r, "ratio", "{:.2f}"), "cpu_spread": _spread(r, "cpu_ratio", "{:.2f}")}
        for r in _benchmark("factored_network")
        if r["target"] != "" or (r["beside"] in ("escnn", "plain") and r["what"] != "compilation")
    ]
    columns = (
        Column("network", "Network"),
        Column("what", "What"),
        Column("beside", "Over"),
        Column("spread", "ratio"),
        Column("cpu_spread", "of CPU time"),
        Column("target", "Target"),
        Column("auto_takes", "auto takes"),
    )
    return to_markdown(rows, columns)


def _benchmark(name: str) -> list[Any]:
    from geomdl.plots import read_csv

    return read_csv(RESULTS / "benchmarks" / f"{name}.csv", (), f"python -m experiments.benchmarks.{name}")


def _spread(row: Any, key: str, form: str) -> str:
    """A ratio with its quartiles."""
    if row[key] == "":
        return ""
    middle, low, high = (form.format(row[k]) for k in (key, f"{key}_low", f"{key}_high"))
    return f"{middle} [{low}, {high}]"
