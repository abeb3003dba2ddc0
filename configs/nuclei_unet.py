"""A U-Net that finds the nuclei of cells, and does not commute with rotation: the baseline of nuclei_group_unet_c4.

The data are the user's: --config.data.path names an .npz file made of the Data Science Bowl 2018 (BBBC038, CC0), see
geomdl.data.sources.nuclei.NucleiConfig for where to get them and how to make the file.

Command:   geomdl train --config=configs/nuclei_unet.py --workdir=runs/nuclei_unet --config.data.path=nuclei.npz
           geomdl evaluate --workdir=runs/nuclei_unet --overlays=runs/nuclei_unet/overlays
Hardware:  2 CPU cores
Expected:  not run as it stands; the study of nuclei has the numbers
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "nuclei", "path": None, "downscale": 2},
            "model": {"name": "unet", "depth": 3, "match_parameters": 60000},
            "task": {"name": "segmentation", "loss": "binary+dice"},
            "augmentation": {"flip": True},
            "optimizer": {"name": "adam", "learning_rate": 0.003},
            "schedule": {"name": "cosine"},
            "training": {"batch_size": 8, "steps": 400, "eval_every": 100, "eval_batch_size": 34, "monitor": "iou"},
        }
    )
