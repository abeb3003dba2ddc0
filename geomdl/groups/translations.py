"""Translations of a periodic grid."""

import dataclasses
import math

import numpy as np

from geomdl.errors import invalid
from geomdl.groups.group import Element, Group
from geomdl.groups.per_axis import PerAxis, along
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True, init=False)
class GridTranslations(Group):
    """The circular shifts Z_H × Z_W of an H × W grid, or those of them that are multiples of ``step`` pixels.

    The grid may have any number of axes: Z_L of a signal, Z_D × Z_H × Z_W of a volume. An element has one number of
    pixels for each axis, modulo its size; of an image ``(rows, columns)``, down and to the right.

    Args:
      sizes: of the axes, in pixels: H, W.
      step: shifts are multiples of this, or of one number for each axis; it must divide the sizes.

    Raises:
      ValueError: when a size or the step is not positive, or the step does not divide the size.

    >>> shifts = GridTranslations(4, 6, step=2)
    >>> shifts, shifts.order
    (Z4xZ6/2, 6)
    >>> shifts.product(np.array([2, 4]), np.array([2, 4]))
    array([0, 2])
    >>> GridTranslations(5).elements().ravel()
    array([0, 1, 2, 3, 4])
    """

    sizes: tuple[int, ...]
    step: int | tuple[int, ...]

    def __init__(self, *sizes: int, step: int | tuple[int, ...] | PerAxis = 1) -> None:
        if not sizes:
            raise invalid("sizes of the translation group", sizes, "one number of pixels for each axis", (9, 9))
        names = ("height", "width") if len(sizes) == 2 else [f"size {i}" for i in range(len(sizes))]
        sizes = tuple(whole_number(f"{name} of the translation group", n) for name, n in zip(names, sizes, strict=True))
        steps = tuple(whole_number("step of the translation group", s) for s in along(step, len(sizes)))
        for n, s in zip(sizes, steps, strict=True):
            if n % s:
                words = f"height {sizes[0]} and width {sizes[1]}" if len(sizes) == 2 else f"the sizes {sizes}"
                raise invalid("step of the translation group", s, f"a common divisor of {words}", math.gcd(*sizes))
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "step", steps[0] if len(set(steps)) == 1 else steps)

    def __repr__(self) -> str:
        steps = f"/{self.step}" if self.step != 1 else ""
        return "x".join(f"Z{n}" for n in self.sizes) + steps

    @property
    def height(self) -> int:
        """The size along the first axis: rows."""
        return self.sizes[0]

    @property
    def width(self) -> int:
        """The size along the last axis: columns."""
        return self.sizes[-1]

    @property
    def element_size(self) -> int:
        """One number for each axis; two for images, rows and columns."""
        return len(self.sizes)

    @property
    def order(self) -> int:
        """The number of different shifts."""
        return math.prod((self._sizes // self._steps).tolist())

    @property
    def _sizes(self) -> np.ndarray:
        return np.array(self.sizes)

    @property
    def _steps(self) -> np.ndarray:
        return np.array(along(self.step, len(self.sizes)))

    @property
    def element_words(self) -> str:
        """Whole numbers of pixels."""
        multiples = "" if self.step == 1 else f", multiples of {self.step}"
        return f"a whole number of pixels for each of {len(self.sizes)} axes{multiples}"

    def has_element(self, a: Element) -> np.ndarray:
        """Whether these are whole numbers of pixels and multiples of the step; any whole number counts modulo the size.

        >>> GridTranslations(4, 6, step=2).has_element(np.array([[2, -2], [1, 0], [0.5, 0]]))
        array([ True, False, False])
        """
        a = np.asarray(a)
        with np.errstate(invalid="ignore"):
            return np.all(np.mod(a, self._steps) == 0, -1)

    def _nearest(self, outside: np.ndarray) -> str | None:
        return (
            str((np.rint(outside / self._steps).astype(int) * self._steps).tolist())
            if np.isfinite(outside).all()
            else None
        )

    def product(self, a: Element, b: Element) -> Element:
        """Shifts add, modulo the size."""
        return np.mod(self.require_elements(a) + self.require_elements(b), self._sizes)

    def inverse(self, a: Element) -> Element:
        """The shift back."""
        return np.mod(-self.require_elements(a), self._sizes)

    def generators(self) -> Element:
        """One step along each axis: down, and to the right."""
        return np.mod(np.diag(self._steps), self._sizes)

    def index(self, a: Element) -> np.ndarray:
        """Row-major number of the shift."""
        counts = (self._sizes // self._steps).tolist()
        a = np.mod(self.require_elements(a), self._sizes).astype(int) // self._steps
        return sum((a[..., i] * math.prod(counts[i + 1 :]) for i in range(len(counts))), np.zeros(a.shape[:-1], int))

    def elements(self) -> Element:
        """All shifts, row by row."""
        ranges = [np.arange(0, n, s) for n, s in zip(self._sizes, self._steps, strict=True)]
        return np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, len(self.sizes))

    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Uniform shifts."""
        return rng.integers(0, self._sizes // self._steps, (count, len(self.sizes))) * self._steps

    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Equality modulo the size."""
        return np.all(np.mod(self.require_elements(a) - self.require_elements(b), self._sizes) == 0, -1)
