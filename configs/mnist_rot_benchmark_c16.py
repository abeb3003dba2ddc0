"""The benchmark network of Weiler & Cesa (2019) for C16 on rotated MNIST, by their schedule.

Command:   geomdl train --config=configs/mnist_rot_benchmark_c16.py --workdir=runs/mnist_rot_benchmark_c16
Hardware:  one GPU
Expected:  not run yet; needs a prepared MNIST: --data_dir or TFDS_DATA_DIR.
           Published: 0.82 % test error, on the original files and 12,000 training images
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 10_000 // 64


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "mnist_rot"},
            "model": {"name": "mnist_benchmark", "group": "C16"},
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "weight_decay": 1e-7},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in range(10, 30)),
                "factor": 0.8,
            },
            "training": {"batch_size": 64, "epochs": 30, "monitor": "accuracy"},
        }
    )
