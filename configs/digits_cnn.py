"""An ordinary CNN on upright digits loses its accuracy when the test digits are turned.

Command:   geomdl train --config=configs/digits_cnn.py --workdir=runs/digits_cnn
Hardware:  2 CPU cores
Expected:  97.9% of the upright test digits, 9.8% at the worst angle, 3.9% at
           the worst circular shift (mean of 5 seeds; experiments/results/quickstart/summary.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "cnn", "match_parameters": 8000},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
