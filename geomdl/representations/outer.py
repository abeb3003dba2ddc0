"""Representations of direct products of planar groups."""

import dataclasses

import numpy as np

from geomdl.groups import DirectProduct, Element
from geomdl.representations.representation import Representation, direct_sum, trivial
from geomdl.representations.tensor import tensor_product


@dataclasses.dataclass(frozen=True)
class OuterProduct:
    """The representation a ⊠ b of G × H: ρ(g, h) = a(g) ⊗ b(h), on channels (i, j) flattened with j fastest.

    Every irrep of G × H is of this form, or (when both factors are of complex type) one half of it. It evaluates, has
    characters, permutes and restricts to each factor. It is not a `Representation`: those are labelled by the irreps of
    planar groups, so an outer product has no decomposition, no kernel space, and no place in a `FieldType`. For a field
    type of G alone take `restrict_first`.

    Args:
      first: a, a representation of G.
      second: b, a representation of H.

    >>> from geomdl.groups import C4, D1
    >>> from geomdl.representations import irrep, regular
    >>> rho = OuterProduct(regular(C4), irrep(D1, 1, 0))
    >>> rho, rho.group, rho.size
    (regular ⊠ irrep(1,0), C4 x D1, 4)
    """

    first: Representation
    second: Representation

    def __repr__(self) -> str:
        return f"{self.first} ⊠ {self.second}"

    @property
    def group(self) -> DirectProduct:
        """G × H."""
        return DirectProduct(self.first.group, self.second.group)

    @property
    def size(self) -> int:
        """The product of the sizes."""
        return self.first.size * self.second.size

    def __call__(self, g: Element) -> np.ndarray:
        """ρ(g, h) ``[..., size, size]`` of elements ``[..., 4]`` of G × H, float64."""
        a, b = self.group.split(g)
        blocks = np.einsum("...ik,...jl->...ijkl", self.first(a), self.second(b))
        return blocks.reshape(*blocks.shape[:-4], self.size, self.size)

    def character(self, g: Element) -> np.ndarray:
        """χ(g, h) = χ_a(g) χ_b(h)."""
        a, b = self.group.split(g)
        return self.first.character(a) * self.second.character(b)

    @property
    def is_permutation(self) -> bool:
        """Whether every ρ(g, h) permutes the channels."""
        return self.first.is_permutation and self.second.is_permutation

    @property
    def is_irreducible(self) -> bool:
        """Whether no subspace is left invariant: both factors irreducible, not both of complex type."""
        types = self.first.endomorphism_dimension, self.second.endomorphism_dimension
        return self.first.is_irreducible and self.second.is_irreducible and types != (2, 2)

    def restrict_first(self) -> Representation:
        """The same channels under G alone: as many copies of a as b has channels, i outermost."""
        return tensor_product(self.first, direct_sum([trivial(self.first.group)] * self.second.size))

    def restrict_second(self) -> Representation:
        """The same channels under H alone: as many copies of b as a has channels."""
        return tensor_product(direct_sum([trivial(self.second.group)] * self.first.size), self.second)
