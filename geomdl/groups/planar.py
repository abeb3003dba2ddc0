"""The compact groups of the plane: C_N, D_N, SO(2), O(2), one family."""

import dataclasses
import math

import numpy as np

from geomdl.errors import invalid
from geomdl.groups.group import Element, Group
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True)
class PlanarGroup(Group):
    """A closed subgroup of O(2): C_N, D_N, SO(2) or O(2).

    An element is a pair ``(f, r)`` and stands for the map R(r) F^f of the plane: reflect first when f = 1
    (F = diag(1, −1) in coordinates x to the right, y up), then rotate counter-clockwise. r counts steps of 2π/N, or is
    an angle in radians when N = ∞. The product is

      (f, r)(f', r') = (f + f' mod 2,  r + (−1)^f r'  mod N or 2π).

    D_N may have its reflections about other lines: F is then the reflection about the line at the angle ``mirror``, and
    the others about lines at multiples of 180°/N from it. That changes how elements move the plane, not the product.

    Args:
      rotation_order: N ≥ 1, or ``math.inf``.
      reflections: whether the reflections belong to the group.
      mirror: degrees, counter-clockwise from the x axis; for finite groups with reflections. Kept modulo 180/N.

    Raises:
      ValueError: when N is not a positive integer or infinity, or a group without mirror lines of its own has a mirror.

    >>> D(4), D(4).order, SO2
    (D4, 8, SO2)
    >>> C(4).product(np.array([0, 3]), np.array([0, 2]))
    array([0, 1])
    >>> D(4).matrix(np.array([0, 1])).round() + 0
    array([[ 0., -1.],
           [ 1.,  0.]])
    >>> D(1, mirror=45).matrix(np.array([1, 0])).round() + 0  # exchanges x and y
    array([[0., 1.],
           [1., 0.]])
    """

    rotation_order: float
    reflections: bool = False
    mirror: float = 0.0

    def __post_init__(self) -> None:
        n = self.rotation_order
        if not (isinstance(n, float | np.floating) and n == math.inf):
            try:
                n = whole_number("rotation order", n)
            except ValueError as error:
                raise invalid("rotation order", n, "a positive integer or math.inf", 4) from error
            object.__setattr__(self, "rotation_order", n)
        if self.mirror:
            if not math.isfinite(self.mirror):
                raise invalid("mirror", self.mirror, "an angle in degrees", 0)
            if not self.reflections or n == math.inf:
                raise invalid("mirror", self.mirror, "0, except for the groups D_N", 0)
            reduced = round(math.fmod(self.mirror, 180 / n), 12) % (180 / n)
            object.__setattr__(self, "mirror", reduced if 180 / n - reduced > 1e-10 else 0.0)

    def __repr__(self) -> str:
        if self.rotation_order == math.inf:
            return "O2" if self.reflections else "SO2"
        mirror = f"(mirror={self.mirror:.15g})" if self.mirror else ""
        return f"{'D' if self.reflections else 'C'}{self.rotation_order}{mirror}"

    @property
    def element_size(self) -> int:
        """Two: reflection and rotation."""
        return 2

    @property
    def order(self) -> float:
        """N, twice that with reflections, or infinity."""
        return self.rotation_order * (2 if self.reflections else 1)

    @property
    def period(self) -> float:
        """The value of r at which a rotation is a full turn: N, or 2π."""
        return 2 * math.pi if self.rotation_order == math.inf else self.rotation_order

    @property
    def element_words(self) -> str:
        """What f and r may be."""
        reflected = "0 or 1" if self.reflections else "0, as there are no reflections"
        n = self.rotation_order
        steps = (
            "an angle in radians, from 0 to 2π" if n == math.inf else f"a whole number of steps of {360 / n:g}°, from 0"
        )
        return f"(reflected, rotation): {reflected}, and {steps}" + ("" if n == math.inf else f" to {n - 1}")

    def has_element(self, a: Element) -> np.ndarray:
        """Whether f is 0 or 1 (with reflections), and r a whole number below N, or an angle from 0 to 2π.

        >>> SO2.has_element(np.array([[0, 0.5], [0, 90]]))
        array([ True, False])
        """
        a = np.asarray(a)
        f, r = a[..., 0], a[..., 1]
        reflected = (f == 0) | (f == 1) if self.reflections else f == 0
        if self.rotation_order == math.inf:
            return reflected & (r > -1e-6) & (r < 2 * math.pi + 1e-6)  # float32 rounds 2π up
        whole = True if a.dtype.kind in "biu" else r == np.floor(r)
        return reflected & (r >= 0) & (r < self.rotation_order) & whole

    def _nearest(self, outside: np.ndarray) -> str | None:
        f, r = outside.tolist()
        if f not in (0, int(self.reflections)) or not math.isfinite(r):
            return None
        if self.rotation_order == math.inf:
            if r < 0:
                return f"[{f:g}, {r % self.period:g}], which is {r:g} + 2π" if r > -self.period else None
            return f"[{f:g}, {math.radians(r):.4g}], which is {r:g}°" if r <= 360 else None
        steps = r * self.rotation_order / 360
        if r >= self.rotation_order and abs(steps - round(steps)) < 1e-9 and steps < self.rotation_order:
            return f"[{f:g}, {round(steps)}], which is {r:g}°"
        return f"[{f:g}, {round(r) % int(self.rotation_order)}]"

    def _wrap(self, f: np.ndarray, r: np.ndarray) -> Element:
        r = np.mod(r, self.period)
        return np.stack(np.broadcast_arrays(np.mod(f, 2).astype(r.dtype), r), -1)

    def product(self, a: Element, b: Element) -> Element:
        """(f, r)(f', r') = (f + f', r + (−1)^f r')."""
        a, b = self.require_elements(a), self.require_elements(b)
        return self._wrap(a[..., 0] + b[..., 0], a[..., 1] + (1 - 2 * a[..., 0]) * b[..., 1])

    def inverse(self, a: Element) -> Element:
        """(f, r)⁻¹ = (f, −(−1)^f r)."""
        a = self.require_elements(a)
        return self._wrap(a[..., 0], -(1 - 2 * a[..., 0]) * a[..., 1])

    def generators(self) -> Element:
        """A rotation by 2π/N (1 rad when N = ∞), and the reflection where the group has it."""
        rotation = [0, 1.0] if self.rotation_order == math.inf else [0, 1 % int(self.rotation_order)]
        return np.array([rotation] + ([[1, 0]] if self.reflections else []))

    def index(self, a: Element) -> np.ndarray:
        """r + N f."""
        self.require_finite("numbering elements")
        a = self.require_elements(a)
        return (a[..., 1] + self.rotation_order * a[..., 0]).astype(int)

    def elements(self) -> Element:
        """All rotations first, then all reflections."""
        self.require_finite("listing elements")
        n = int(self.rotation_order)
        return np.array([[f, r] for f in range(2 if self.reflections else 1) for r in range(n)])

    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Uniform in rotations and, where there are any, in reflections."""
        f = rng.integers(0, 2 if self.reflections else 1, count)
        continuous = self.rotation_order == math.inf
        r = rng.uniform(0, 2 * math.pi, count) if continuous else rng.integers(0, int(self.rotation_order), count)
        return self._wrap(f, r)

    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Compares reflections, and rotations modulo a full turn."""
        a, b = self.require_elements(a), self.require_elements(b)
        difference = np.mod(a[..., 1] - b[..., 1] + self.period / 2, self.period) - self.period / 2
        return (np.mod(a[..., 0] - b[..., 0], 2) == 0) & (np.abs(difference) < 1e-9)

    def angle(self, a: Element) -> np.ndarray:
        """The rotation angle of R(r) F^f in radians, in [0, 2π)."""
        return self.require_elements(a)[..., 1] * (2 * math.pi / self.period)

    def plane_angle(self, a: Element) -> np.ndarray:
        """The angle φ, in radians, for which the element moves the plane by R(φ) diag(1, −1)^f; 2 · mirror for F."""
        a = self.require_elements(a)
        return a[..., 1] * (2 * math.pi / self.period) + a[..., 0] * math.radians(2 * self.mirror)

    def matrix(self, a: Element) -> np.ndarray:
        """The orthogonal matrices R(r) F^f ``[..., 2, 2]`` in coordinates (x right, y up), float64.

        Quarter turns are exact: their entries are −1, 0 and 1.
        """
        angle, a = self.plane_angle(a), np.asarray(a)
        cos, sin = np.cos(angle), np.sin(angle)
        quarter = np.isclose(np.mod(angle, math.pi / 2), 0, atol=1e-12) | np.isclose(
            np.mod(angle, math.pi / 2), math.pi / 2, atol=1e-12
        )
        cos, sin = np.where(quarter, np.rint(cos), cos), np.where(quarter, np.rint(sin), sin)
        sign = 1.0 - 2.0 * a[..., 0]
        return np.stack([np.stack([cos, -sin * sign], -1), np.stack([sin, cos * sign], -1)], -2)

    def is_grid_symmetry(self, a: Element) -> np.ndarray:
        """Whether the element maps a centred square pixel grid to itself: a multiple of 90°, reflected or not."""
        matrix = self.matrix(a)
        return np.all(matrix == np.rint(matrix), (-1, -2))

    def contains_group(self, other: Group) -> bool:
        """Whether ``other`` is a subgroup of this group, moving the plane in the same way: mirrors count.

        >>> D(4).contains_group(C(2)), C(8).contains_group(D(2)), SO2.contains_group(C(7))
        (True, False, True)
        >>> D(4).contains_group(D(1, mirror=45)), D(4).contains_group(D(1, mirror=30))
        (True, False)
        """
        if not isinstance(other, PlanarGroup):
            return False
        if self.is_finite and other.reflections:
            lines = (other.mirror - self.mirror) * int(self.rotation_order) / 180
            if abs(lines - round(lines)) > 1e-9:
                return False
        divides = self.rotation_order == math.inf or (
            other.rotation_order != math.inf and self.rotation_order % other.rotation_order == 0
        )
        return divides and (self.reflections or not other.reflections)

    @property
    def swaps_axes(self) -> bool:
        """Whether some element exchanges rows and columns, so that only square pixel grids are mapped to themselves.

        >>> [g.swaps_axes for g in (C4, D2, D(2, mirror=45), SO2)]
        [True, False, True, True]
        """
        if not self.is_finite:
            return True
        g = self.elements()
        return bool(np.any(self.is_grid_symmetry(g) & (self.matrix(g)[:, 0, 0] == 0)))


def C(n: int) -> PlanarGroup:
    """The cyclic group C_N of rotations by multiples of 2π/N.

    Args:
      n: N, the order of the group.

    >>> C(6), C(6).order
    (C6, 6)
    """
    return PlanarGroup(n, False)


def D(n: int, mirror: float = 0.0) -> PlanarGroup:
    """The dihedral group D_N of the rotations of C_N and N reflections; order 2N. For ``mirror`` see `PlanarGroup`.

    Args:
      n: N, the number of rotations, and of reflections.
      mirror: an angle in degrees: the first reflection is about the line at this angle; see `PlanarGroup`.

    >>> D(6), D(6).order
    (D6, 12)
    """
    return PlanarGroup(n, True, mirror)


C1, C2, C4, C8 = C(1), C(2), C(4), C(8)
D1, D2, D4, D8 = D(1), D(2), D(4), D(8)
SO2 = PlanarGroup(math.inf, False)
O2 = PlanarGroup(math.inf, True)
"""The groups of the plane that are used most: C_N and D_N, all rotations, and all rotations and reflections."""
