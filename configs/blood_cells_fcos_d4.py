"""A D4 FCOS that finds red and white blood cells and platelets: a smear of blood has no upright, and no left and right.

Command:   geomdl train --config=configs/blood_cells_fcos_d4.py --workdir=runs/cells --config.data.path=BCCD
Hardware:  2 CPU cores
Expected:  after 600 of the 1,500 steps mAP at IoU 0.5 of 77.5% on the test images (platelets 65%, red 70%, white 98%;
           one seed, 5 minutes, stopped there; experiments/results/detection/configs.csv). BCCD is the folder of that
           data set (Pascal VOC, 364 images of 480 × 640 pixels, brought to 128 × 128 here), two of whose boxes have
           no size.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    model = {"name": "fcos", "group": "D4", "channels": 8, "features": 32, "levels": 3, "tower": 1}
    return ConfigDict(
        {
            "data": {"name": "voc", "path": "BCCD", "bad_boxes": "drop", "size": 128},
            "augmentation": {"flip": True, "quarter_turns": True},
            "model": {**model, "equal": "parameters"},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 8, "steps": 1500, "eval_every": 300, "eval_batch_size": 24, "monitor": "map50"},
        }
    )
