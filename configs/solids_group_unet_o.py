"""A U-Net of volumes that commutes with the 24 rotations of the cube, segmenting drawn solids: learnt upright, right in
every turn.

Command:   geomdl train --config=configs/solids_group_unet_o.py --workdir=runs/solids_o
           geomdl evaluate --workdir=runs/solids_o
Hardware:  2 CPU cores
Expected:  ...
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {
                "name": "solids",
                "labels": "map",
                "solids": ("box", "torus", "right_screw"),
                "size": 16,
                "noise": 0.2,
                "orientation": "upright",
                "test_orientation": "any",
                "train_size": 120,
                "validation_size": 30,
                "test_size": 60,
            },
            "model": {"name": "group_unet", "group": "O", "depth": 1, "match_parameters": 12000},
            "task": {"name": "segmentation", "loss": "softmax+dice"},
            "optimizer": {"name": "adam", "learning_rate": 0.006, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 8, "steps": 240, "eval_every": 80, "eval_batch_size": 30, "monitor": "iou"},
        }
    )
