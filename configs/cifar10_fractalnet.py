"""FractalNet-20 with drop-path on CIFAR-10 (33.7 million parameters).

Command:   geomdl train --config=configs/cifar10_fractalnet.py --workdir=runs/cifar10_fractalnet
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared cifar10: --data_dir or TFDS_DATA_DIR.
           Published: 4.60 % test error with drop-path and dropout
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 100


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar10"},
            "augmentation": {"shift": 4, "flip": True},
            "model": {"name": "fractalnet"},
            "optimizer": {"name": "momentum", "learning_rate": 0.02, "weight_decay": 0.0},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (200, 300, 350, 375)),
                "factor": 0.1,
            },
            "training": {"batch_size": 100, "epochs": 400, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
