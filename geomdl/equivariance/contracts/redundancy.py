"""Where polyphase components tie: on a grid that is finer than what lies on it."""

import dataclasses
import math
from fractions import Fraction
from typing import Any

from geomdl.groups import PerAxis, elementwise

Number = int | Fraction | PerAxis


@dataclasses.dataclass(frozen=True)
class Redundancy:
    """How much finer the grid of an image is than one that would hold it, as behind upsampling.

    Polyphase sampling takes the component x[i::S, j::S] of the largest norm. Where x has been enlarged, components can
    have one norm whatever the image: copies of its pixels (``"nearest"``), trigonometric polynomials at other places of
    equal distance, fine enough for all frequencies (ideal interpolation: Parseval), or mixtures of its pixels with
    weights that are mirror images (``"bilinear"``, transposed convolutions). Then rounding chooses.

    Args:
      factor: how much finer, a number or `PerAxis`; 1 for an image that fills its grid, infinite where unknown.
      ties_from: the smallest S for which components can tie.

    >>> twice = Redundancy(2)
    >>> twice.ties(2), twice.ties(3), twice.ties(4), twice.sampled(2).ties(2)
    (True, False, True, False)
    """

    factor: Any = 1
    ties_from: int = 2

    @classmethod
    def of_stride(cls, stride: Number) -> "Redundancy":
        """That of images that fill their grid, after a module of a stride: none, unless it is a fraction below 1."""
        if isinstance(stride, int) and stride >= 1:
            return NO_REDUNDANCY
        return cls(elementwise(lambda s: max(Fraction(1), 1 / Fraction(s)), stride))

    @property
    def is_none(self) -> bool:
        """Whether the image fills its grid."""
        return self.factor == 1

    def sampled(self, stride: Number) -> "Redundancy":
        """What is left on a grid that is coarser by a stride, or finer by a fraction."""
        if self.is_none:
            return self
        factor = elementwise(_coarser, self.factor, stride)
        return dataclasses.replace(self, factor=factor)

    def joined(self, other: "Redundancy") -> "Redundancy":
        """Both of them: of an image that is redundant for one reason or the other."""
        if self.is_none or other.is_none:
            return self if other.is_none else other
        return Redundancy(elementwise(max, self.factor, other.factor), min(self.ties_from, other.ties_from))

    def shared(self, other: "Redundancy") -> "Redundancy":
        """What is left where one image is put beside another, or added: components tie if they do in both."""
        return Redundancy(elementwise(min, self.factor, other.factor), max(self.ties_from, other.ties_from))

    def ties(self, stride: int) -> bool:
        """Whether polyphase components for a stride can have equal norms, whatever the image, along some axis."""
        factors = self.factor.values if isinstance(self.factor, PerAxis) else (self.factor,)
        return stride >= self.ties_from and any(
            f > 1 and (f >= stride or (f == int(f) and math.gcd(int(f), stride) > 1)) for f in factors
        )


def _coarser(factor: Any, stride: int | Fraction) -> Any:
    return factor if factor == math.inf else max(Fraction(1), Fraction(factor) / Fraction(stride))


NO_REDUNDANCY = Redundancy()
"""Of an image that fills its grid."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """A choice among polyphase components, which ties leave to rounding.

    Args:
      stride: S, of the components.
      before: how many pixels of the module's input make up one of the image whose components they are.
    """

    stride: int
    before: Number = 1

    def behind(self, stride: Number) -> "Choice":
        """The same choice, seen from in front of a module of a stride."""
        return Choice(self.stride, self.before * stride)

    def is_arbitrary(self, redundancy: Redundancy) -> bool:
        """Whether components tie where the input is redundant."""
        return redundancy.sampled(self.before).ties(self.stride)
