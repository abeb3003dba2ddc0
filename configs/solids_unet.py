"""A U-Net of volumes that segments drawn solids, learnt upright.

Every voxel is background, or in a box, a torus or a screw; the test solids lie in any orientation.

Command:   geomdl train --config=configs/solids_unet.py --workdir=runs/solids_unet
           geomdl evaluate --workdir=runs/solids_unet
Hardware:  2 CPU cores
Expected:  mean IoU 0.858 on the 30 upright validation volumes (one seed), trained in 47 s on an idle machine
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
            "model": {"name": "unet", "depth": 1, "match_parameters": 12000},
            "task": {"name": "segmentation", "loss": "softmax+dice"},
            "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 8, "steps": 240, "eval_every": 80, "eval_batch_size": 30, "monitor": "iou"},
        }
    )
