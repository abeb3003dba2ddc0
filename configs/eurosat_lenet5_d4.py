"""The D4 twin of LeNet-5 on satellite images, with as many parameters: they have no upright.

Command:   geomdl train --config=configs/eurosat_lenet5_d4.py --workdir=runs/eurosat_lenet5_d4
Hardware:  2 CPU cores, about a minute
Expected:  58.4 % of 2,400 test images, exactly the same of each of their eight symmetries (one seed);
           needs eurosat/rgb prepared: --data_dir or TFDS_DATA_DIR
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:eurosat/rgb", "size": 32, "train_size": 2000, "test_fraction": 0.4},
            "model": {"name": "lenet5_modern", "group": "D4", "match_parameters": 245_000},
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 40},
            "training": {"batch_size": 32, "steps": 400, "eval_every": 200},
        }
    )
