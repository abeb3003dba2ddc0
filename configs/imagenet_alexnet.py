"""AlexNet of one column on ImageNet, by the recipe of the paper (62 million parameters).

Command:   geomdl train --config=configs/imagenet_alexnet.py --workdir=runs/imagenet_alexnet
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared imagenet2012: --data_dir or TFDS_DATA_DIR.
           Published: 18.2 % top-5 error of one network, with ten crops; the lectures say 18.1 %
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 1_281_167 * 9 // 10 // 128


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:imagenet2012", "size": 259, "margin": 16},
            "augmentation": {"flip": True, "lighting": 0.1},
            "model": {"name": "alexnet"},
            "optimizer": {"name": "momentum", "learning_rate": 0.01, "weight_decay": 5e-4, "weight_decay_on": "all"},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (30, 60, 80)),
                "factor": 0.1,
            },
            "task": {"name": "classification", "top_k": (1, 5)},
            "training": {
                "batch_size": 128,
                "epochs": 90,
                "monitor": "top5_accuracy",
                "eval_batch_size": 128,
                "evaluators": ("metrics", "ten_crop"),
            },
        }
    )
