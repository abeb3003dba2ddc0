"""Image sizes that a chain of convolutions and halvings accepts, and the sizes after each of them."""

import dataclasses
from collections.abc import Sequence

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid
from geomdl.groups import PLANE, VOLUME, PointGroup, require_kept
from geomdl.layers.core.window import Window

DIVIDING = ("aps", "lps", "alias_free")
"""The downsamplings that need an even size."""


@dataclasses.dataclass(frozen=True)
class Halvings:
    """A chain of convolutions, each but the last followed by a halving.

    Args:
      windows: of the convolutions, in turn; a halving follows each but the last.
      downsampling: the name of the halving.

    >>> chain = Halvings((Window(3, padding="same"),) * 3, "aps")
    >>> chain.divides(8), chain.divides(10)
    (True, False)
    """

    windows: Sequence[Window]
    downsampling: str

    @property
    def times(self) -> int:
        """How often an image is halved."""
        return 0 if self.downsampling == "none" else len(self.windows) - 1

    def divides(self, side: int) -> bool:
        """Whether a side is even at every halving."""
        for i, window in enumerate(self.windows):
            side += 2 * window.isotropic.padding - window.isotropic.extent + 1
            if side < 1 or (i < self.times and side % 2):
                return False
            side //= 2 if i < self.times else 1
        return True

    def require(self, size: Size, least: int) -> None:
        """Raises a ValueError where polyphase or alias-free halvings, which need even sides, would meet an odd one.

        The others halve any side; a network says itself for which sizes that is exact.

        Args:
          size: (height, width), or (depth, height, width).
          least: the smallest side to suggest.
        """
        if self.downsampling in DIVIDING and not all(map(self.divides, size)):
            near = "x".join(str(self._nearest(n, least)) for n in size)
            same = all(w.isotropic.padding * 2 == w.isotropic.extent - 1 for w in self.windows)
            rule = f"a multiple of {2**self.times}" if same else f"even at each of {self.times} halvings"
            what = f"{_image(size)} size for downsampling {self.downsampling!r}"
            raise invalid(what, _by(size), f"sides that are {rule}", near)

    def _nearest(self, side: int, least: int) -> int:
        period = 2**self.times
        return min((n for n in range(least, side + 2 * period) if self.divides(n)), key=lambda n: (abs(n - side), n))


def require_mirror(padding_mode: str, pixels: int, size: Size, images: Size) -> None:
    """Raises a ValueError when reflecting padding is deeper than a feature map."""
    if padding_mode == "reflect" and pixels >= min(size):
        raise invalid(
            "model.padding_mode",
            padding_mode,
            f"another one for {_by(images)} images: their feature maps of {_by(size)} pixels are too small to be"
            f" mirrored {pixels} pixels deep",
            "'replicate' or larger images",
        )


def require_room(kernel_size: int, size: Size, images: Size) -> None:
    """Raises a ValueError when a window without padding is larger than a feature map."""
    if kernel_size > min(size):
        allowed = f"'same' for {_by(images)} images: their feature maps of {_by(size)} pixels are smaller than a window"
        raise invalid("model.padding", "valid", f"{allowed} of {kernel_size}", "'same'")


def require_square(size: Size, group: PointGroup) -> None:
    """Raises a ValueError for images, or volumes, whose sides differ along axes that the group exchanges.

    >>> from geomdl.groups import SpatialGroup
    >>> require_square((6, 4, 4), SpatialGroup("C4z"))
    >>> require_square((6, 4, 4), SpatialGroup("C4x"))
    Traceback (most recent call last):
    ValueError: invalid volume size for group C4x '6x4x4'; allowed: depth = height, as C4x exchanges these axes; ...
    """
    require_kept(VOLUME if len(size) == VOLUME.dimension else PLANE, group, size)


def _image(size: Size) -> str:
    return "volume" if len(size) == VOLUME.dimension else "image"


def _by(size: Size) -> str:
    return "x".join(map(str, size))
