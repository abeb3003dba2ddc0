"""Subgroups of the planar groups: embedding, cosets, homogeneous spaces."""

import dataclasses
import functools
import math
from typing import Any

import numpy as np

from geomdl.errors import invalid
from geomdl.groups.group import Element
from geomdl.groups.planar import PlanarGroup
from geomdl.groups.registry import group as group_of
from geomdl.groups.spatial import SpatialGroup
from geomdl.groups.spatial_subgroup import SpatialSubgroup


@dataclasses.dataclass(frozen=True)
class Subgroup:
    """A subgroup H of a planar group G, by its embedding ι: H → G.

      ι(R(r) F^f) = R(r) (R(axis) F)^f:   rotations go to themselves, the reflection F of H to (1, axis) of G.

    Every closed subgroup of a planar group is of this form: C_M, or D_M about one of its axes. A subgroup with a
    ``mirror`` says by itself which of its axes that is. The left cosets gH,
    which are the points of the homogeneous space G/H, are each given by one element of G, their representative.

    Args:
      group: G.
      subgroup: H as a group of its own; `on_plane` is the same group with the mirror that it has in G.
      axis: which reflection of G is the F of H, in the units of G's rotations (steps of 2π/N, or radians): (1, axis)
        mirrors about the line at half that angle. 0 ≤ axis < the smallest rotation of H: so each subgroup comes once.

    Raises:
      ValueError: when H is no subgroup of G, or G has no such axis.

    >>> from geomdl.groups import D
    >>> flips = Subgroup(D(8), D(1), axis=3)
    >>> flips, flips.index
    (D1 ≤ D8 (axis=3), 8)
    >>> flips.embed(np.array([1, 0]))
    array([1, 3])
    """

    group: PlanarGroup
    subgroup: PlanarGroup
    axis: float = 0

    def __post_init__(self) -> None:
        given, whole_plane = self.subgroup, self.group
        bare = PlanarGroup(given.rotation_order, given.reflections)
        inside = PlanarGroup(whole_plane.rotation_order, whole_plane.reflections).contains_group(bare)
        if not inside or (given.mirror and not whole_plane.contains_group(given)):
            raise invalid("subgroup", str(given), f"a subgroup of {self.group}: {_describe(self.group)}")
        if given.mirror:
            own = self._axis_of(given.mirror)
            if self.axis not in (0, own):
                raise invalid(f"axis of {given} in {self.group}", self.axis, "that of its mirror", own)
            object.__setattr__(self, "axis", own)
        if isinstance(self.axis, bool) or not isinstance(self.axis, int | float | np.integer | np.floating):
            raise invalid(f"axis of {self.subgroup} in {self.group}", self.axis, "a number", 0)
        choices = self._step if self.subgroup.reflections else 0
        fraction = self.group.is_finite and self.axis % 1 != 0
        if self.axis != 0 and (fraction or not 0 <= self.axis < choices):
            kind = "an integer" if self.group.is_finite else "an angle in radians"
            allowed = f"{kind}, 0 ≤ axis < {choices:g}" if choices else "0 (it has one embedding only)"
            raise invalid(f"axis of {self.subgroup} in {self.group}", self.axis, allowed, 0)
        object.__setattr__(self, "axis", int(self.axis) if self.axis == int(self.axis) else float(self.axis))

    def __repr__(self) -> str:
        return f"{self.subgroup} ≤ {self.group}" + (f" (axis={self.axis})" if self.axis else "")

    @property
    def arguments(self) -> str:
        """How the subgroup is typed inside the name of a representation: ``"C2"``, ``"D1,axis=3"``."""
        return str(self.subgroup) + (f",axis={self.axis}" if self.axis else "")

    def _axis_of(self, mirror: float) -> float:
        if not self.group.is_finite:
            return 2 * math.radians(mirror)
        lines = round((mirror - self.group.mirror) * int(self.group.rotation_order) / 180)
        return lines % int(self._step)

    @property
    def moving(self) -> PlanarGroup:
        """H as it moves the base space: `on_plane`."""
        return self.on_plane

    @property
    def on_plane(self) -> PlanarGroup:
        """H as it moves the plane: with the mirror line of its reflection in G.

        >>> Subgroup(PlanarGroup(4, True), PlanarGroup(1, True), axis=1).on_plane
        D1(mirror=45)
        """
        if not self.subgroup.reflections or not self.subgroup.is_finite:
            return self.subgroup
        turn = self.axis * 180 / int(self.group.rotation_order) if self.group.is_finite else math.degrees(self.axis / 2)
        return dataclasses.replace(self.subgroup, mirror=self.group.mirror + turn)

    @property
    def _step(self) -> float:
        """The smallest rotation of H in units of G (0 when H has them all)."""
        if not self.subgroup.is_finite:
            return 0
        if self.group.is_finite:
            return int(self.group.rotation_order) // int(self.subgroup.rotation_order)
        return 2 * math.pi / self.subgroup.rotation_order

    @property
    def index(self) -> float:
        """The number of cosets, [G : H]; infinite for a finite subgroup of a continuous group."""
        if self.group.is_finite:
            return int(self.group.order) // int(self.subgroup.order)
        if self.subgroup.is_finite:
            return math.inf
        return 2 if self.group.reflections and not self.subgroup.reflections else 1

    def embed(self, h: Element) -> Element:
        """ι(h) for elements ``[..., 2]`` of H."""
        h = self.subgroup.require_elements(h)
        scale = self._step if self.subgroup.is_finite else 1
        return self.group.product(np.stack([h[..., 0] * 0, h[..., 1] * scale], -1), self._reflection(h[..., 0]))

    def _reflection(self, f: np.ndarray) -> Element:
        return np.stack(np.broadcast_arrays(f, f * self.axis), -1)

    def contains(self, g: Element) -> np.ndarray:
        """Whether elements ``[..., 2]`` of G lie in H (to 1e-9 for a continuous group)."""
        representative, _ = self.split(g)
        return self.group.is_close(representative, self.group.identity)

    def restrict(self, g: Element) -> Element:
        """The h in H with ι(h) = g.

        Raises:
          ValueError: when some g is not in H.
        """
        inside = self.contains(g)
        if not np.all(inside):
            outside = np.asarray(g)[~inside].reshape(-1, 2)[0].tolist()
            raise ValueError(f"element {outside} of {self.group} is not in the subgroup {self}")
        return self.split(g)[1]

    def split(self, g: Element) -> tuple[Element, Element]:
        """The factors of g = t ι(h): the representative t of the coset gH, and h in H; both ``[..., 2]``.

        The representative has the smallest rotation that is possible, and no reflection where H has one.
        """
        g = self.group.require_elements(g)
        f = g[..., 0] if self.subgroup.reflections else g[..., 0] * 0
        t = self.group.product(g, self.group.inverse(self._reflection(f)))
        rotation = t[..., 1] * 0
        if self._step:
            rotation = np.mod(t[..., 1], self._step)
            rotation = np.where(self._step - rotation < 1e-9, 0, rotation)
        t = np.stack(np.broadcast_arrays(t[..., 0], rotation), -1)
        rest = self.group.product(self.group.inverse(t), g)
        steps = self.group.product(rest, self.group.inverse(self._reflection(f)))[..., 1]
        if self.subgroup.is_finite:
            steps = np.mod(np.rint(steps / self._step).astype(int), int(self.subgroup.rotation_order))
        return t, np.stack([f.astype(steps.dtype), steps], -1)

    def representatives(self) -> Element:
        """One element of each coset ``[index, 2]``, in the order of `coset`; the first is the identity.

        Raises:
          ValueError: when there are infinitely many cosets.
        """
        self._require_finite_index()
        rotations = int(self._step) or 1
        reflections = 2 if self.group.reflections and not self.subgroup.reflections else 1
        return np.array([[f, r] for f in range(reflections) for r in range(rotations)])

    def coset(self, g: Element) -> np.ndarray:
        """The number of the coset gH, 0 … index − 1. Raises ValueError when there are infinitely many."""
        self._require_finite_index()
        t, _ = self.split(g)
        return (np.rint(t[..., 1]) + t[..., 0] * (self._step or 1)).astype(int)

    def act_on_cosets(self, g: Element) -> tuple[np.ndarray, Element]:
        """How g ``[..., 2]`` moves the cosets: g t_i = t_j ι(h_i).

        Returns:
          The numbers j ``[..., index]`` and the elements h_i of H ``[..., index, 2]``.
        """
        moved = self.group.product(np.asarray(g)[..., None, :], self.representatives())
        return self.coset(moved), self.split(moved)[1]

    def _require_finite_index(self) -> None:
        if not math.isfinite(self.index):
            raise ValueError(
                f"{self} has infinitely many cosets; use a band-limited representation of frequency ≤ 3, say"
            )


AnySubgroup = Subgroup | SpatialSubgroup
"""A subgroup of a group of the plane or of space."""


def subgroup(
    group: PlanarGroup | SpatialGroup | str,
    subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str,
    axis: float = 0,
) -> Any:
    """The subgroup of a group by name, e.g. ``subgroup("D8", "D1", axis=3)``; one that is made is returned as it is.

    Args:
      group: the larger group, or its name.
      subgroup: the smaller group, or its name.
      axis: which reflection of the group is that of the subgroup; see `Subgroup`. Of groups of space 0: these are
        matched by their matrices, see `SpatialSubgroup`.

    Raises:
      ValueError: when it is no subgroup.

    >>> subgroup("D4", "C2"), subgroup("O2", "SO2").index, subgroup("Oh", "O").index
    (C2 ≤ D4, 2, 2)
    >>> subgroup("C8", "C3")
    Traceback (most recent call last):
    ...
    ValueError: invalid subgroup 'C3'; allowed: a subgroup of C8: C1, C2, C4, C8
    """
    whole = group_of(group)
    if isinstance(subgroup, Subgroup | SpatialSubgroup):
        if subgroup.group != whole:
            raise ValueError(f"{subgroup} is a subgroup of {subgroup.group}, not of {whole}")
        return subgroup
    smaller = group_of(subgroup)
    if isinstance(whole, SpatialGroup):
        if axis:
            raise invalid(f"axis of {smaller} in {whole}", axis, "0 (subgroups of space are matched by matrices)", 0)
        return SpatialSubgroup(whole, smaller)
    if isinstance(smaller, SpatialGroup):
        raise invalid("subgroup", str(smaller), f"a subgroup of {whole}: {_describe(whole)}")
    return Subgroup(whole, smaller, axis)


@functools.lru_cache(maxsize=256)
def subgroups(group: PlanarGroup) -> tuple[Subgroup, ...]:
    """All subgroups of a finite group, every axis included, smallest first.

    Args:
      group: a finite group.

    Raises:
      ValueError: for a continuous group, which has infinitely many.

    >>> from geomdl.groups import D
    >>> subgroups(D(2))
    (C1 ≤ D2, C2 ≤ D2, D1 ≤ D2, D1 ≤ D2 (axis=1), D2 ≤ D2)
    """
    group.require_finite("listing all subgroups")
    n = int(group.rotation_order)
    orders = [m for m in range(1, n + 1) if n % m == 0]
    found = [Subgroup(group, PlanarGroup(m)) for m in orders]
    if group.reflections:
        found += [Subgroup(group, PlanarGroup(m, True), axis) for m in orders for axis in range(n // m)]
    return tuple(sorted(found, key=lambda h: (h.subgroup.order, h.subgroup.reflections, h.axis)))


def _describe(group: PlanarGroup) -> str:
    if not group.is_finite:
        return "C<M>, SO2, D<M>, O2" if group.reflections else "C<M>, SO2"
    n = int(group.rotation_order)
    orders = [m for m in range(1, n + 1) if n % m == 0]
    return ", ".join([f"C{m}" for m in orders] + [f"D{m}" for m in orders if group.reflections])
