"""DenseNet-BC of 100 layers with growth 12 on CIFAR-10 (0.8 million parameters).

Command:   geomdl train --config=configs/cifar10_densenet_bc_100.py --workdir=runs/cifar10_densenet_bc_100
Hardware:  one GPU (an estimate)
Expected:  not run yet; needs a prepared cifar10: --data_dir or TFDS_DATA_DIR.
           Published: 4.51 % test error
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 64


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar10"},
            "augmentation": {"shift": 4, "flip": True},
            "model": {"name": "densenet_bc_cifar"},
            "optimizer": {
                "name": "momentum",
                "learning_rate": 0.1,
                "weight_decay": 1e-4,
                "weight_decay_on": "all",
                "nesterov": True,
            },
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (150, 225)),
                "factor": 0.1,
            },
            "training": {"batch_size": 64, "epochs": 300, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
