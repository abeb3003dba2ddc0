"""What a network takes: images, point clouds or volumes. How they are named, read, and made ready."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from geomdl.arrays import as_array
from geomdl.data import Preprocessing
from geomdl.data.sources.space.fitting import VolumeFitting
from geomdl.errors import invalid
from geomdl.inference.cloud_files import cloud_sources
from geomdl.inference.clouds import packed_cloud, separate_clouds
from geomdl.inference.image_sources import Source, image_sources
from geomdl.inference.volume_files import volume_sources
from geomdl.inference.volumes import prepared_volume, separate_volumes


@dataclass(frozen=True)
class Inputs(ABC):
    """What a network was trained on.

    Attributes:
      shape: of one of them, with channels.
      preprocessing: of the run.
      fitting: of volumes of the run.
    """

    what: ClassVar[str]
    unit: ClassVar[str]
    usual_batch: ClassVar[int] = 64
    shape: tuple[int, ...]
    preprocessing: Preprocessing
    fitting: VolumeFitting

    @staticmethod
    def of(shape: tuple[int, ...], preprocessing: Preprocessing, fitting: VolumeFitting) -> "Inputs":
        """Point clouds have two axes, images three, volumes four.

        >>> Inputs.of((8, 8, 8, 1), Preprocessing(), VolumeFitting()).what
        'volume'
        """
        kinds: dict[int, type[Inputs]] = {2: Clouds, 3: Images, 4: Volumes}
        return kinds[len(shape)](shape, preprocessing, fitting)

    def named(self, given: Any, names: Sequence[str] | None) -> tuple[np.ndarray | list[Any], tuple[str, ...]]:
        """All that are given, read where they are paths, and their names.

        Args:
          given: one, a batch, a list, or paths.
          names: None for their numbers or files.

        Raises:
          ValueError: there are none, or names of another number.
        """
        first = given[0] if isinstance(given, list | tuple) and given else given
        if isinstance(first, str | os.PathLike):
            sources = self.sources([given] if isinstance(given, str | os.PathLike) else given)
            names = [source.name for source in sources] if names is None else names
            given = [source.read() for source in sources]
        found = self.separate(given)
        count = len(found)
        if not count:
            raise invalid(f"{self.what}s", "none", f"one {self.what} or more")
        names = tuple(map(str, range(count))) if names is None else tuple(names)
        if len(names) != count:
            raise invalid("names", len(names), f"one for each of {count} {self.what}s")
        return found, names

    @abstractmethod
    def sources(self, given: Sequence[Any]) -> list[Source]:
        """Those in files, folders and patterns."""

    @abstractmethod
    def separate(self, given: Any) -> np.ndarray | list[Any]:
        """A batch that can be taken as it is, or one by one."""

    @abstractmethod
    def prepared(self, given: Any, name: str, *, alone: bool = False) -> np.ndarray:
        """One, or a batch, as the network takes it, float32."""

    def restored(self, y: Any, given: Any) -> Any:
        """The output for one of them, brought to its frame; here as it is."""
        return y

    def refused(self, shape: tuple[int, ...]) -> tuple[str, str]:
        """The size of one that the network does not take, and what would help, in words."""
        found, trained = ("×".join(map(str, size[:-1])) for size in (shape, self.shape))
        return f"{found} {self.unit}", f"trained on {trained}"

    def require_images(self, option: str, value: Any) -> None:
        """Raises a ValueError for an option that images alone have."""
        raise invalid(option, value, f"none for a network of {self._many}, as it is for images")

    @property
    def _many(self) -> str:
        return f"{self.what}s"


class Images(Inputs):
    """Images ``[height, width, channels]``."""

    what = "image"
    unit = "pixels"

    def sources(self, given: Sequence[Any]) -> list[Source]:
        """See `geomdl.inference.image_sources.image_sources`."""
        return image_sources(given)

    def separate(self, given: Any) -> np.ndarray | list[Any]:
        """A batch ``[batch, height, width, ...]``, or images one by one."""
        if isinstance(given, list | tuple) and given and _is_image(given[0]):
            return list(given)
        if is_of_pillow(given):
            return [given]
        array = np.asarray(as_array(given, "images"))
        grey = array.ndim == 3 and array.shape[-1] > 4 and array.shape[0] not in (1, 3, 4)
        if array.ndim == 4 or grey:
            return array if array.ndim == 4 else array[..., None]
        return [array]

    def prepared(self, given: Any, name: str, *, alone: bool = False) -> np.ndarray:
        """By the preprocessing."""
        try:
            prepared = self.preprocessing.one(given) if alone else self.preprocessing(given)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        if not np.isfinite(prepared).all():
            raise invalid(f"image {name}", "NaN or infinite", "finite numbers")
        return prepared

    def refused(self, shape: tuple[int, ...]) -> tuple[str, str]:
        """Images can be resized."""
        found, trained = super().refused(shape)
        return found, f"{trained}; fit='cover' resizes"

    def require_images(self, option: str, value: Any) -> None:
        """These are images."""


class Clouds(Inputs):
    """Point clouds, packed ones as `geomdl.points.pack_clouds` makes them."""

    what = "cloud"
    unit = "points"

    def sources(self, given: Sequence[Any]) -> list[Source]:
        """See `geomdl.inference.cloud_files.cloud_sources`."""
        return cloud_sources(given, self.shape[-1] - 4)

    def separate(self, given: Any) -> np.ndarray | list[Any]:
        """One by one."""
        return separate_clouds(given)

    def prepared(self, given: Any, name: str, *, alone: bool = False) -> np.ndarray:
        """Packed."""
        return packed_cloud(given, self.shape, name)

    def refused(self, shape: tuple[int, ...]) -> tuple[str, str]:
        """Clouds have a number of points."""
        return f"{shape[0]} points", f"trained on clouds of {self.shape[0]} points"

    @property
    def _many(self) -> str:
        return "point clouds"


class Volumes(Inputs):
    """Volumes ``[depth, height, width, channels]``."""

    what = "volume"
    unit = "voxels"
    usual_batch = 4

    def sources(self, given: Sequence[Any]) -> list[Source]:
        """See `geomdl.inference.volume_files.volume_sources`."""
        return volume_sources(given, self.shape[-1])

    def separate(self, given: Any) -> np.ndarray | list[Any]:
        """One by one."""
        return separate_volumes(given, self.shape[-1])

    def prepared(self, given: Any, name: str, *, alone: bool = False) -> np.ndarray:
        """By window and size of the run, then by the preprocessing."""
        return self.preprocessing.normalized(prepared_volume(given, self.shape[-1], self.fitting, name))

    def restored(self, y: Any, given: Any) -> Any:
        """Maps of the cube to which the volume was cut, in the frame of the volume."""
        size = self.fitting.size
        if size is None or np.shape(y)[:-1] != (size,) * 3:
            return y
        return self.fitting.restored(y, np.shape(given)[:3])

    def refused(self, shape: tuple[int, ...]) -> tuple[str, str]:
        """Runs with a size cut and pad."""
        found, trained = super().refused(shape)
        return found, f"{trained}; a run with data.size cuts and pads volumes to it"


def is_of_pillow(value: Any) -> bool:
    """Whether something is an image of Pillow, without importing it."""
    return hasattr(value, "getbands")


def _is_image(value: Any) -> bool:
    return is_of_pillow(value) or len(getattr(value, "shape", ())) > 1
