"""A C4 U-Net that segments drawn shapes: the label map of a turned image is the turned label map, exactly.

Command:   geomdl train --config=configs/shapes_group_unet_c4.py --workdir=runs/shapes_c4
           geomdl evaluate --workdir=runs/shapes_c4 --overlays=runs/shapes_c4/overlays
Hardware:  2 CPU cores
Expected:  mean IoU 0.962 on the validation images (one seed), trained in 486 s beside other work
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "shapes"},
            "model": {"name": "group_unet", "group": "C4", "depth": 2, "match_parameters": 30000},
            "task": {"name": "segmentation", "loss": "softmax+dice"},
            "optimizer": {"name": "adam", "learning_rate": 0.005},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 16, "steps": 300, "eval_every": 100, "eval_batch_size": 50, "monitor": "iou"},
        }
    )
