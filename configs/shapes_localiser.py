"""Classification with localisation, y = [P_c, b_x, b_y, b_h, b_w, c_1, …]: half of the images show a shape, half none.

Command:   geomdl train --config=configs/shapes_localiser.py --workdir=runs/shapes_localiser
Hardware:  2 CPU cores
Expected:  mAP at IoU 0.5 of 99.5% on the test images, COCO's AP of 62.3%, the same boxes under quarter turns (one seed,
           a minute of processor time; experiments/results/detection/configs.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    model = {"name": "localiser", "group": "C4", "channels": 8, "halvings": 4, "units": 64}
    return ConfigDict(
        {
            "data": {"name": "box_shapes", "size": 48, "count": 1, "least": 0, "train_size": 2000},
            "augmentation": {"flip": True, "quarter_turns": True},
            "model": {**model, "objective": "log", "equal": "parameters"},
            "task": {"name": "detection", "box_weight": 10.0},
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 16, "steps": 1000, "eval_every": 500, "eval_batch_size": 50, "monitor": "map50"},
        }
    )
