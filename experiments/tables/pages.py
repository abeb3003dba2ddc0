"""The tables of the README and of docs/benchmarks.md, made from the committed CSV files.

    python -m experiments.tables.pages     # rewrites the tables in both

tests/test_tables.py checks that they hold what this prints.
"""

import re
import statistics
from pathlib import Path
from typing import Any

from experiments.tables.cpu_convolutions import grouped, kernel_gradient
from experiments.tables.detection import box_angles, box_square, decoding_costs, trained_detectors
from experiments.tables.points import chirality, tetris, tetris_command
from experiments.tables.volumes import (
    cube_errors,
    fourier_samples,
    screws,
    segmentation,
    volume_signals,
    volumes,
    volumes_escnn,
)
from experiments.tables.why_symmetry import (
    augmentation,
    known_gains,
    mnist_rot,
    mnist_rot_published,
    mnist_rot_speed,
    sample_efficiency,
    worst_cases,
)

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "results"


def quickstart() -> str:
    """The summary of the quickstart, mean over seeds."""
    from geomdl.plots import mean_over, read_csv, to_markdown
    from paper_figures.quickstart import TABLE

    rows = read_csv(RESULTS / "quickstart" / "summary.csv", ("seed", *(c.key for c in TABLE)), "the full preset")
    return to_markdown(mean_over(rows, over="seed", by=["model"]), TABLE)


def commands() -> str:
    """What the main commands do, with measured times."""
    from geomdl.plots import Column, read_csv, to_markdown

    rows = read_csv(RESULTS / "timings.csv", ("command", "what", "seconds", "expect"), "the commands by hand")
    columns = (
        Column("command", "Command", lambda command: f"`{command}`"),
        Column("what", "What it does"),
        Column("seconds", "Time, 2 CPU cores", _duration),
        Column("expect", "What to expect"),
    )
    return to_markdown(rows, columns)


def _duration(seconds: float | str) -> str:
    if isinstance(seconds, str):
        return seconds
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


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


def nuclei() -> str:
    """The study of nuclei, mean over seeds."""
    from geomdl.plots import Column, mean_over, read_csv, to_markdown

    keys = ("iou", "iou_worst_angle", "consistency", "consistency_quarter_turns")
    command = "GEOMDL_NUCLEI=FILE.npz geomdl reproduce nuclei"
    rows = read_csv(RESULTS / "nuclei" / "results.csv", ("seed", *keys), command)
    columns = (
        Column("train_size", "Training images"),
        Column("rotations", "Augmented"),
        Column("network", "Network"),
        Column("iou", "IoU, upright", "{:.3f}"),
        Column("iou_worst_angle", "IoU, worst angle", "{:.3f}"),
        Column("consistency", "consistency", "{:.3f}"),
        Column("consistency_quarter_turns", "at quarter turns", "{:.3f}"),
    )
    return to_markdown(mean_over(rows, over="seed", by=["train_size", "rotations", "network"]), columns)


def nuclei_costs() -> str:
    """What the networks of the nuclei study cost."""
    from geomdl.plots import Column, read_csv, to_markdown

    rows = read_csv(RESULTS / "nuclei" / "costs.csv", (), "GEOMDL_NUCLEI=FILE.npz geomdl reproduce nuclei")
    columns = (
        Column("network", "Network"),
        Column("parameters", "Parameters", "{:,}"),
        Column("multiply_adds", "Multiply-adds (MACs)", "{:,}"),
        Column("relative_step_time", "time of a step / U-Net", "{:.2f}"),
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


_STUDY = "GEOMDL_DATA=FOLDER geomdl reproduce depth_width_symmetry"


def depth_width_symmetry() -> str:
    """Networks of the lectures and their twins at equal parameters, mean over seeds."""
    from geomdl.plots import Column, mean_over, read_csv, to_markdown

    keys = ("data", "network", "group", "accuracy", "accuracy_mean", "accuracy_worst", "accuracy_45", "consistency")
    rows = read_csv(RESULTS / "depth_width_symmetry" / "results.csv", ("seed", *keys), _STUDY)
    columns = (
        Column("data", "Data"),
        Column("network", "Network"),
        Column("group", "Group"),
        Column("seeds", "Seeds"),
        Column("accuracy", "accuracy", "{:.3f}"),
        Column("range", "of the seeds"),
        Column("accuracy_mean", "mean of eight", "{:.3f}"),
        Column("accuracy_worst", "worst of eight", "{:.3f}"),
        Column("accuracy_45", "at 45°", "{:.3f}"),
        Column("consistency", "consistency", "{:.3f}"),
    )
    shown: list[Any] = []
    for row in mean_over(rows, over="seed", by=["data", "network", "group"]):
        same = [r for r in rows if all(r[key] == row[key] for key in ("data", "network", "group"))]
        found = [float(r["accuracy"]) for r in same]
        between = f"{min(found):.3f} to {max(found):.3f}" if len(found) > 1 else "–"
        shown.append({**row, "seeds": len(found), "range": between})
    return to_markdown(shown, columns)


def depth_width_costs() -> str:
    """What the networks of that study cost."""
    from geomdl.plots import Column, read_csv, to_markdown

    rows = read_csv(RESULTS / "depth_width_symmetry" / "costs.csv", (), _STUDY)
    columns = (
        Column("network", "Network"),
        Column("group", "Group"),
        Column("parameters", "Parameters", "{:,}"),
        Column("depth", "Depth"),
        Column("multiply_adds", "Multiply-adds (MACs)", "{:,}"),
        Column("relative_step_time", "time of a step / C1", "{:.2f}"),
    )
    return to_markdown(rows, columns)


def alexnet_ablation() -> str:
    """AlexNet without some of its layers, plain and C4, mean over seeds."""
    from geomdl.plots import Column, mean_over, read_csv, to_markdown

    keys = ("without", "group", "seed", "accuracy", "parameters")
    rows = read_csv(RESULTS / "depth_width_symmetry" / "ablation.csv", keys, _STUDY)
    whole = {
        row["group"]: row for row in mean_over(rows, over="seed", by=["without", "group"]) if row["without"] == "none"
    }
    shown = [
        {
            **row,
            "fewer": int(float(whole[row["group"]]["parameters"])) - int(float(row["parameters"])),
            "lost": 100 * (float(whole[row["group"]]["accuracy"]) - float(row["accuracy"])),
        }
        for row in mean_over(rows, over="seed", by=["without", "group"])
    ]
    columns = (
        Column("without", "Without layers"),
        Column("group", "Group"),
        Column("fewer", "parameters dropped", "{:,}"),
        Column("accuracy", "accuracy", "{:.3f}"),
        Column("lost", "points lost", "{:.1f}"),
    )
    return to_markdown(shown, columns)


def signal_propagation() -> str:
    """Growth of the mean square over 20 and 50 layers, by rule."""
    from geomdl.plots import Column, distinct, read_csv, to_markdown

    command = "geomdl reproduce signal_propagation"
    keys = ("network", "rule", "images", "depth", "ratio")
    rows = read_csv(RESULTS / "signal_propagation" / "ratios.csv", keys, command)
    rules = [str(rule) for rule in distinct(rows, "rule")]
    shown: dict[Any, Any] = {}
    for r in rows:
        case = {name: r[name] for name in ("network", "images", "depth")}
        shown.setdefault(tuple(case.values()), case)[str(r["rule"])] = float(r["ratio"])
    columns = (
        Column("network", "Network"),
        Column("images", "Images"),
        Column("depth", "Layers"),
        *(Column(rule, rule, "{:.2g}") for rule in rules),
    )
    return to_markdown(list(shown.values()), columns)


def kernel_spectra() -> str:
    """How flat the spectra of initial kernels are, and the share of the centre pixel."""
    from geomdl.plots import Column, read_csv, to_markdown

    keys = ("network", "rule", "radius", "power", "centre")
    rows = read_csv(RESULTS / "signal_propagation" / "spectra.csv", keys, "geomdl reproduce signal_propagation")
    powers: dict[tuple[Any, Any], list[float]] = {}
    shown: dict[tuple[Any, Any], Any] = {}
    for r in rows:
        case = r["network"], r["rule"]
        powers.setdefault(case, []).append(float(r["power"]))
        shown[case] = {**r, "largest": max(powers[case]), "least": min(powers[case])}
    columns = (
        Column("network", "Network"),
        Column("rule", "Rule"),
        Column("centre", "centre", "{:.2f}"),
        Column("largest", "largest Λ(ξ) / Λ", "{:.2f}"),
        Column("least", "least", "{:.2f}"),
    )
    return to_markdown(list(shown.values()), columns)


def noether() -> str:
    """Order of the drift of conserved charges, its size at the least step, and how well it was predicted."""
    from experiments.noether import CONTROL, orders
    from geomdl.plots import Column, distinct, read_csv, to_markdown

    keys = ("seed", "method", "momentum", "decay", "step", "charge", "drift", "predicted", "difference")
    found = read_csv(RESULTS / "noether" / "drifts.csv", keys, "geomdl reproduce noether --preset=full")
    runs = [r for r in found if r["method"] == "descent"]
    shown: list[Any] = []
    for charge in ("scale", "rescaling", "translation", CONTROL):
        for decay in distinct(runs, "decay"):
            for momentum in distinct(runs, "momentum"):
                case = {"charge": charge, "decay": decay, "momentum": momentum}
                own = [r for r in runs if all(r[key] == value for key, value in case.items())]
                last = [r for r in own if r["step"] == min(float(r["step"]) for r in own)]
                drift = statistics.mean(float(r["drift"]) for r in last)
                row: dict[str, Any] = {**case, "drift": drift}
                if drift > 1e-12:
                    row["order"] = "{:.2f} to {:.2f}".format(*(f(orders(own)) for f in (min, max)))
                if drift > 1e-12 and charge != CONTROL:
                    wrong = max(float(r["difference"]) / float(r["predicted"]) for r in last)
                    row["wrong"] = f"{wrong:.1%}" if wrong > 1e-9 else "exact"
                shown.append(row)
    columns = (
        Column("charge", "Charge"),
        Column("decay", "λ", "{:g}"),
        Column("momentum", "β", "{:g}"),
        Column("order", "order of the drift"),
        Column("drift", "drift, step 0.005", "{:.1e}"),
        Column("wrong", "prediction off by"),
    )
    return to_markdown(shown, columns)


_DIMENSIONS = "geomdl reproduce dimensions_and_perceptrons --preset=full"


def hard_cases() -> str:
    """Accuracy of one and two layers where a line does not do."""
    from geomdl.plots import Column, distinct, mean_over, read_csv, to_markdown

    keys = ("case", "model", "seed", "accuracy", "best_line")
    rows = read_csv(RESULTS / "dimensions_and_perceptrons" / "cases.csv", keys, _DIMENSIONS)
    means = mean_over(rows, over="seed", by=["case", "model"])
    shown: list[Any] = []
    for case in distinct(rows, "case"):
        own = {str(r["model"]): r["accuracy"] for r in means if r["case"] == case}
        shown.append({"case": case, "best_line": next(r["best_line"] for r in rows if r["case"] == case), **own})
    columns = (
        Column("case", "Case"),
        Column("best_line", "best of all lines", "{:.1%}"),
        Column("one layer", "one layer, trained", "{:.1%}"),
        Column("two layers", "two layers, trained", "{:.1%}"),
    )
    return to_markdown(shown, columns)


def learnt_shifts() -> str:
    """Accuracy over all shifts after training on some of them."""
    from geomdl.plots import Column, mean_over, read_csv, to_markdown

    keys = ("model", "seed", "seen", "share", "accuracy", "on_seen", "on_unseen")
    rows = read_csv(RESULTS / "dimensions_and_perceptrons" / "shifts.csv", keys, _DIMENSIONS)
    columns = (
        Column("model", "Model"),
        Column("share", "shifts seen", "{:.0%}"),
        Column("accuracy", "all shifts", "{:.1%}"),
        Column("on_seen", "seen shifts", "{:.1%}"),
        Column("on_unseen", "unseen shifts", "{:.1%}"),
    )
    whole, some = [r for r in rows if r["on_unseen"] == ""], [r for r in rows if r["on_unseen"] != ""]
    means = [m for part in (some, whole) for m in mean_over(part, over="seed", by=["model", "share"])]
    return to_markdown(sorted(means, key=lambda r: (r["model"] != "MLP", r["share"])), columns)


def retrieval_costs() -> str:
    """Seconds of searches, and the rate of features."""
    from geomdl.plots import Column, to_markdown

    columns = (
        Column("what", "What"),
        Column("size", "Size"),
        Column("rounds", "Rounds"),
        Column("median", "Median", "{:.2f}"),
        Column("least", "Least", "{:.2f}"),
        Column("greatest", "Greatest", "{:.2f}"),
        Column("processor_seconds", "Seconds of processors"),
    )
    return to_markdown(_benchmark("retrieval"), columns)


def retrieval_under_rotation() -> str:
    """Mean average precision at some angles, and the share of queries that keep their neighbours."""
    from geomdl.plots import Column, mean_over, read_csv, to_markdown

    command = "geomdl reproduce retrieval_under_rotation --preset=full"
    folder = RESULTS / "retrieval_under_rotation"
    keys = ("model", "seed", "angle", "mean_average_precision")
    means = mean_over(read_csv(folder / "precision.csv", keys, command), over="seed", by=["model", "angle"])
    same = read_csv(folder / "neighbours.csv", ("model", "seed", "angle", "same"), command)
    summary = mean_over(
        read_csv(folder / "summary.csv", ("model", "seed", "accuracy"), command), over="seed", by=["model"]
    )
    rows: list[Any] = []
    for about in summary:
        at = {r["angle"]: float(r["mean_average_precision"]) for r in means if r["model"] == about["model"]}
        rows.append(
            {
                **about,
                **{f"at_{angle:.0f}": at[angle] for angle in (0, 45, 90)},
                "worst": min(at.values()),
                "same": min(float(r["same"]) for r in same if r["model"] == about["model"]),
            }
        )
    columns = (
        Column("model", "Features of"),
        Column("parameters", "Parameters", "{:,.0f}"),
        Column("accuracy", "Accuracy, upright", "{:.1%}"),
        Column("at_0", "mAP, upright", "{:.3f}"),
        Column("at_45", "at 45°", "{:.3f}"),
        Column("at_90", "at 90°", "{:.3f}"),
        Column("worst", "worst angle", "{:.3f}"),
        Column("same", "same neighbours at multiples of 90°", "{:.0%}"),
    )
    return to_markdown(rows, columns)


def transfer() -> str:
    """Accuracy on turned digits by what is trained of a network that knows clothes."""
    from geomdl.plots import Column, mean_over, read_csv, to_markdown

    command = "GEOMDL_DATA=FOLDER geomdl reproduce transfer --preset=full"
    keys = ("network", "way", "images", "seed", "accuracy", "consistency")
    rows = read_csv(RESULTS / "transfer" / "results.csv", keys, command)
    means = mean_over(rows, over="seed", by=["network", "way", "images"])
    lines: list[Any] = []
    for network, way in dict.fromkeys((r["network"], r["way"]) for r in means):
        own = {int(r["images"]): r for r in means if (r["network"], r["way"]) == (network, way)}
        accuracy = {f"at_{count}": float(own[count]["accuracy"]) for count in own}
        least = min(float(r["consistency"]) for r in own.values())
        lines.append({"network": network, "way": way, **accuracy, "consistency": least})
    counts = sorted({int(r["images"]) for r in means})
    columns = (
        Column("network", "Group"),
        Column("way", "What is trained"),
        *(Column(f"at_{count}", f"{count} images", "{:.1%}") for count in counts),
        Column("consistency", "same class at 90°, least", "{:.1%}"),
    )
    return to_markdown(lines, columns)


def pretrained() -> str:
    """The networks that come along, from their cards."""
    from geomdl.inference import model_card, pretrained_names
    from geomdl.plots import Column, to_markdown

    rows: list[Any] = []
    for name in pretrained_names():
        card = model_card(name)
        test, turned = card["metrics"]["test"], card["metrics"]["turned"]
        rows.append(
            {
                "name": name,
                "title": card["title"],
                "group": card["group"],
                "parameters": card["parameters"],
                "test": test[card["headline"]],
                "worst": turned["worst_quarter_turn"],
                "mean": turned["mean_of_eight_angles"],
                "symmetry": card["symmetry"]["C4"]["verdict"],
                "licence": card["data"]["licence"],
            }
        )
    columns = (
        Column("name", "Name", lambda name: f"`{name}`"),
        Column("title", "Task"),
        Column("group", "Group"),
        Column("parameters", "Parameters", "{:,}"),
        Column("test", "Test images", "{:.3f}"),
        Column("worst", "worst quarter turn", "{:.3f}"),
        Column("mean", "mean of angles", "{:.3f}"),
        Column("symmetry", "C4, audited"),
        Column("licence", "Data"),
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


TABLES = {
    "README.md": (quickstart, commands),
    "docs/benchmarks.md": (
        construction,
        train_step,
        equivariance_error,
        basis_memory,
        measures,
        audit,
        downsampling,
        factored,
        cost_model,
        factored_network,
        kernel_gradient,
        grouped,
        volumes_escnn,
    ),
    "docs/nuclei.md": (nuclei, nuclei_costs),
    "docs/depth_width_symmetry.md": (depth_width_symmetry, depth_width_costs, alexnet_ablation),
    "docs/noether.md": (noether,),
    "docs/detection.md": (box_square, box_angles, trained_detectors, decoding_costs),
    "docs/why_symmetry.md": (
        sample_efficiency,
        known_gains,
        augmentation,
        worst_cases,
        mnist_rot,
        mnist_rot_published,
        mnist_rot_speed,
    ),
    "docs/dimensions_and_perceptrons.md": (hard_cases, learnt_shifts),
    "docs/features.md": (retrieval_costs, retrieval_under_rotation),
    "docs/pretrained.md": (pretrained,),
    "docs/fine_tuning.md": (transfer,),
    "docs/three_dimensions.md": (
        tetris_command,
        tetris,
        chirality,
        fourier_samples,
        segmentation,
        cube_errors,
        screws,
        volumes,
    ),
    "docs/initialization.md": (signal_propagation, volume_signals, kernel_spectra),
}


def filled(file: str) -> str:
    """A page with every table made anew between its markers."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for make in TABLES[file]:
        name = make.__name__
        if f"<!-- {name} -->" not in text:
            raise ValueError(f"{file} has no place for the table {name}: <!-- {name} --> … <!-- /{name} -->")
        block = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- /{name} -->", lambda _, b=block: b, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    for page in TABLES:
        (ROOT / page).write_text(filled(page), encoding="utf-8")
