"""YOLO v1 with a small plain backbone and a convolutional head, on drawn shapes.

Command:   geomdl train --config=configs/shapes_yolo_v1.py --workdir=runs/shapes_yolo_v1
Hardware:  2 CPU cores
Expected:  mAP at IoU 0.5 of 99.6% on the test images, COCO's AP of 78.4% (one seed, 3 minutes;
           experiments/results/detection/configs.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "box_shapes"},
            "augmentation": {"flip": True, "quarter_turns": True},
            "model": {"name": "yolo_v1", "channels": 16, "halvings": 3},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {
                "batch_size": 16,
                "steps": 3000,
                "eval_every": 1000,
                "eval_batch_size": 50,
                "monitor": "map50",
            },
        }
    )
