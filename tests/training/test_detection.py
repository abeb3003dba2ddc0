"""Detectors from a config to boxes: training raises the average precision past a stated level."""

from pathlib import Path

import pytest

from geomdl.cli.support.config_file import load_config
from geomdl.training import RunConfig, train

LEVELS = {
    "shapes_fcos_c4": (300, 0.6),
    "shapes_yolo_v1": (600, 0.4),
    "shapes_ssd_c4": (150, 0.6),
    "shapes_oriented_fcos_c8": (150, 0.5),
    "shapes_localiser": (500, 0.6),
    "shapes_sliding_window": (400, 0.6),
}
"""Steps, and the mAP at IoU 0.5 on the validation images that is exceeded after them, as a fraction."""


@pytest.mark.long
@pytest.mark.parametrize("name", LEVELS)
def test_training_raises_average_precision_past_a_level(name: str, tmp_path: Path) -> None:
    steps, level = LEVELS[name]
    values = load_config(name)
    values["training"] = {**values["training"], "steps": steps, "eval_every": steps // 2}
    values["schedule"] = {**values["schedule"], "warmup_steps": 20}
    once = {**values["training"], "steps": 1, "eval_every": 1}
    begun = {**values, "schedule": {"name": "constant"}, "training": once}
    before = train(RunConfig.from_config_dict(begun), tmp_path / "begun").best["map50"]
    after = train(RunConfig.from_config_dict(values), tmp_path / "run").best["map50"]
    print(f"{name}: {before:.3f}, after {steps} steps {after:.3f}")
    assert before < 0.1
    assert after > level
