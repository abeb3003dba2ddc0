"""WRN-28-10 on CIFAR-10 (36.5 million parameters).

Command:   geomdl train --config=configs/cifar10_wrn_28_10.py --workdir=runs/cifar10_wrn_28_10
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared cifar10: --data_dir or TFDS_DATA_DIR.
           Published: 4.17 % test error with dropout 0.3 (4.00 % in the final version of the paper)
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 128


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar10"},
            "augmentation": {"shift": 4, "flip": True},
            "model": {"name": "wrn", "depth": 28, "widen": 10, "dropout": 0.3},
            "optimizer": {
                "name": "momentum",
                "learning_rate": 0.1,
                "weight_decay": 5e-4,
                "weight_decay_on": "all",
                "nesterov": True,
            },
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (60, 120, 160)),
                "factor": 0.2,
            },
            "training": {"batch_size": 128, "epochs": 200, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
