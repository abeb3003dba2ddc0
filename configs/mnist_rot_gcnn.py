"""A C4 group-convolutional network on rotated MNIST (10,000 training, 2,000 validation, 50,000 test images).

Command:   geomdl train --config=configs/mnist_rot_gcnn.py --workdir=runs/mnist_rot_gcnn
Hardware:  one GPU
Expected:  not run yet; needs a prepared MNIST: --data_dir or TFDS_DATA_DIR
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "mnist_rot"},
            "augmentation": {"rotation": 180.0},
            "model": {"name": "gcnn", "group": "C4", "match_parameters": 25000},
            "task": {"label_smoothing": 0.1},
            "optimizer": {"name": "adamw", "learning_rate": 0.003, "weight_decay": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": 200},
            "training": {"batch_size": 128, "epochs": 60, "monitor": "accuracy"},
        }
    )
