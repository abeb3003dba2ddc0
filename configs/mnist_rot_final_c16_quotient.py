"""The final C16 network of Weiler & Cesa (2019) with quotient fields, on rotated MNIST.

Command:   geomdl train --config=configs/mnist_rot_final_c16_quotient.py --workdir=runs/mnist_rot_final_c16_quotient
Hardware:  one GPU
Expected:  not run yet; needs a prepared MNIST: --data_dir or TFDS_DATA_DIR.
           Published: 0.705 ± 0.045 % test error, on the original files and all 12,000 training images
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 10_000 // 64


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "mnist_rot"},
            "model": {
                "name": "mnist_final",
                "group": "C16",
                "field_mixture": "5 regular + 2 quotient(C2) + 2 quotient(C4) + 4 trivial",
            },
            "optimizer": {"name": "adam", "learning_rate": 0.015, "weight_decay": 1e-7},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in range(15, 40)),
                "factor": 0.8,
            },
            "training": {"batch_size": 64, "epochs": 40, "monitor": "accuracy"},
        }
    )
