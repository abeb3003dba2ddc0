"""The quickstart: the claim on the committed tables, what the figure draws, and what it says when they are missing."""

import math
from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "quickstart"

MODELS = {
    "MLP": ("–", 0.30, 0.15, 0.12),
    "CNN": ("–", 0.28, 0.55, 0.35),
    "CNN + augmentation": ("–", 0.90, 0.55, 0.35),
    "TI-CNN": ("Z16 x Z16", 0.27, 1.0, 0.75),
    "C4": ("C4", 0.80, 0.7, 0.5),
    "D4": ("D4", 0.78, 0.68, 0.48),
}


def synthetic(out, seeds=3):
    """CSVs of the form that experiments/quickstart.py writes, with invented numbers."""
    rng = np.random.default_rng(0)
    angles, shifts, summary = [], [], []
    for model, (group, turned, circular, crop) in MODELS.items():
        for seed in range(seeds):
            wobble = rng.normal(0, 0.008)
            for angle in np.arange(0, 360, 7.5):
                fold = (
                    abs((angle + 45) % 90 - 45) / 45 if group in ("C4", "D4") else abs((angle + 180) % 360 - 180) / 180
                )
                accuracy = 0.97 - (0.97 - turned) * math.sin(min(1, 1.6 * fold) * math.pi / 2) ** 2 + wobble
                angles.append({"model": model, "seed": seed, "angle": float(angle), "accuracy": min(1, accuracy)})
            for mode, low in (("circular", circular), ("crop", crop)):
                for size in range(9):
                    for rows, cols in {(size, 0), (-size, 0), (0, size), (0, -size)}:
                        accuracy = 0.97 - (0.97 - min(low, 0.97)) * (size / 8) ** 1.5 + wobble
                        shifts.append(
                            {"model": model, "seed": seed, "mode": mode, "shift_rows": rows, "shift_cols": cols,
                             "accuracy": min(1, accuracy)}
                        )  # fmt: skip
            summary.append({
                "model": model, "group": group, "seed": seed, "parameters": 20_000 + 37 * len(model),
                "accuracy": 0.97 + wobble, "worst_angle_accuracy": turned, "mean_angle_accuracy": (turned + 1) / 2,
                "worst_circular_shift_accuracy": circular, "worst_crop_shift_accuracy": crop,
                "rotation_error_90": 3e-7 if group in ("C4", "D4") else 0.8,
                "shift_error_circular": 2e-7 if model == "TI-CNN" else 0.3,
            })  # fmt: skip
    write_csv(out / "accuracy_by_angle.csv", angles)
    write_csv(out / "accuracy_by_shift.csv", shifts)
    write_csv(out / "summary.csv", summary)


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/quickstart.py")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    for name in ("summary", "accuracy_by_angle", "accuracy_by_shift"):
        rows = read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce quickstart")
        assert {(r["model"], r["seed"]) for r in rows} == {(m, s) for m in study.RUNS for s in range(5)}
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "summary",
        {"model": "MLP"},
        {"parameters": 9000},
        "parameters go from 7,641 to 9,000, more than by a factor of 1.1",
    ),
    (
        "summary",
        {"model": "D4", "seed": 1},
        {"reflection_error": 0.1},
        "reflection_error of D4, seed 1, is 1.0e-01, more than rounding",
    ),
    (
        "summary",
        {"model": "CNN", "seed": 1},
        {"rotation_error_90": 0.0},
        "rotation_error_90 of CNN, seed 1, is 0.0e+00, exact",
    ),
    (
        "summary",
        {"model": "TI-CNN", "seed": 1},
        {"shift_error_circular": float("nan")},
        "shift_error_circular of TI-CNN, seed 1 is nan",
    ),
    (
        "summary",
        {"model": "TI-CNN", "seed": 1},
        {"worst_circular_shift_accuracy": 0.9},
        "TI-CNN has 90.0% at the worst circular shift, 99.0% else, seed 1",
    ),
    (
        "summary",
        {"model": "TI-CNN"},
        {"worst_crop_shift_accuracy": 1.0},
        "TI-CNN has 100.0% at the worst shift out of the frame, 99.3% else",
    ),
    (
        "summary",
        {"model": "CNN"},
        {"worst_circular_shift_accuracy": 0.5},
        "the CNN has 50.0% at the worst circular shift",
    ),
    ("summary", {"model": "CNN"}, {"worst_angle_accuracy": 0.8}, "the CNN has 80.0% at its worst angle"),
    (
        "summary",
        {"model": "CNN + augmentation"},
        {"worst_angle_accuracy": 0.5},
        "with augmentation the CNN has 50.0% at its worst angle",
    ),
    (
        "summary",
        {"model": "CNN + augmentation"},
        {"accuracy": 0.999},
        "augmentation costs no accuracy at 0°: 99.9%, and 97.9% without",
    ),
    ("accuracy_by_angle", {"model": "MLP", "angle": 0.0}, {"accuracy": 0.5}, "MLP has 50.0% upright"),
    (
        "accuracy_by_angle",
        {"model": "CNN", "angle": 90.0},
        {"accuracy": 0.5},
        "CNN, without rotations built in, has 50.0% at 90°",
    ),
    (
        "accuracy_by_angle",
        {"model": "C4", "angle": 180.0, "seed": 1},
        {"accuracy": 0.5},
        "C4 has 50.0% at 180° and 97.5% at 0°, seed 1",
    ),
    ("accuracy_by_angle", {"model": "D4", "angle": 45.0}, {"accuracy": 0.9}, "D4 has 90.0% at 45° and 95.9% at 90°"),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_it_draws_png_and_pdf(load, tmp_path, seeds):
    synthetic(tmp_path, seeds)
    png, pdf = load("paper_figures/quickstart.py").draw(tmp_path)
    assert png.name == "quickstart.png"
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.name == "quickstart.pdf"
    assert pdf.read_bytes().startswith(b"%PDF")


def test_a_missing_csv_is_named_with_the_command_that_writes_it(load, tmp_path):
    synthetic(tmp_path, 1)
    (tmp_path / "summary.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"summary\.csv is not there; `geomdl reproduce quickstart` writes it"):
        load("paper_figures/quickstart.py").draw(tmp_path)
    assert not list(tmp_path.glob("quickstart.*"))


def test_only_errors_at_float32_level_count_as_exact(load):
    module = load("paper_figures/quickstart.py")
    error = next(c for c in module.TABLE if c.key == "rotation_error_90")
    assert module._exact({"rotation_error_90": 9e-6}, error)
    assert not module._exact({"rotation_error_90": 2e-5}, error)
    assert not module._exact({"rotation_error_90": ""}, error)
