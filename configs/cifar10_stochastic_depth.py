"""ResNet-110 with stochastic depth on CIFAR-10 (1.7 million parameters).

Command:   geomdl train --config=configs/cifar10_stochastic_depth.py --workdir=runs/cifar10_stochastic_depth
Hardware:  one GPU (an estimate)
Expected:  not run yet; needs a prepared cifar10: --data_dir or TFDS_DATA_DIR.
           Published: 5.23 % test error
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 128


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar10"},
            "augmentation": {"shift": 4, "flip": True},
            "model": {"name": "stochastic_depth"},
            "optimizer": {
                "name": "momentum",
                "learning_rate": 0.1,
                "weight_decay": 1e-4,
                "weight_decay_on": "all",
                "nesterov": True,
            },
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (250, 375)),
                "factor": 0.1,
            },
            "training": {"batch_size": 128, "epochs": 500, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
