"""A linear classifier of upright digits: the baseline with nothing built in.

Command:   geomdl train --config=configs/digits_linear.py --workdir=runs/digits_linear
Hardware:  2 CPU cores
Expected:  an accuracy in metrics.jsonl; none is committed for this config
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "linear"},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
