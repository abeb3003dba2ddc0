"""What studies share about data: the folder that a user names, parts and changes of data sets, the classes given."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.data import Dataset, Split, unit_interval
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


def nested_subset(labels: np.ndarray, count: int, seed: int | None = None) -> np.ndarray:
    """Indices of so many images, as many of each class as can be; a larger number goes on from a smaller one.

    Args:
      labels: ``[n]``.
      count: at most n.
      seed: of the order within each class; None: the order in which they come.

    >>> sorted(nested_subset(np.array([0, 0, 0, 1, 1, 1]), 2, seed=0).tolist())[1] >= 3
    True
    >>> nested_subset(np.array([0, 0, 0, 1, 1, 1]), 3).tolist()
    [0, 3, 1]
    """
    order = np.arange(len(labels)) if seed is None else np.random.default_rng([seed, 2]).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)  # the how-manieth of its class each one is
    for cls in np.unique(labels):
        mine = order[labels[order] == cls]
        turn[mine] = np.arange(len(mine))
    return order[np.argsort(turn[order], kind="stable")][:count]


def with_images(dataset: Dataset, change: Callable[[np.ndarray], np.ndarray], words: str) -> Dataset:
    """A data set whose images, of all splits, are changed; the labels stay.

    Args:
      dataset: of classes.
      change: images ``[n, height, width, channels]`` to images.
      words: what is added to its provenance.
    """

    def changed(split: Split) -> Split:
        return Split(change(np.asarray(split.images)), split.labels)

    train = changed(dataset.train)
    height, width, channels = train.images.shape[1:]
    return dataclasses.replace(
        dataset,
        train=train,
        validation=changed(dataset.validation),
        test=changed(dataset.test),
        image_shape=(height, width, channels),
        provenance=f"{dataset.provenance}; {words}",
    )
