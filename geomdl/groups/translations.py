"""Translations of a periodic grid."""

import dataclasses

import numpy as np

from geomdl.errors import invalid
from geomdl.groups.group import Element, Group


@dataclasses.dataclass(frozen=True)
class GridTranslations(Group):
    """The circular shifts Z_H × Z_W of an H × W grid, or those of them that are multiples of ``step`` pixels.

    An element is ``(rows, columns)`` in pixels: down and to the right, modulo the size.

    Args:
      height: H in pixels.
      width: W in pixels.
      step: shifts are multiples of this; it must divide both sizes.

    Raises:
      ValueError: when a size or the step is not positive, or the step does not divide the size.

    >>> shifts = GridTranslations(4, 6, step=2)
    >>> shifts, shifts.order
    (Z4xZ6/2, 6)
    >>> shifts.product(np.array([2, 4]), np.array([2, 4]))
    array([0, 2])
    """

    height: int
    width: int
    step: int = 1

    def __post_init__(self) -> None:
        for name in ("height", "width", "step"):
            if getattr(self, name) < 1:
                raise invalid(f"{name} of the translation group", getattr(self, name), "a positive number of pixels", 1)
        if self.height % self.step or self.width % self.step:
            allowed = f"a common divisor of height {self.height} and width {self.width}"
            raise invalid("step of the translation group", self.step, allowed, int(np.gcd(self.height, self.width)))

    def __repr__(self) -> str:
        return f"Z{self.height}xZ{self.width}" + (f"/{self.step}" if self.step > 1 else "")

    @property
    def element_size(self) -> int:
        """Two: rows and columns."""
        return 2

    @property
    def order(self) -> int:
        """The number of different shifts."""
        return (self.height // self.step) * (self.width // self.step)

    @property
    def _sizes(self) -> np.ndarray:
        return np.array([self.height, self.width])

    def product(self, a: Element, b: Element) -> Element:
        """Shifts add, modulo the size."""
        return np.mod(np.asarray(a) + np.asarray(b), self._sizes)

    def inverse(self, a: Element) -> Element:
        """The shift back."""
        return np.mod(-np.asarray(a), self._sizes)

    def generators(self) -> Element:
        """One step down, one step to the right."""
        return np.mod(np.array([[self.step, 0], [0, self.step]]), self._sizes)

    def index(self, a: Element) -> np.ndarray:
        """Row-major number of the shift."""
        a = np.mod(np.asarray(a), self._sizes) // self.step
        return a[..., 0] * (self.width // self.step) + a[..., 1]

    def elements(self) -> Element:
        """All shifts, row by row."""
        rows, columns = np.arange(0, self.height, self.step), np.arange(0, self.width, self.step)
        return np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)

    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Uniform shifts."""
        return rng.integers(0, self._sizes // self.step, (count, 2)) * self.step

    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Equality modulo the size."""
        return np.all(np.mod(np.asarray(a) - np.asarray(b), self._sizes) == 0, -1)
