"""A C4 SSD on drawn shapes: default boxes on two feature maps, whose detections turn with the image.

Command:   geomdl train --config=configs/shapes_ssd_c4.py --workdir=runs/shapes_ssd_c4
Hardware:  2 CPU cores
Expected:  mAP at IoU 0.5 of 99.4% on the test images, COCO's AP of 78.4%, the same boxes under quarter turns (one seed,
           a minute of processor time; experiments/results/detection/configs.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    model = {"name": "ssd", "group": "C4", "channels": 8, "halvings": 3, "levels": 2, "features": 32}
    return ConfigDict(
        {
            "data": {"name": "box_shapes"},
            "augmentation": {"flip": True},
            "model": {**model, "least": 0.2, "most": 0.4, "equal": "parameters"},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 16, "steps": 400, "eval_every": 200, "eval_batch_size": 50, "monitor": "map50"},
        }
    )
