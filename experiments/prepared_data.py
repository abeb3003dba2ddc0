"""What studies on prepared data sets share: the folder that a user names, and the classes that a network gives."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.data import unit_interval
from geomdl.errors import invalid


def data_folder(builder: str) -> str:
    """The folder of TensorFlow Datasets that ``GEOMDL_DATA`` names.

    Args:
      builder: what has to be prepared there, ``"eurosat"``, say.

    Raises:
      ValueError: there is none, or not that data set in it.
    """
    folder = os.environ.get("GEOMDL_DATA")
    if folder is None or not (Path(folder) / builder).is_dir():
        allowed = f"a folder of TensorFlow Datasets with {builder} prepared"
        raise invalid("GEOMDL_DATA in the environment", folder, allowed)
    return folder


def predicted_classes(predict: Callable[[Any], Any], images: np.ndarray) -> np.ndarray:
    """The class with the largest score of every image ``[n, height, width, channels]``, 250 of them at a time."""
    parts = [predict(unit_interval(images[i : i + 250])) for i in range(0, len(images), 250)]
    return np.concatenate([np.asarray(part).argmax(-1) for part in parts])
