"""A C4 group-convolutional network keeps its accuracy under quarter turns, exactly.

Command:   geomdl train --config=configs/digits_gcnn_c4.py --workdir=runs/digits_gcnn_c4
Hardware:  2 CPU cores
Expected:  97.3% of the upright test digits, 16.3% at the worst angle, 17.9% at
           the worst circular shift (mean of 5 seeds; experiments/results/quickstart/summary.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "gcnn", "group": "C4", "match_parameters": 8000},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
