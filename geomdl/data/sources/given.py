"""What a config says of a data set that was given in Python, and that no config describes."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from geomdl.data.types import DataConfig, Dataset, LabelKind
from geomdl.errors import invalid

_LOOKED_AT = 64


@dataclass(frozen=True)
class GivenData(DataConfig):
    """A data set that was given to `geomdl.training.train` as ``dataset``: what it was, not how to make it.

    A config without a section ``data`` has this one, empty until training fills it in.

    Attributes:
      dataset: its name.
      kind: of its labels.
      shape: of its images.
      images: of each split.
      digest: of some images and labels of each split, spread evenly.

    >>> GivenData().load()
    Traceback (most recent call last):
    ValueError: invalid config 'without data'; allowed: a config with the section 'data', e.g.
    data=dict(name='digits'); or, in Python, a data set: train(config, workdir, dataset=…)
    """

    name: ClassVar[str] = "given"  # pyright: ignore[reportIncompatibleVariableOverride]
    dataset: str | None = None
    kind: str = "class"
    shape: tuple[int, ...] = ()
    images: tuple[int, ...] = ()
    digest: str | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> "GivenData":
        """What is written down of a data set."""
        result = hashlib.sha256()
        splits = [dataset.train, dataset.validation, dataset.test]
        for split in splits:
            result.update(f"{split.images.shape}{np.dtype(split.images.dtype).str}".encode())
            if len(split):
                places = np.unique(np.linspace(0, len(split) - 1, _LOOKED_AT).astype(int))
                some = split.gather(places)
                for key in sorted(some):
                    for values in jax.tree.leaves(some[key]):  # boxes are a dict of arrays
                        result.update(np.ascontiguousarray(values).tobytes())
        counts = tuple(len(split) for split in splits)
        return cls(dataset.name, dataset.label_kind, tuple(dataset.image_shape), counts, result.hexdigest()[:16])

    @property
    def label_kind(self) -> LabelKind:
        """That of the data set."""
        return self.kind

    def load(self) -> Dataset:
        """Raises ValueError, which says what data set it was."""
        if self.dataset is None:
            allowed = "a config with the section 'data', e.g. data=dict(name='digits'); or, in Python, a data set"
            raise invalid("config", "without data", f"{allowed}: train(config, workdir, dataset=…)")
        train, validation, test = self.images
        raise ValueError(
            f"the data set {self.dataset!r} ({train} training, {validation} validation and {test} test images of "
            f"{'×'.join(map(str, self.shape))}) was given in Python, and no config says how to make it; give it again: "
            "train(config, workdir, dataset=…), load_trained(workdir, dataset=…); for commands, name what makes it in "
            "the config: data.name='path/file.py:function'"
        )
