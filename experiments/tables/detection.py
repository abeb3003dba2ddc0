"""The tables of docs/detection.md, made from the committed CSV files; see experiments/tables/pages.py."""

from pathlib import Path
from typing import Any

import numpy as np

from geomdl.plots import Column, distinct, mean_over, read_csv, to_markdown

RESULTS = Path(__file__).parents[1] / "results"


def box_square() -> str:
    """Images with the same set of boxes both ways round, by detector and kind of element."""
    from experiments.box_square import COMMAND, DETECTORS, TURNS

    rows = read_csv(RESULTS / "box_square" / "sets.csv", ("detector", "element", "same", "pixels", "alone"), COMMAND)
    summary = read_csv(RESULTS / "box_square" / "summary.csv", ("detector", "seed", "map50"), COMMAND)
    found: list[dict[str, Any]] = []
    for name in DETECTORS:
        line: dict[str, Any] = {"detector": name, "seeds": len(distinct(summary, "seed"))}
        line["map50"] = 100 * float(np.mean([float(r["map50"]) for r in summary if r["detector"] == name]))
        for what, turns in (("turns", True), ("flips", False)):
            own = [r for r in rows if r["detector"] == name and (r["element"] in TURNS) == turns]
            line[f"{what}_same"] = 100 * float(np.mean([float(r["same"]) for r in own]))
            line[f"{what}_pixels"] = max(float(r["pixels"]) for r in own)
        found.append(line)
    columns = (
        Column("detector", "Detector"),
        Column("map50", "mAP %", "{:.1f}"),
        Column("turns_same", "quarter turns: same set %", "{:.1f}"),
        Column("turns_pixels", "pixels apart", "{:.2g}"),
        Column("flips_same", "reflections: same set %", "{:.1f}"),
        Column("flips_pixels", "pixels apart", "{:.2g}"),
        Column("seeds", "Seeds"),
    )
    return to_markdown(found, columns)


def box_angles() -> str:
    """Mean average precision by data set and detector: at some angles, on average and at the worst."""
    from experiments.box_angles import COMMAND

    about = ("data", "detector", "seed")
    command = f"{COMMAND} --preset=full"
    angles = read_csv(RESULTS / "box_angles" / "angles.csv", (*about, "angle", "map50"), command)
    at = {
        (r["data"], r["detector"], r["angle"]): 100 * float(r["map50"])
        for r in mean_over(angles, over="seed", by=["data", "detector", "angle"])
    }
    found: list[dict[str, Any]] = []
    for data, name in dict.fromkeys((r["data"], r["detector"]) for r in angles):
        values = [value for (d, n, _), value in at.items() if (d, n) == (data, name)]
        line: dict[str, Any] = {"data": data, "detector": name, "mean": np.mean(values), "worst": min(values)}
        line |= {f"at{angle}": at[data, name, float(angle)] for angle in (0, 45, 90)}
        own = [r for r in angles if (r["data"], r["detector"]) == (data, name)]
        found.append({**line, "seeds": len(distinct(own, "seed"))})
    columns = (
        Column("data", "Data"),
        Column("detector", "Detector"),
        Column("at0", "0°", "{:.1f}"),
        Column("at45", "45°", "{:.1f}"),
        Column("at90", "90°", "{:.1f}"),
        Column("mean", "mean of 24", "{:.1f}"),
        Column("worst", "worst", "{:.1f}"),
        Column("seeds", "Seeds"),
    )
    return to_markdown(found, columns)


def trained_detectors() -> str:
    """What the configs for detection came to."""
    rows = read_csv(RESULTS / "detection" / "configs.csv", ("config", "seed", "steps", "map50"), "the command of each")
    shown = [
        {
            **r,
            "config": f"`{str(r['config']).removeprefix('configs/')}`",
            "seconds": "–" if r["train_seconds"] == "" else f"{r['train_seconds']:.0f}",
            "coco": "–" if r["coco/ap"] == "" else f"{float(r['coco/ap']):.3f}",
            "consistency": "–" if r["box_consistency/mean"] == "" else f"{float(r['box_consistency/mean']):.3f}",
        }
        for r in rows
    ]
    columns = (
        Column("config", "Config"),
        Column("steps", "Steps", "{:,}"),
        Column("seconds", "Seconds"),
        Column("map50", "mAP at IoU 0.5", "{:.3f}"),
        Column("coco", "COCO AP"),
        Column("consistency", "same boxes at quarter turns"),
    )
    return to_markdown(shown, columns)


def decoding_costs() -> str:
    """Decoding beside the forward pass, and suppression beside torchvision's."""
    command = "python -m experiments.benchmarks.detection --torch=PYTHON"
    rows = read_csv(RESULTS / "benchmarks" / "detection.csv", ("what", "size", "median", "least", "greatest"), command)
    columns = (
        Column("what", "What"),
        Column("size", "Size"),
        Column("median", "median", "{:.3g}"),
        Column("least", "least", "{:.3g}"),
        Column("greatest", "greatest", "{:.3g}"),
    )
    return to_markdown(rows, columns)
