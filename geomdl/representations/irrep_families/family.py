"""The interface of the irreps of a kind of group."""

import abc
from typing import ClassVar

import numpy as np

from geomdl.groups import Element

Label = tuple[int, ...]
"""An irrep's label: (parity j, frequency k); of a direct product (j, k, j', k', sign), see `irrep_matrix`."""


class IrrepFamily(abc.ABC):
    """How one group lists, names, sizes and evaluates its real irreps, each known by a `Label`.

    A new kind of group gives these, and has regular, quotient, induced and tensor product representations,
    decomposition and kernels from them.
    """

    trivial: ClassVar[Label] = (0, 0)
    """The label of the irrep that leaves everything as it is."""

    @property
    def forms(self) -> tuple[str, ...]:
        """How an irrep is written in a field type, for messages."""
        return ("irrep(k)",)

    @abc.abstractmethod
    def size(self, label: Label) -> int:
        """The dimension of an irrep."""

    @abc.abstractmethod
    def type(self, label: Label) -> int:
        """The dimension of its endomorphisms: 1 for real type, 2 for complex type."""

    @abc.abstractmethod
    def matrix(self, label: Label, g: Element) -> np.ndarray:
        """Its orthogonal matrices ``[..., size, size]`` of elements ``[..., element_size]``, float64."""

    @abc.abstractmethod
    def labels(self, max_frequency: int | None = None) -> list[Label]:
        """Those of a finite group, in order; up to a frequency, which a continuous group needs."""

    @abc.abstractmethod
    def complete(self, numbers: tuple[int, ...]) -> Label | None:
        """The label that is meant by the numbers in ``irrep(…)``, or None where the group has no such irrep."""

    @abc.abstractmethod
    def name(self, label: Label) -> str:
        """How it is printed, and typed in a field type."""

    @abc.abstractmethod
    def description(self) -> str:
        """Which irreps there are, for messages."""

    @abc.abstractmethod
    def separate(self, generators: np.ndarray) -> list[tuple[list[Label], np.ndarray]]:
        """Splits a space into subspaces, each with the irreps that it may have copies of.

        Args:
          generators: the orthogonal matrices ``[generators, n, n]`` of ``group.generators()`` on the space.

        Returns:
          Pairs of labels and an orthonormal basis ``[n, m]``.

        Raises:
          ValueError: for matrices that do not represent the group.
        """
