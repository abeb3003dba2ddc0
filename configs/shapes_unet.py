"""A U-Net that segments drawn shapes, and does not commute with rotation: the baseline of shapes_group_unet_c4.

Command:   geomdl train --config=configs/shapes_unet.py --workdir=runs/shapes_unet
           geomdl evaluate --workdir=runs/shapes_unet --overlays=runs/shapes_unet/overlays
Hardware:  2 CPU cores
Expected:  mean IoU 0.955 on the validation images (one seed), trained in 251 s beside other work
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "shapes"},
            "model": {"name": "unet", "depth": 2, "match_parameters": 30000},
            "task": {"name": "segmentation", "loss": "softmax+dice"},
            "optimizer": {"name": "adam", "learning_rate": 0.005},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 16, "steps": 300, "eval_every": 100, "eval_batch_size": 50, "monitor": "iou"},
        }
    )
