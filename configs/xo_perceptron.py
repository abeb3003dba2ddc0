"""The perceptron rule tells X's from O's: plain gradient descent on the perceptron loss is the rule.

Command:   geomdl train --config=configs/xo_perceptron.py --workdir=runs/xo_perceptron
Hardware:  2 CPU cores
Expected:  an accuracy in metrics.jsonl; none is committed for this config
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "xo"},
            "model": {"name": "perceptron"},
            "task": {"loss": "perceptron"},
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
            "training": {"batch_size": 16, "epochs": 10, "monitor": "accuracy"},
        }
    )
