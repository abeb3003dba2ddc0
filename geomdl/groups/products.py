"""Direct products, and semidirect products of translations with a point group (p4, p4m)."""

import dataclasses

import numpy as np

from geomdl.errors import unknown
from geomdl.groups.group import Element, Group
from geomdl.groups.planar import C, D, PlanarGroup
from geomdl.groups.translations import GridTranslations


@dataclasses.dataclass(frozen=True)
class DirectProduct(Group):
    """The group A × B: elements are concatenated, (a, b)(a', b') = (aa', bb').

    Where it acts on fields that lie on a base space, A moves space and channels, and B channels only, an internal
    symmetry: ``FieldType("C4 x C2", "2 regular", space="plane")``.

    Args:
      first: A.
      second: B.

    >>> from geomdl.groups import C
    >>> DirectProduct(C(2), C(3)).order
    6
    """

    first: Group
    second: Group

    def __repr__(self) -> str:
        return f"{self.first} x {self.second}"

    @property
    def element_size(self) -> int:
        """The sum of the factors' sizes."""
        return self.first.element_size + self.second.element_size

    @property
    def order(self) -> float:
        """The product of the orders."""
        return self.first.order * self.second.order

    @property
    def element_words(self) -> str:
        """Those of the factors."""
        first, second = self.first, self.second
        return f"one element of each factor, {first}: {first.element_words}; {second}: {second.element_words}"

    def has_element(self, a: Element) -> np.ndarray:
        """Componentwise."""
        a = np.asarray(a)
        size = self.first.element_size
        return self.first.has_element(a[..., :size]) & self.second.has_element(a[..., size:])

    def split(self, a: Element) -> tuple[Element, Element]:
        """The two components of elements ``[..., element_size]``."""
        a = self.require_elements(a)
        return a[..., : self.first.element_size], a[..., self.first.element_size :]

    def _join(self, a: Element, b: Element) -> Element:
        shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
        return np.concatenate(
            [np.broadcast_to(a, (*shape, a.shape[-1])), np.broadcast_to(b, (*shape, b.shape[-1]))], -1
        )

    def product(self, a: Element, b: Element) -> Element:
        """Componentwise."""
        (a1, a2), (b1, b2) = self.split(a), self.split(b)
        return self._join(self.first.product(a1, b1), self.second.product(a2, b2))

    def inverse(self, a: Element) -> Element:
        """Componentwise."""
        a1, a2 = self.split(a)
        return self._join(self.first.inverse(a1), self.second.inverse(a2))

    def generators(self) -> Element:
        """The generators of each factor, the identity in the other."""
        return np.concatenate(
            [
                self._join(self.first.generators(), self.second.identity),
                self._join(self.first.identity, self.second.generators()),
            ]
        )

    def index(self, a: Element) -> np.ndarray:
        """Number in the first factor times the order of the second, plus number in the second."""
        a1, a2 = self.split(a)
        return self.first.index(a1) * int(self.second.order) + self.second.index(a2)

    def elements(self) -> Element:
        """All pairs."""
        self.require_finite("listing elements")
        first, second = self.first.elements(), self.second.elements()
        return self._join(first[:, None], second[None, :]).reshape(-1, self.element_size)

    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Independent draws from the factors."""
        return self._join(self.first.sample(rng, count), self.second.sample(rng, count))

    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Componentwise."""
        (a1, a2), (b1, b2) = self.split(a), self.split(b)
        return self.first.is_close(a1, b1) & self.second.is_close(a2, b2)


@dataclasses.dataclass(frozen=True)
class SemidirectProduct(Group):
    """The transformations of a periodic square grid, T ⋊ H: (t, h)(t', h') = (t + h t', h h').

    An element ``(rows, columns, f, r)`` acts as: turn by h = R(r)F^f about the centre of the grid, then shift
    circularly by t. With H = C4 this is p4 on the torus, with H = D4 it is p4m.

    Args:
      translations: of a square grid (a turned shift must be a shift).
      point_group: a subgroup of D4.

    Raises:
      ValueError: when the grid is not square, or the point group does not map the grid to itself.

    >>> p4 = wallpaper("p4", 6)
    >>> p4, p4.order
    (Z6xZ6 ⋊ C4, 144)
    """

    translations: GridTranslations
    point_group: PlanarGroup

    def __post_init__(self) -> None:
        t = self.translations
        if not D(4).contains_group(self.point_group):
            allowed = "C1, C2, C4, D1, D2, D4"
            raise ValueError(f"{self.point_group} does not map the pixel grid to itself; allowed: {allowed}")
        if self.point_group.rotation_order == 4 and t.height != t.width:
            raise ValueError(f"quarter turns need a square grid, got {t.height}x{t.width}; try {t.height}x{t.height}")

    def __repr__(self) -> str:
        return f"{self.translations} ⋊ {self.point_group}"

    @property
    def element_size(self) -> int:
        """Four: rows, columns, reflection, rotation."""
        return 4

    @property
    def order(self) -> int:
        """The product of the orders."""
        return self.translations.order * int(self.point_group.order)

    @property
    def element_words(self) -> str:
        """Those of the factors."""
        return f"a shift and a turn: {self.translations.element_words}; {self.point_group.element_words}"

    def has_element(self, a: Element) -> np.ndarray:
        """Componentwise."""
        a = np.asarray(a)
        return self.translations.has_element(a[..., :2]) & self.point_group.has_element(a[..., 2:])

    def split(self, a: Element) -> tuple[Element, Element]:
        """The translation and the point-group component."""
        a = self.require_elements(a)
        return a[..., :2], a[..., 2:]

    def turn(self, h: Element, t: Element) -> Element:
        """The shift h t h⁻¹: the vector t turned by h, in (rows, columns)."""
        # With y up and rows down, (rows, columns) = (−y, x).
        m = self.point_group.matrix(h)
        x, y = t[..., 1], -t[..., 0]
        turned = np.stack([-(m[..., 1, 0] * x + m[..., 1, 1] * y), m[..., 0, 0] * x + m[..., 0, 1] * y], -1)
        sizes = np.array([self.translations.height, self.translations.width])
        return np.mod(np.rint(turned).astype(int), sizes)

    def product(self, a: Element, b: Element) -> Element:
        """(t, h)(t', h') = (t + h t', h h')."""
        (t, h), (t2, h2) = self.split(a), self.split(b)
        moved = self.translations.product(t, self.turn(h, t2))
        turned = self.point_group.product(h, h2)
        shape = np.broadcast_shapes(moved.shape, turned.shape)
        return np.concatenate([np.broadcast_to(moved, shape), np.broadcast_to(turned, shape)], -1)

    def inverse(self, a: Element) -> Element:
        """(t, h)⁻¹ = (−h⁻¹ t, h⁻¹)."""
        t, h = self.split(a)
        back = self.point_group.inverse(h)
        return np.concatenate([self.turn(back, self.translations.inverse(t)), back], -1)

    def generators(self) -> Element:
        """The generators of both factors."""
        shifts, turns = self.translations.generators(), self.point_group.generators()
        return np.concatenate(
            [np.concatenate([shifts, np.zeros_like(shifts)], -1), np.concatenate([np.zeros_like(turns), turns], -1)]
        )

    def index(self, a: Element) -> np.ndarray:
        """Number of the translation times the order of the point group, plus the number in the point group."""
        t, h = self.split(a)
        return self.translations.index(t) * int(self.point_group.order) + self.point_group.index(h)

    def elements(self) -> Element:
        """All pairs, translations outermost."""
        t, h = self.translations.elements(), self.point_group.elements()
        return np.concatenate([np.repeat(t, len(h), 0), np.tile(h, (len(t), 1))], -1)

    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Uniform transformations."""
        return np.concatenate([self.translations.sample(rng, count), self.point_group.sample(rng, count)], -1)

    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Componentwise."""
        (t, h), (t2, h2) = self.split(a), self.split(b)
        return self.translations.is_close(t, t2) & self.point_group.is_close(h, h2)


def wallpaper(name: str, size: int) -> SemidirectProduct:
    """The group p1, p2, p4 or p4m of a periodic ``size`` × ``size`` grid, by its crystallographic name.

    Args:
      name: ``"p1"``, ``"p2"``, ``"p4"`` or ``"p4m"``.
      size: of the grid in pixels.

    Raises:
      ValueError: for another name.

    >>> wallpaper("p4m", 5).order
    200
    """
    point_groups = {"p1": C(1), "p2": C(2), "p4": C(4), "pm": D(1), "pmm": D(2), "p4m": D(4)}
    if name not in point_groups:
        raise unknown("wallpaper group", name, list(point_groups))
    return SemidirectProduct(GridTranslations(size, size), point_groups[name])
