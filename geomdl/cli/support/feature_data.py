"""Features of what is named on a command line: images as they come, or a split of the run's own data."""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.cli.support.chunks import chunks
from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_dir, add_data_path, use_data_dir
from geomdl.cli.support.parser import whole
from geomdl.cli.support.path_option import PathOption

Named = Any
"""Images, ``list[geomdl.inference.image_sources.Source]``; or the name of a split."""

SPLITS = ("train", "validation", "test")


def add_feature_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of verbs that compute features."""
    parser.add_argument("--workdir", required=True, action=PathOption, help="of the run, or pretrained:NAME")
    parser.add_argument("--checkpoint", default="best", help="best (the default), latest, or a step")
    parser.add_argument("--layer", help="as geomdl summary prints it; the penultimate where it is left out")
    parser.add_argument("--pool", action="store_true", help="the mean over the pixels of maps")
    parser.add_argument("--batch-size", type=whole(1, 10**9), default=64, help="images at once (64)")
    parser.add_argument("--skip-broken", action="store_true", help="leaves out files that cannot be read; says which")
    add_data_dir(parser)
    add_data_path(parser)
    add_compilation_cache(parser)


class FeatureMaker:
    """The features of a run, by the options of `add_feature_options`.

    Args:
      arguments: of the command.

    Raises:
      ValueError: there is no such run or layer.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        from geomdl.errors import invalid
        from geomdl.inference import Predictor
        from geomdl.inference.exported import is_exported
        from geomdl.training import load_trained

        use_data_dir(arguments)
        if is_exported(Path(arguments.workdir)):
            allowed = "a work directory of geomdl train; an exported program has no layers to look into"
            raise invalid("--workdir", arguments.workdir, allowed)
        self.arguments = arguments
        self.trained = load_trained(
            arguments.workdir, arguments.checkpoint, data_path=arguments.data_path, data_dir=arguments.data_dir
        )
        self.predictor = Predictor.of(self.trained)
        self.layer = self.predictor.feature_layer(arguments.layer)

    def about(self) -> dict[str, Any]:
        """What is written beside the features."""
        from geomdl.version import __version__

        kind = self.layer.field_type
        pooled = self.arguments.pool and len(self.layer.shape) > 1
        layer = dataclasses.replace(self.layer, shape=self.layer.shape[-1:]) if pooled else self.layer
        return {
            "geomdl": __version__,
            "workdir": str(self.arguments.workdir),
            "step": self.trained.step,
            "layer": str(self.layer) + (", mean over the pixels" if pooled else ""),
            "shape": list(layer.shape),
            "field_type": None if kind is None else str(kind),
            "moves": layer.moves,
            "classes": list(self.trained.classes),
        }

    def make(self, data: Named) -> tuple[Any, list[str]]:
        """The features of data, and what was left out, in words.

        Args:
          data: see `named_data`.

        Raises:
          ValueError: it cannot be read, or does not fit the network.
        """
        from geomdl.errors import invalid
        from geomdl.inference import Features
        from geomdl.inference.image_sources import read_in_order

        if isinstance(data, str):
            values, labels = self._of_split(data)
            names = tuple(f"{data}[{i}]" for i in range(len(values)))
            return Features(values, names, labels, {**self.about(), "data": f"{data} of {self._data()}"}), []
        found, names, left_out = [], [], []
        for chunk in chunks(read_in_order(data, skip=self.arguments.skip_broken), self.arguments.batch_size):
            left_out += [str(error) for _, _, error in chunk if error is not None]
            there = [(name, image) for name, image, error in chunk if error is None]
            if there:
                these = [name for name, _ in there]
                found.append(self._features([image for _, image in there], these))
                names += these
        if not found and not left_out:
            raise invalid("DATA", "0 images", "at least one image")
        if not found:
            return Features(np.zeros((0, *self.layer.shape), np.float32), (), None, self.about()), left_out
        labels = _labels_of_folders(names, self.trained.classes)
        return Features(np.concatenate(found), tuple(names), labels, self.about()), left_out

    def images(self, data: Named, places: Sequence[int], names: Sequence[str]) -> list[np.ndarray]:
        """Some of the images of `make`, to be looked at: ``[height, width, 3]`` in [0, 1].

        Args:
          data: as it was given.
          places: of the images.
          names: of all of them.
        """
        if isinstance(data, str):
            images = getattr(self.trained.dataset, data).images
            return [_picture(np.asarray(images[i])) for i in places]
        sources = {source.name: source for source in data}
        return [_picture(np.asarray(self.predictor.preprocessing.pixels(sources[names[i]].read()))) for i in places]

    def _of_split(self, split: str) -> tuple[np.ndarray, np.ndarray | None]:
        from geomdl.data import Preprocessing
        from geomdl.data.sources.space.fitting import VolumeFitting

        there = getattr(self.trained.dataset, split)
        plain = {"preprocessing": Preprocessing(), "fitting": VolumeFitting()}  # they are prepared
        predictor = dataclasses.replace(self.predictor, **plain)
        size, step = len(there), max(1, 1024 // self.arguments.batch_size) * self.arguments.batch_size
        parts = [
            predictor.features(
                np.asarray(there.images[start : start + step]),
                self.arguments.layer,
                batch_size=self.arguments.batch_size,
                pool=self.arguments.pool,
                names=[f"{split}[{i}]" for i in range(start, min(start + step, size))],
            )
            for start in range(0, size, step)
        ]
        labels = np.asarray(there.labels[:])
        return np.concatenate(parts), labels if labels.ndim == 1 else None

    def _features(self, images: list[Any], names: list[str]) -> np.ndarray:
        options = {"batch_size": self.arguments.batch_size, "pool": self.arguments.pool, "names": names}
        return self.predictor.features(images, self.arguments.layer, **options)

    def _data(self) -> str:
        return self.trained.dataset.name


def named_data(data: Sequence[str], sources: Callable[[Sequence[str]], list[Any]] | None = None) -> Named:
    """What is named on a command line: the images, or a split, named alone where no file has this name, or as
    ``split:test``.

    Args:
      data: as it was given.
      sources: gives what is in files and folders; None: images.

    Raises:
      ValueError: nothing is there.

    >>> named_data(["split:test"])
    'test'
    """
    from geomdl.errors import unknown
    from geomdl.inference.image_sources import image_sources

    name = data[0] if len(data) == 1 else ""
    if name.startswith("split:"):
        if name.removeprefix("split:") not in SPLITS:
            raise unknown("split", name.removeprefix("split:"), SPLITS)
        return name.removeprefix("split:")
    return name if name in SPLITS and not Path(name).exists() else (sources or image_sources)(data)


def _labels_of_folders(names: Sequence[str], classes: Sequence[str]) -> np.ndarray | None:
    """The classes of image files that lie in folders with the names of classes."""
    folders = [Path(name).parent.name for name in names]
    if not folders or not set(folders) <= set(classes):
        return None
    places = {name: i for i, name in enumerate(classes)}
    return np.array([places[folder] for folder in folders], np.int32)


def _picture(pixels: np.ndarray) -> np.ndarray:
    """An image of any kind as RGB in [0, 1]."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.dtype.kind == "u":
        pixels = pixels / np.iinfo(pixels.dtype).max
    pixels = pixels.astype(np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > 1:
        pixels = (pixels - low) / max(high - low, 1e-6)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels[..., :1], 3, -1)
