"""The U-Nets of equal parameters that the segmentation studies train and measure."""

from typing import Any

from geomdl.training import RunConfig

NETWORKS: dict[str, dict[str, Any]] = {
    "U-Net": {"name": "unet"},
    "C4 U-Net": {"name": "group_unet", "group": "C4"},
    "D4 U-Net": {"name": "group_unet", "group": "D4"},
    "C8 U-Net": {"name": "group_unet", "group": "C8"},
}
"""The model section of the config, without the width. All have ELUs: narrow ones lose whole fields to dead ReLUs."""


def run_config(
    data: dict[str, Any],
    network: str,
    seed: int,
    *,
    loss: str,
    parameters: int,
    depth: int,
    steps: int,
    eval_every: int,
    batch_size: int = 8,
    learning_rate: float = 5e-3,
    rotations: bool = False,
) -> RunConfig:
    """The config of a run: Adam, cosine schedule with a tenth of warm-up, best checkpoint by validation IoU.

    Args:
      data: the section of that name.
      network: among `NETWORKS`.
      seed: of the run.
      loss: of the task.
      parameters: to match.
      depth: how often the images are halved.
      steps: of the optimiser.
      eval_every: steps between validations.
      batch_size: images per step.
      learning_rate: the greatest.
      rotations: whether images and label maps are turned by random angles, with cubic splines.

    >>> config = run_config({"name": "shapes"}, "C4 U-Net", 0, loss="softmax", parameters=9000, depth=1, steps=9,
    ...                     eval_every=3)
    >>> config.model.group, config.training.monitor
    ('C4', 'iou')
    """
    return RunConfig.from_config_dict(
        {
            "seed": seed,
            "data": data,
            "model": {**NETWORKS[network], "match_parameters": parameters, "depth": depth, "activation": "elu"},
            "task": {"loss": loss},
            "augmentation": {"rotation": 180.0} if rotations else {},
            "optimizer": {"name": "adam", "learning_rate": learning_rate},
            "schedule": {"name": "cosine", "warmup_steps": steps // 10},
            "training": {
                "batch_size": batch_size,
                "steps": steps,
                "eval_every": eval_every,
                "eval_batch_size": 50,
                "log_every": eval_every,
                "monitor": "iou",
            },
        }
    )
