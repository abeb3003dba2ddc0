"""Point clouds of one's own, in an .npz file."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geomdl.data.checks import number
from geomdl.data.sources.space.parts import Arrays, carved, class_names, dataset_of, read_parts
from geomdl.data.types import DataConfig, Dataset
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.paths import local_path

_FILE = (
    "an .npz file with positions [n, points, 3] and labels [n], if wanted features [n, points, features] and masks "
    "[n, points]; or with train_positions, train_labels, val_positions, …"
)


@dataclass(frozen=True)
class PointsConfig(DataConfig):
    """Point clouds with a class each, in an .npz file.

    ``positions`` ``[n, points, 3]`` and ``labels`` ``[n]``; ``features`` ``[n, points, features]``, numbers of each
    point; ``masks`` ``[n, points]``, true where there is a point, of clouds of several sizes that are padded to one; or
    all of them with ``train_``, ``val_`` and ``test_`` before their names. What is missing is carved from the training
    clouds. Examples are packed clouds, see `geomdl.points.pack_clouds`, for ``model.name="point_network"``.

    Attributes:
      path: of the file.
      classes: names of the classes, in the order of their numbers; None: their numbers.
      train_size: training clouds, a nested stratified subset; None: all.
      validation_fraction: of the clouds, where no validation set is given; in (0, 1).
      test_fraction: likewise.
      split_seed: which stratified split.

    Raises:
      ValueError: an option is out of range (at construction); an array is missing or of another shape, coordinates are
        not finite, two points of a cloud are at one place, or a label is no class (when loading).

    >>> PointsConfig(path="molecules.npz", classes=("left", "right")).train_size is None
    True
    """

    name: ClassVar[str] = "points"  # pyright: ignore[reportIncompatibleVariableOverride]
    path: str | None = None
    classes: tuple[str, ...] | None = None
    train_size: int | None = None
    validation_fraction: float = 0.15
    test_fraction: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.train_size is not None:
            whole_number("data.train_size", self.train_size)
        whole_number("data.split_seed", self.split_seed, least=0)
        for key in ("validation_fraction", "test_fraction"):
            number(f"data.{key}", getattr(self, key), below=1.0)
            if not getattr(self, key) > 0:
                raise invalid(f"data.{key}", getattr(self, key), "a number between 0 and 1", 0.15)

    def load(self) -> Dataset:
        """Reads the clouds, and chooses the splits that are not given."""
        if self.path is None or not (place := local_path(self.path, "data.path")).is_file():
            raise invalid("data.path", self.path, _FILE)
        found = read_parts(place, _FILE, "positions", ("features", "masks"))
        parts = {key: (self._packed(arrays, key), arrays["labels"]) for key, arrays in found.items()}
        shapes = {images.shape[1:]: key for key, (images, _) in parts.items()}
        if len(shapes) > 1:
            (one, first), (other, second) = list(shapes.items())[:2]
            allowed = "as many points and features in each split; masks pad clouds to one number of points"
            raise invalid(f"shapes of the {first} and {second} clouds in {self.path}", (one, other), allowed)
        classes = class_names([labels for _, labels in parts.values()], self.classes, None, self.path)
        fractions = {"validation": self.validation_fraction, "test": self.test_fraction}
        splits = carved(parts, fractions, self.train_size, self.split_seed, f"clouds in {self.path}")
        given = "given splits" if len(parts) == 3 else f"stratified splits, seed {self.split_seed}"
        return dataset_of(splits, self.name, classes, f"{place}; {given}")

    def _packed(self, arrays: Arrays, key: str) -> np.ndarray:
        from geomdl.points import pack_clouds, require_cloud  # e3nn-jax takes a second to import

        positions, mask, features = arrays["positions"], arrays.get("masks"), arrays.get("features")
        what = f"{key} positions in {self.path}"
        if positions.ndim != 3 or positions.shape[-1] != 3:
            raise invalid(f"shape of the {what}", positions.shape, "[n, points, 3]")
        if positions.dtype.kind not in "fiu":
            raise invalid(f"dtype of the {what}", str(positions.dtype), "real numbers", "float32")
        if mask is not None:
            if mask.shape != positions.shape[:2]:
                raise invalid(f"shape of the {key} masks in {self.path}", mask.shape, f"{positions.shape[:2]}")
            mask = mask.astype(bool)
        if features is not None and (features.ndim != 3 or features.shape[:2] != positions.shape[:2]):
            allowed = f"{positions.shape[:2]} and the features of each point; [..., None] for a single one"
            raise invalid(f"shape of the {key} features in {self.path}", features.shape, allowed)
        if features is not None and not np.isfinite(features.astype(np.float64)).all():
            raise invalid(f"{key} features in {self.path}", "NaN or infinity", "finite numbers")
        require_cloud(positions.astype(np.float32), mask=mask, what=what)
        return pack_clouds(positions, features=features, mask=mask)
