"""E(2)-WRN-16-8, restricted from D8 to D4 to D1, on the labelled images of STL-10.

Command:   geomdl train --config=configs/stl10_e2_wrn_16_8.py --workdir=runs/stl10_e2_wrn_16_8
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared stl10: --data_dir or TFDS_DATA_DIR.
           Published: 9.80 % test error, with batches of 128
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 4_500 // 32


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:stl10"},
            "augmentation": {"shift": 12, "flip": True, "cutout": 60},
            "model": {"name": "e2_wrn", "depth": 16, "width": 8, "initial_stride": 2, "init": "delta_orthogonal"},
            "optimizer": {"name": "momentum", "learning_rate": 0.1, "nesterov": True, "weight_decay": 5e-4},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (300, 400, 600, 800)),
                "factor": 0.2,
            },
            "training": {"batch_size": 32, "epochs": 1000, "monitor": "accuracy", "eval_batch_size": 128},
        }
    )
