"""The C8 example network of the steerable-CNN libraries, on rotated MNIST enlarged to 29 pixels.

Command:   geomdl train --config=configs/mnist_rot_example_c8.py --workdir=runs/mnist_rot_example_c8
Hardware:  one GPU
Expected:  not run yet; needs a prepared MNIST: --data_dir or TFDS_DATA_DIR
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "mnist_rot"},
            "model": {"name": "steerable_example", "group": "C8", "input_size": 29},
            "optimizer": {"name": "adam", "learning_rate": 5e-5, "weight_decay": 1e-5},
            "training": {"batch_size": 64, "epochs": 31, "monitor": "accuracy"},
        }
    )
