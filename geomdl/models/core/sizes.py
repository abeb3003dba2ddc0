"""Image sizes that a chain of convolutions and halvings accepts, and the sizes after each of them."""

import dataclasses
from collections.abc import Sequence

from geomdl.errors import invalid
from geomdl.groups import PlanarGroup
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

    def require(self, size: tuple[int, int], group: PlanarGroup, least: int) -> None:
        """Raises a ValueError where an image cannot be halved as it must.

        Polyphase and alias-free halvings need even sides. The others keep the symmetries of a group only where both
        sides are even, or both odd, at every halving; n → ⌈n/2⌉ maps n − 1 to ⌊(n − 1)/2⌋, so the parities agree k
        times when the sides agree modulo 2^k. (A stride may be built for any size: it says itself when it is exact.)

        Args:
          size: (height, width).
          group: of the network.
          least: the smallest side to suggest.
        """
        height, width = size
        if self.downsampling in DIVIDING and not all(map(self.divides, size)):
            near = "x".join(str(self._nearest(n, least)) for n in size)
            same = all(w.isotropic.padding * 2 == w.isotropic.extent - 1 for w in self.windows)
            rule = f"a multiple of {2**self.times}" if same else f"even at each of {self.times} halvings"
            what = f"image size for downsampling {self.downsampling!r}"
            raise invalid(what, _by(size), f"sides that are {rule}", near)
        if group.order == 1 or self.downsampling in ("none", "stride", *DIVIDING):
            return
        period = 2**self.times
        excess = (width - height) % period
        if excess:
            shorter, longer = width - excess, width + period - excess
            nearest = shorter if excess <= period // 2 and shorter >= least else longer
            allowed = f"sides that differ by a multiple of {period}, to be halved {self.times} times exactly"
            raise invalid(f"image size for group {group}", _by(size), allowed, f"{height}x{nearest}")

    def _nearest(self, side: int, least: int) -> int:
        period = 2**self.times
        return min((n for n in range(least, side + 2 * period) if self.divides(n)), key=lambda n: (abs(n - side), n))


def require_mirror(padding_mode: str, pixels: int, size: tuple[int, int], images: tuple[int, int]) -> None:
    """Raises a ValueError when reflecting padding is deeper than a feature map."""
    if padding_mode == "reflect" and pixels >= min(size):
        raise invalid(
            "model.padding_mode",
            padding_mode,
            f"another one for {_by(images)} images: their feature maps of {_by(size)} pixels are too small to be"
            f" mirrored {pixels} pixels deep",
            "'replicate' or larger images",
        )


def require_room(kernel_size: int, size: tuple[int, int], images: tuple[int, int]) -> None:
    """Raises a ValueError when a window without padding is larger than a feature map."""
    if kernel_size > min(size):
        allowed = f"'same' for {_by(images)} images: their feature maps of {_by(size)} pixels are smaller than a window"
        raise invalid("model.padding", "valid", f"{allowed} of {kernel_size}", "'same'")


def require_square(size: tuple[int, int], group: PlanarGroup) -> None:
    """Raises a ValueError for oblong images and a group with quarter turns."""
    if size[0] != size[1] and group.swaps_axes:
        raise invalid(f"image size for group {group}", _by(size), "square images", f"{min(size)}x{min(size)}")


def _by(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))
