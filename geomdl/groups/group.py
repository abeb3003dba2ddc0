"""The interface of a group: product, inverse, elements, generators, sampling."""

import abc
import math

import numpy as np

from geomdl.errors import invalid

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
    def element_words(self) -> str:
        """What the numbers of an element are, and which are allowed, for messages."""
        return f"{self.element_size} finite numbers"

    def has_element(self, a: Element) -> np.ndarray:
        """Whether numbers ``[..., element_size]`` describe an element: ``[...]``. By default whether they are finite.

        >>> from geomdl.groups import C
        >>> C(4).has_element(np.array([[0, 3], [0, 4], [0, 0.5], [1, 0]]))
        array([ True, False, False, False])
        """
        return np.all(np.isfinite(a), -1)

    def require_elements(self, a: Element) -> Element:
        """The elements as an array ``[..., element_size]``, in the largest dtype of their kind: int64 or float64.

        Every method that takes elements calls it, so that a number outside the group, an angle in degrees, or NaN is
        an error and never another element.

        Args:
          a: one element or a batch of them.

        Raises:
          ValueError: for numbers that describe no element of the group, naming the first; or another shape.

        >>> from geomdl.groups import C
        >>> C(8).require_elements([0, 45])
        Traceback (most recent call last):
        ...
        ValueError: invalid element of C8 [0, 45]; allowed: (reflected, rotation): 0, as there are no reflections, and
        a whole number of steps of 45°, from 0 to 7; try [0, 1], which is 45°
        """
        try:
            a = np.asarray(a)
        except ValueError as error:  # rows of different lengths
            raise invalid(f"element of {self}", a, self.element_words) from error
        if a.dtype.kind not in "biuf":
            raise invalid(f"element of {self}", a.tolist(), self.element_words)
        if a.shape[-1:] != (self.element_size,):
            raise invalid(f"element of {self}", a.tolist(), f"[..., {self.element_size}]: {self.element_words}")
        a = a.astype(np.float64 if a.dtype.kind == "f" else np.int64, copy=False)
        inside = self.has_element(a)
        if not np.all(inside):
            outside = a[~inside].reshape(-1, self.element_size)[0]
            raise invalid(f"element of {self}", outside.tolist(), self.element_words, self._nearest(outside))
        return a

    def _nearest(self, outside: np.ndarray) -> str | None:
        """An element that may have been meant, in words."""
        return None

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
