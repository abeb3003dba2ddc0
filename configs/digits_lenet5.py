"""LeNet-5 as published (connection table, trainable subsampling, radial basis outputs) on the digits.

Command:   geomdl train --config=configs/digits_lenet5.py --workdir=runs/digits_lenet5
Hardware:  2 CPU cores
Expected:  96.0 % of the test digits (one seed)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "lenet5"},
            "optimizer": {"name": "adam", "learning_rate": 3e-3},
            "schedule": {"name": "cosine", "warmup_steps": 40},
            "training": {"batch_size": 64, "epochs": 15},
        }
    )
