"""A network of point clouds learns eight pieces of Tetris in one position, and knows them in every position.

Command:   geomdl train --config=configs/tetris_points.py --workdir=runs/tetris
Hardware:  2 CPU cores
Expected:  100% of 200 turned and shifted test pieces, the two screws, mirror images of each other, among them
           (experiments/results/benchmarks/tetris_command.csv)
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    return ConfigDict(
        {
            "data": {"name": "tetris"},
            "model": {
                "name": "point_network",
                "radius": 1.8,
                "neighbours": 3,
                "within": True,
                "degree": 1,
                "hidden": "16x0e + 8x0o + 8x1o + 8x1e",
            },
            "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 8, "steps": 200, "eval_every": 200},
        }
    )
