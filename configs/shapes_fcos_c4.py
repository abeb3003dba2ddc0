"""A C4 FCOS that finds drawn shapes: the detections of a turned image are the turned detections, exactly.

Command:   geomdl train --config=configs/shapes_fcos_c4.py --workdir=runs/shapes_fcos_c4
Hardware:  2 CPU cores
Expected:  mAP at IoU 0.5 of 99.7% on the test images, COCO's AP of 84.7% (one seed, 3 minutes;
           experiments/results/detection/configs.csv); the same boxes under quarter turns:
           geomdl evaluate --workdir=… --evaluators=metrics,coco,box_consistency
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    model = {"name": "fcos", "group": "C4", "channels": 8, "features": 32, "levels": 3, "tower": 1}
    return ConfigDict(
        {
            "data": {"name": "box_shapes"},
            "model": {**model, "equal": "parameters"},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.002},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 16, "steps": 1500, "eval_every": 500, "eval_batch_size": 50, "monitor": "map50"},
        }
    )
