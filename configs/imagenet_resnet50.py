"""ResNet-50 on ImageNet, by the recipe of the paper (25.6 million parameters).

Command:   geomdl train --config=configs/imagenet_resnet50.py --workdir=runs/imagenet_resnet50
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared imagenet2012: --data_dir or TFDS_DATA_DIR.
           Published: 20.74 % top-1 and 5.25 % top-5 error of one model, with ten crops
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 1_281_167 * 9 // 10 // 256


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:imagenet2012", "size": 257, "margin": 16},
            "augmentation": {"crop_area": (0.08, 1.0), "flip": True, "lighting": 0.1},
            "model": {"name": "resnet50"},
            "optimizer": {"name": "momentum", "learning_rate": 0.1, "weight_decay": 1e-4, "weight_decay_on": "all"},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (30, 60, 80)),
                "factor": 0.1,
            },
            "task": {"name": "classification", "top_k": (1, 5)},
            "training": {
                "batch_size": 256,
                "epochs": 90,
                "monitor": "top5_accuracy",
                "eval_batch_size": 128,
                "evaluators": ("metrics", "ten_crop"),
            },
        }
    )
