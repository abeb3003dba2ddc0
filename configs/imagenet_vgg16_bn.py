"""VGG-16 with batch norm on ImageNet (138 million parameters).

Command:   geomdl train --config=configs/imagenet_vgg16_bn.py --workdir=runs/imagenet_vgg16_bn
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared imagenet2012: --data_dir or TFDS_DATA_DIR.
           Published without batch norm: 8.8 % top-5 error of one scale
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 1_281_167 * 9 // 10 // 256


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:imagenet2012", "size": 256, "margin": 16},
            "augmentation": {"crop_area": (0.25, 1.0), "flip": True, "lighting": 0.1},
            "model": {"name": "vgg16_bn"},
            "optimizer": {"name": "momentum", "learning_rate": 0.01, "weight_decay": 5e-4, "weight_decay_on": "all"},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (30, 50, 70)),
                "factor": 0.1,
            },
            "task": {"name": "classification", "top_k": (1, 5)},
            "training": {
                "batch_size": 256,
                "epochs": 74,
                "monitor": "top5_accuracy",
                "eval_batch_size": 128,
                "evaluators": ("metrics", "ten_crop"),
            },
        }
    )
