"""What is done to volumes of files before a network takes them: a window of values, and a cube of one size."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from geomdl.data.class_indices import IGNORED
from geomdl.errors import invalid


@dataclass(frozen=True)
class VolumeFitting:
    """The window and the size of `geomdl.data.VolumesConfig`, as what they do to a volume and to its label map.

    Attributes:
      size: voxels a side of the cube; None: as it is.
      window: (low, high), the values that become 0 and 1; None: none.

    >>> fitting = VolumeFitting(size=2, window=(0.0, 10.0))
    >>> fitting(np.full((3, 3, 3, 1), 5), "scan.nii")[..., 0].tolist()
    [[[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]]
    >>> fitting.restored(np.ones((2, 2, 2), int), (3, 3, 3))[0].tolist()  # the first slice was not cut away
    [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    """

    size: int | None = None
    window: tuple[float, float] | None = None

    def __call__(self, volume: np.ndarray, where: str) -> Shaped[np.ndarray, "*batch depth height width channels"]:
        """The volume, cut and padded, as uint8, uint16 or floating point numbers.

        Args:
          volume: ``[depth, height, width, channels]``, or where ``size`` is None a batch of them.
          where: it is from, for errors.

        Raises:
          ValueError: for whole numbers of another type without a window.
        """
        volume = volume if self.size is None else cubed(volume, self.size)
        if self.window is not None:
            low, high = self.window
            return np.clip((volume.astype(np.float32) - low) / (high - low), 0, 1)
        if volume.dtype.kind in "iu" and volume.dtype not in (np.uint8, np.uint16):
            allowed = "uint8, uint16 or floating point; or data.window=(low, high), the values that become 0 and 1"
            raise invalid(f"dtype of {where}", str(volume.dtype), allowed,
                          f"data.window={(float(volume.min()), float(volume.max()))}")  # fmt: skip
        return volume.astype(np.float32) if volume.dtype == np.float64 else volume

    def label_map(self, labels: Int[np.ndarray, "depth height width"]) -> Int[np.ndarray, "slices rows columns"]:
        """The label map of a volume, cut and padded likewise, with −1 for what lies outside."""
        return labels if self.size is None else cubed(labels[..., None], self.size, IGNORED)[..., 0]

    def restored(
        self, labels: Shaped[np.ndarray, "depth height width *channels"], size: tuple[int, ...]
    ) -> Shaped[np.ndarray, "slices rows columns *channels"]:
        """A map of the cube in the frame of the volume that was cut and padded: 0 outside of the cube.

        Args:
          labels: of the cube, or scores of classes.
          size: (depth, height, width) of the volume.
        """
        if self.size is None:
            return labels
        result = np.zeros((*size, *labels.shape[3:]), labels.dtype)
        of, to = _overlap(size, self.size)
        result[of] = labels[to]
        return result


def cubed(volume: np.ndarray, size: int, fill: int = 0) -> np.ndarray:
    """A volume ``[depth, height, width, channels]`` cut and padded to a cube about its middle.

    >>> cubed(np.arange(5.0).reshape(5, 1, 1, 1), 3)[:, 1, 1, 0].tolist()
    [1.0, 2.0, 3.0]
    """
    result = np.full((size, size, size, volume.shape[-1]), fill, volume.dtype)
    of, to = _overlap(volume.shape[:3], size)
    result[to] = volume[of]
    return result


def _overlap(shape: tuple[int, ...], size: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where what a volume and its cube have in common lies: in the volume, and in the cube."""
    of, to = [], []
    for extent in shape:
        kept, here = min(extent, size), max(extent - size, 0) // 2
        there = (size - kept) // 2
        of.append(slice(here, here + kept))
        to.append(slice(there, there + kept))
    return tuple(of), tuple(to)
