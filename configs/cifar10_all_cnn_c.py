"""All-CNN-C on CIFAR-10 (1.4 million parameters).

Command:   geomdl train --config=configs/cifar10_all_cnn_c.py --workdir=runs/cifar10_all_cnn_c
Hardware:  one GPU (an estimate)
Expected:  not run yet; needs a prepared cifar10: --data_dir or TFDS_DATA_DIR.
           Published: 7.25 % test error with shifts and mirror images
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 45_000 // 128


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:cifar10"},
            "augmentation": {"shift": 5, "flip": True},
            "model": {"name": "all_cnn"},
            "optimizer": {"name": "momentum", "learning_rate": 0.05, "weight_decay": 1e-3, "weight_decay_on": "all"},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (200, 250, 300)),
                "factor": 0.1,
            },
            "training": {"batch_size": 128, "epochs": 350, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
