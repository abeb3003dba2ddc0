"""The interface of a group: product, inverse, elements, generators, sampling."""

import abc
import math

import numpy as np

Element = np.ndarray
"""A group element, or a batch of them: an array ``[..., element_size]`` of numbers."""


class Group(abc.ABC):
    """A group whose elements are arrays ``[..., element_size]``; a batch of elements is an array too.

    Groups are immutable values: hashable, comparable and printable. The laws, for all elements a, b, c of a group:

      (ab)c = a(bc),   ea = ae = a,   a⁻¹a = aa⁻¹ = e.

    Finite groups number their elements 0 … order − 1 (`index` and `elements`), the identity being number 0.
    """

    @property
    @abc.abstractmethod
    def element_size(self) -> int:
        """How many numbers describe one element."""

    @property
    @abc.abstractmethod
    def order(self) -> float:
        """The number of elements; ``math.inf`` for a continuous group."""

    @abc.abstractmethod
    def product(self, a: Element, b: Element) -> Element:
        """The product ab (first b, then a, when they act), of broadcastable batches."""

    @abc.abstractmethod
    def inverse(self, a: Element) -> Element:
        """The inverse a⁻¹."""

    @abc.abstractmethod
    def generators(self) -> Element:
        """Elements ``[n, element_size]`` whose words make up the group (or a dense subgroup of it)."""

    @abc.abstractmethod
    def index(self, a: Element) -> np.ndarray:
        """The number of an element of a finite group. Raises ValueError for a continuous one."""

    @abc.abstractmethod
    def elements(self) -> Element:
        """All elements ``[order, element_size]`` of a finite group, in the order of `index`."""

    @abc.abstractmethod
    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Draws ``[count, element_size]`` elements from the uniform (Haar) distribution."""

    @abc.abstractmethod
    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Whether a and b are the same element (to 1e-9 for a continuous group)."""

    @property
    def is_finite(self) -> bool:
        """Whether the group has finitely many elements."""
        return math.isfinite(self.order)

    @property
    def identity(self) -> Element:
        """The neutral element e."""
        return self.generators()[0] * 0

    def contains_group(self, other: "Group") -> bool:
        """Whether ``other`` is known to be a subgroup, by the same names of its elements; here only the group itself.

        >>> from geomdl.groups import C, DirectProduct
        >>> DirectProduct(C(2), C(3)).contains_group(DirectProduct(C(2), C(3)))
        True
        """
        return self == other

    def multiplication_table(self) -> np.ndarray:
        """The Cayley table of a finite group: entry [i, j] is the number of the product of elements i and j.

        >>> from geomdl.groups import C
        >>> C(3).multiplication_table()
        array([[0, 1, 2],
               [1, 2, 0],
               [2, 0, 1]])
        """
        g = self.elements()
        return self.index(self.product(g[:, None], g[None, :]))

    def require_finite(self, what: str) -> None:
        """Raises a ValueError that says what cannot be done when the group is continuous."""
        if not self.is_finite:
            raise ValueError(f"{what} needs a finite group, but {self} is continuous; use a subgroup such as C8 or D8")
