"""The elements of a group at which functions on it are sampled."""

import dataclasses
import functools
import math

import numpy as np
import scipy.optimize
import scipy.spatial.transform

from geomdl.errors import invalid
from geomdl.groups import Element, PlanarGroup, SpatialGroup
from geomdl.representations.spherical_harmonics import wigner

_CANDIDATES = 256
"""Rotations that the samples of SO(3) are chosen from."""


@dataclasses.dataclass(frozen=True)
class GroupSamples:
    """Elements of a group, in the order of the samples; those of a subgroup H move samples to samples.

    They are H K = {h k} for a few elements k. Of a finite group H is the group itself; of a continuous group of the
    plane C_N or D_N, and the same about an axis of space; of SO(3) and O(3) H is O or Oh, whose elements map a cubic
    grid to itself. There K is chosen so that the samples average functions of low degree as the group does; with one k a
    function on the sphere has the corners of McLaren's snub cube for samples.

    References:
      McLaren, Optimal numerical integration on a sphere, Mathematics of Computation 17 (1963).

    Args:
      group: G.
      exact: H, which is finite.
      cosets: how many k.

    >>> from geomdl.groups import SO3
    >>> GroupSamples(SO3, SpatialGroup("O"), 3).elements().shape
    (72, 5)
    """

    group: PlanarGroup | SpatialGroup
    exact: PlanarGroup | SpatialGroup
    cosets: int = 1

    def elements(self) -> Element:
        """``[|H| · |K|, element_size]`` of G."""
        inside = self.exact.elements()
        if isinstance(self.group, PlanarGroup):
            if self.group.is_finite or not isinstance(self.exact, PlanarGroup):
                return inside
            return np.stack([inside[:, 0], self.exact.angle(inside)], -1)
        if self.group.is_finite or not isinstance(self.exact, SpatialGroup):
            return inside
        matrices = self.exact.matrix(inside)
        if not self.group.is_axial:
            matrices = (matrices[None] @ _spread(self.cosets)[:, None]).reshape(-1, 3, 3)
        return self.group.from_matrix(matrices)

    def __len__(self) -> int:
        return int(self.exact.order) * self.cosets


def group_samples(
    group: PlanarGroup | SpatialGroup, frequency: int, size: int, samples: int | None
) -> GroupSamples:
    """The samples of functions on a group up to a frequency.

    Args:
      group: of the functions.
      frequency: the highest, of rotations of the plane or about an axis.
      size: how many numbers determine a function; of SO(3) and O(3).
      samples: N rotations of the plane or about an axis; of SO(3) and O(3) the number of samples, a multiple of 24 or
        48. By default about twice as many as determine the function.

    Raises:
      ValueError: for a number that is not positive, or no multiple; or any for a finite group.

    >>> group_samples(SpatialGroup("SO3"), 2, 35, None), group_samples(SpatialGroup("Cinfv"), 1, 5, None).exact
    (GroupSamples(group=SO3, exact=O, cosets=3), C8v)
    """
    if group.is_finite:
        if samples is not None:
            raise invalid(f"samples of FourierPointwise on {group}", samples, "None: all elements are samples")
        return GroupSamples(group, group)
    if samples is not None and (isinstance(samples, bool) or samples < 1):
        raise invalid(f"samples of FourierPointwise on {group}", samples, "a positive integer")
    if isinstance(group, PlanarGroup):
        return GroupSamples(group, PlanarGroup(samples or default_rotations(frequency), group.reflections))
    if group.is_axial:
        count = samples or default_rotations(frequency)
        return GroupSamples(group, SpatialGroup(group.name.replace("inf", str(count))))
    exact = SpatialGroup("Oh" if group.has_inversions else "O")
    order = int(exact.order)
    cosets = math.ceil((samples or 2 * size) / order)
    if samples is not None and samples % order:
        allowed = f"a multiple of {order}, as {exact} moves samples to samples"
        raise invalid(f"samples of FourierPointwise on {group}", samples, allowed, cosets * order)
    return GroupSamples(group, exact, cosets)


def default_rotations(frequency: int) -> int:
    """The first multiple of 4 that is at least twice the number of rotations that determine a function."""
    return 4 * math.ceil((2 * frequency + 1) / 2)


@functools.lru_cache(maxsize=32)
def _spread(count: int) -> np.ndarray:
    """Rotations ``[count, 3, 3]``, whose products with those of the cube sum the harmonics of low degree to 0.

    That is nearly what makes the mean over the samples the mean over the group. One alone is that which takes the y
    axis to a corner of the improved snub cube of McLaren, whose 24 corners average polynomials of degree 7 exactly.
    """
    rotations, cube = SpatialGroup("SO3"), SpatialGroup("O")
    drawn = rotations.matrix(rotations.sample(np.random.default_rng(0), max(_CANDIDATES, 16 * count)))
    turned = cube.matrix(cube.elements())[:, None] @ drawn
    chosen, nearest = [drawn[0]], np.full(len(drawn), -np.inf)
    for _ in range(count - 1):  # far from one another, to begin with
        nearest = np.maximum(nearest, np.einsum("kcij,ij->kc", turned, chosen[-1]).max(0))  # the trace: 1 + 2 cos
        chosen.append(drawn[int(np.argmin(nearest))])
    start, invariant = np.stack(chosen), {degree: _of_the_cube(degree) for degree in _DEGREES}

    def matrices(angles: np.ndarray) -> np.ndarray:
        return scipy.spatial.transform.Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix() @ start

    def residual(angles: np.ndarray) -> np.ndarray:
        """The sums, those of functions on the sphere (about y) and of low degree first in weight."""
        found = matrices(angles)
        parts = []
        for degree, weight in _DEGREES.items():
            sums = invariant[degree].T @ wigner(degree, found).mean(0)
            parts += [weight * sums, 4 * weight * sums[:, degree]]
        return np.concatenate([part.ravel() for part in parts])

    solved = scipy.optimize.least_squares(residual, np.zeros(3 * count), max_nfev=60, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    found = matrices(solved.x)
    found.flags.writeable = False
    return found


_DEGREES = {4: 1.0, 6: 0.3, 8: 0.05, 9: 0.03, 10: 0.01}
"""The degrees in which rotations of the cube leave something invariant, with weights."""


def _of_the_cube(degree: int) -> np.ndarray:
    """An orthonormal basis ``[2l + 1, n]`` of the harmonics that the rotations of the cube leave as they are."""
    cube = SpatialGroup("O")
    values, vectors = np.linalg.eigh(wigner(degree, cube.matrix(cube.elements())).mean(0))
    return vectors[:, values > 0.5]
