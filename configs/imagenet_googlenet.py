"""GoogLeNet with batch norm and both auxiliary heads on ImageNet (13 million parameters).

Command:   geomdl train --config=configs/imagenet_googlenet.py --workdir=runs/imagenet_googlenet
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared imagenet2012: --data_dir or TFDS_DATA_DIR.
           Published without batch norm: 10.07 % top-5 error of one network and one crop
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 1_281_167 * 9 // 10 // 256


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:imagenet2012", "size": 253, "margin": 16},
            "augmentation": {
                "crop_area": (0.08, 1.0),
                "flip": True,
                "brightness": 0.3,
                "contrast": 0.3,
                "saturation": 0.3,
            },
            "model": {"name": "googlenet", "variant": "batch"},
            "optimizer": {"name": "momentum", "learning_rate": 0.01, "weight_decay": 2e-4, "weight_decay_on": "all"},
            "schedule": {
                "name": "exponential",
                "decay_rate": 0.96,
                "decay_steps": 8 * STEPS_PER_EPOCH,
                "staircase": True,
            },
            "task": {"name": "classification", "top_k": (1, 5), "auxiliary_weight": 0.3},
            "training": {"batch_size": 256, "epochs": 250, "monitor": "top5_accuracy", "eval_batch_size": 128},
        }
    )
