"""A U-Net of volumes that commutes with the 24 turns of the cube: it segments solids in turns that it never saw.

Every voxel is background, or in a box, a torus or a screw; training and validation solids are upright. The twin of
configs/solids_unet.py, of 12,761 parameters (one regular field, at half the size three).

Command:   geomdl train --config=configs/solids_group_unet_o.py --workdir=runs/solids_o
           geomdl evaluate --workdir=runs/solids_o
Hardware:  2 CPU cores
Expected:  mean IoU 0.832 on the 30 upright validation volumes with seed 0, 0.525 with seed 1 (solids_unet.py: 0.858
           and 0.404), and the same under each of the 24 turns of the cube, to rounding; trained in 754 s beside much
           other work (experiments/results/volumes/segmentation.csv)
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
