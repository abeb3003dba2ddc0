"""A harmonic network on SO(2) with Fourier nonlinearities on rotated MNIST.

Command:   geomdl train --config=configs/mnist_rot_harmonic_so2.py --workdir=runs/mnist_rot_harmonic_so2
Hardware:  one GPU
Expected:  not run yet; needs a prepared MNIST: --data_dir or TFDS_DATA_DIR.
           Published for another network of 1.39 million parameters: 0.685 ± 0.026 % test error
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 10_000 // 64


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "mnist_rot"},
            "model": {"name": "harmonic", "group": "SO2", "nonlinearity": "fourier", "match_parameters": 1_390_000},
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "weight_decay": 1e-7},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in range(10, 30)),
                "factor": 0.8,
            },
            "training": {"batch_size": 64, "epochs": 30, "monitor": "accuracy"},
        }
    )
