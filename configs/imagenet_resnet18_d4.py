"""The D4 twin of ResNet-18 on ImageNet, with about as many parameters: invariant to quarter turns and mirror images.

Command:   geomdl train --config=configs/imagenet_resnet18_d4.py --workdir=runs/imagenet_resnet18_d4
Hardware:  one GPU of 80 GB (an estimate)
Expected:  not run yet; needs a prepared imagenet2012: --data_dir or TFDS_DATA_DIR.
           Published by others for such a network (equivision, d4r18): 73.7 % top-1 accuracy
"""

from ml_collections import ConfigDict

STEPS_PER_EPOCH = 1_281_167 * 9 // 10 // 256


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tfds:imagenet2012", "size": 257, "margin": 16},
            "augmentation": {"crop_area": (0.08, 1.0), "lighting": 0.1},
            "model": {"name": "resnet18", "group": "D4", "equal": "parameters"},
            "optimizer": {"name": "momentum", "learning_rate": 0.1, "weight_decay": 1e-4},
            "schedule": {
                "name": "step",
                "boundaries": tuple(STEPS_PER_EPOCH * epoch for epoch in (30, 60, 80)),
                "factor": 0.1,
            },
            "task": {"name": "classification", "top_k": (1, 5)},
            "training": {"batch_size": 256, "epochs": 90, "monitor": "top5_accuracy", "eval_batch_size": 128},
        }
    )
