"""E(2)-WRN-28-10, restricted from D8 to D4 to D1, on CIFAR-100 (37 million parameters).

Command:   geomdl train --config=configs/cifar100_e2_wrn_28_10.py --workdir=runs/cifar100_e2_wrn_28_10
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared cifar100: --data_dir or TFDS_DATA_DIR.
           Published with AutoAugment, which is not applied here: 14.30 % test error
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 128


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar100"},
            "augmentation": {"shift": 4, "flip": True},
            "model": {"name": "e2_wrn", "depth": 28, "width": 10},
            "optimizer": {"name": "momentum", "learning_rate": 0.1, "nesterov": True, "weight_decay": 5e-4},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (60, 120, 160)),
                "factor": 0.2,
            },
            "training": {"batch_size": 128, "epochs": 200, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
