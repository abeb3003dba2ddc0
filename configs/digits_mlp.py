"""A fully connected network on upright digits knows no symmetry: its accuracy falls under any motion.

Command:   geomdl train --config=configs/digits_mlp.py --workdir=runs/digits_mlp
Hardware:  2 CPU cores
Expected:  96.0% of the upright test digits, 10.9% at the worst angle, 2.6% at
           the worst circular shift (mean of 5 seeds; experiments/results/quickstart/summary.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "digits", "size": 20},
            "model": {"name": "mlp", "match_parameters": 8000},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": 20},
        }
    )
