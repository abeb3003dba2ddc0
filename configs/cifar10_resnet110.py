"""ResNet-110 with shortcuts of option A on CIFAR-10 (1.7 million parameters).

Command:   geomdl train --config=configs/cifar10_resnet110.py --workdir=runs/cifar10_resnet110
Hardware:  one GPU (an estimate)
Expected:  not run yet; needs a prepared cifar10: --data_dir or TFDS_DATA_DIR.
           Published: 6.43 % test error, best of five (6.61 ± 0.16)
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 128


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar10"},
            "augmentation": {"shift": 4, "flip": True},
            "model": {"name": "cifar_resnet110"},
            "optimizer": {"name": "momentum", "learning_rate": 0.1, "weight_decay": 1e-4, "weight_decay_on": "all"},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (82, 123)),
                "factor": 0.1,
                "warmup_steps": 400,
            },
            "training": {"batch_size": 128, "epochs": 164, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
