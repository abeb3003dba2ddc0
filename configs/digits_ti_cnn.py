"""A translation-invariant CNN keeps its accuracy under circular shifts of any size, exactly.

Command:   geomdl train --config=configs/digits_ti_cnn.py --workdir=runs/digits_ti_cnn
Hardware:  2 CPU cores
Expected:  99.3% of the upright test digits, 5.6% at the worst angle, 99.3% at
           the worst circular shift (mean of 5 seeds; experiments/results/quickstart/summary.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "ti_cnn", "match_parameters": 8000},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
