"""A CNN trained on randomly rotated digits learns approximate invariance, at a cost in upright accuracy.

Command:   geomdl train --config=configs/digits_cnn_augmented.py --workdir=runs/digits_cnn_augmented
Hardware:  2 CPU cores
Expected:  92.0% of the upright test digits, 90.0% at the worst angle, 5.2% at
           the worst circular shift (mean of 5 seeds; experiments/results/quickstart/summary.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "augmentation": {"rotation": 180.0},
            "model": {"name": "cnn", "match_parameters": 8000},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
