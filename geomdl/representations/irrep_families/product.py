"""The real irreps of direct products of two groups of the plane or of space."""

import dataclasses
import math

import numpy as np

from geomdl.groups import DirectProduct, Element, point_factors
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.irrep_families.planar import rotations


@dataclasses.dataclass(frozen=True)
class ProductIrreps(IrrepFamily):
    """Those of a direct product: labels (j, k, j', k', sign).

      ψ_{j,k,j',k',0} = ψ_{j,k} ⊗ ψ_{j',k'}, unless both factors are of complex type. Their product
      R(kθ) ⊗ R(k'θ') then splits into the rotations by the sum and the difference of angles:

      ψ_{0,k,0,k',±1}(θ, θ') = R(kθ ± k'θ').

    (The endomorphisms of the product are ℂ ⊗ ℂ = ℂ ⊕ ℂ over ℝ, where ℝ ⊗ ℂ = ℂ stays one.) An irrep of complex type of
    a group of space has two dimensions and turns them by some angle too, which stands for kθ.

    Args:
      group: the product.
    """

    group: DirectProduct
    trivial = (0,) * 5

    @property
    def forms(self) -> tuple[str, ...]:
        """As outer products."""
        return ("outer(ρ,ρ)", "outer(ψ,ψ,±1)")

    @property
    def factors(self) -> tuple[IrrepFamily, IrrepFamily]:
        """The irreps of both factors."""
        from geomdl.representations.irrep_families import irrep_family  # which knows all families, this one too

        first, second = point_factors(self.group)
        return irrep_family(first), irrep_family(second)

    def size(self, label: Label) -> int:
        """The product of the sizes; 2 of a half."""
        first, second = self.factors
        return 2 if label[4] else first.size(label[:2]) * second.size(label[2:4])

    def type(self, label: Label) -> int:
        """The larger of the types."""
        first, second = self.factors
        return max(first.type(label[:2]), second.type(label[2:4]))

    def matrix(self, label: Label, g: Element) -> np.ndarray:
        """The Kronecker product, or a half of it."""
        (first, second), (a, b) = self.factors, self.group.split(g)
        x, y = first.matrix(label[:2], a), second.matrix(label[2:4], b)
        if label[4]:
            angles = (np.arctan2(m[..., 1, 0], m[..., 0, 0]) for m in (x, y))
            angle = next(angles) + label[4] * next(angles)
            return rotations(np.mod(angle, 2 * math.pi), np.zeros_like(angle))
        size = x.shape[-1] * y.shape[-1]
        blocks = np.einsum("...ik,...jl->...ijkl", x, y)
        return blocks.reshape(*blocks.shape[:-4], size, size)

    def labels(self, max_frequency: int | None = None) -> list[Label]:
        """Those of pairs; up to a frequency of each factor."""
        first, second = (sorted(f.labels(max_frequency), key=lambda label: (label[1], label[0])) for f in self.factors)
        return [label for x in first for y in second for label in self.pair(x, y)]

    def pair(self, first: Label, second: Label) -> list[Label]:
        """The irreps that the outer product of an irrep of each factor holds: itself, or two halves."""
        both_complex = self.factors[0].type(first) == self.factors[1].type(second) == 2
        return [(*first, *second, sign) for sign in ((1, -1) if both_complex else (0,))]

    def complete(self, numbers: tuple[int, ...]) -> Label | None:
        """All five numbers."""
        first, second = numbers[:2], numbers[2:4]
        exist = len(numbers) == 5 and all(
            f.complete(x) == x for f, x in zip(self.factors, (first, second), strict=True)
        )
        return numbers if exist and numbers in self.pair(first, second) else None

    def name(self, label: Label) -> str:
        """``outer(ψ,ψ)``, with a sign for a half."""
        first, second = self.factors
        sign = f",{label[4]}" if label[4] else ""
        return f"outer({first.name(label[:2])},{second.name(label[2:4])}{sign})"

    def description(self) -> str:
        """The rule."""
        return "labels (j, k, j', k', sign): irreps of both factors, sign ±1 if both are of complex type, else 0"

    def separate(self, generators: np.ndarray) -> list[tuple[list[Label], np.ndarray]]:
        """By what both factors separate, which commute."""
        first, second = self.factors
        count = len(self.group.first.generators())
        rest = generators[count:]
        return [
            ([label for x in k for y in m for label in self.pair(x, y)], space @ within)
            for k, space in first.separate(generators[:count])
            for m, within in second.separate(space.T @ rest @ space)
        ]
