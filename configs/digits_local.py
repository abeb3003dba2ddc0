"""A locally connected network on upright digits: the locality of a CNN without its shared weights.

Command:   geomdl train --config=configs/digits_local.py --workdir=runs/digits_local
Hardware:  2 CPU cores
Expected:  an accuracy in metrics.jsonl; none is committed for this config
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "local"},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
