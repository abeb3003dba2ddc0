"""LeNet-5 slides over upright shapes of about one size: a classifier of windows as a convolutional network.

Command:   geomdl train --config=configs/shapes_sliding_window.py --workdir=runs/shapes_sliding_window
Hardware:  2 CPU cores
Expected:  mAP at IoU 0.5 of 91.1% on the test images, COCO's AP of 34.7%: every box is a window of 22 pixels, at every
           fourth pixel (one seed, a minute of processor time; experiments/results/detection/configs.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "box_shapes", "turned": 0.0, "smallest": 10.0, "largest": 11.0, "flattest": 0.9},
            "augmentation": {"flip": True},
            "model": {"name": "sliding_window", "window": 22},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 16, "steps": 1500, "eval_every": 500, "eval_batch_size": 50, "monitor": "map50"},
        }
    )
