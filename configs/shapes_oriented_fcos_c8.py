"""A C8 FCOS with oriented boxes on drawn shapes that lie at every angle: boxes turn by every eighth of a turn.

Command:   geomdl train --config=configs/shapes_oriented_fcos_c8.py --workdir=runs/shapes_oriented_fcos_c8
Hardware:  2 CPU cores
Expected:  mAP at IoU 0.5 of 99.2% on the test images, the same boxes under quarter turns (one seed, a minute of
           processor time; experiments/results/detection/configs.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    model = {"name": "oriented_fcos", "group": "C8", "channels": 4, "halvings": 3, "levels": 2, "features": 16}
    return ConfigDict(
        {
            "data": {"name": "box_shapes", "oriented": True},
            "model": {**model, "tower": 1, "equal": "parameters"},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 16, "steps": 400, "eval_every": 200, "eval_batch_size": 50, "monitor": "map50"},
        }
    )
