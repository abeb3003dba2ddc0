"""The elements of a group at which functions on it are sampled."""

import dataclasses
import functools
import math

import numpy as np

from geomdl.errors import invalid
from geomdl.groups import Element, PlanarGroup, SpatialGroup


@dataclasses.dataclass(frozen=True)
class GroupSamples:
    """Elements of a group, in the order of the samples; those of a subgroup H move samples to samples.

    They are H K = {h k} for a few elements k. Of a finite group H is the group itself; of a continuous group of the
    plane C_N or D_N, and the same about an axis of space; of SO(3) and O(3) H is O or Oh, whose elements map a cubic
    grid to itself. There K is chosen so that the samples average functions of low degree as the group does; with one k
    a function on the sphere has the corners of McLaren's snub cube for samples.

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


def group_samples(group: PlanarGroup | SpatialGroup, frequency: int, size: int, samples: int | None) -> GroupSamples:
    """The samples of functions on a group up to a frequency.

    Args:
      group: of the functions.
      frequency: the highest, of rotations of the plane or about an axis.
      size: how many numbers determine a function; of SO(3) and O(3).
      samples: N rotations of the plane or about an axis; of SO(3) 24, 48, 72, 120 or 240 samples, of O(3) twice as
        many. By default about twice as many as determine the function, or the most.

    Raises:
      ValueError: for a number that is not positive, or not among these; or any for a finite group.

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
    counts = sample_counts(exact)
    if samples is None:
        samples = next((count for count in counts if count >= 2 * size), max(counts))
    if samples not in counts:
        near = min(counts, key=lambda count: abs(count - samples))
        raise invalid(f"samples of FourierPointwise on {group}", samples, ", ".join(map(str, counts)), near)
    return GroupSamples(group, exact, counts[samples])


def sample_counts(exact: SpatialGroup) -> dict[int, int]:
    """How many samples of SO(3) or O(3) there can be, in rising order, each with its number of cosets.

    Args:
      exact: O, or Oh.

    >>> sample_counts(SpatialGroup("O"))
    {24: 1, 48: 2, 72: 3, 120: 5, 240: 10}
    """
    return {int(exact.order) * cosets: cosets for cosets in _ROTATIONS}


def default_rotations(frequency: int) -> int:
    """The first multiple of 4 that is at least twice the number of rotations that determine a function."""
    return 4 * math.ceil((2 * frequency + 1) / 2)


_ROTATIONS: dict[int, list[tuple[float, float, float, float]]] = {
    1: [
        (0.181030715, -0.189722728, 0.948824357, 0.175970186),
    ],
    2: [
        (0.866392804, 0.161434746, 0.458209660, 0.115525925),
        (-0.532753432, -0.164696936, 0.229223285, 0.797812876),
    ],
    3: [
        (0.756217731, 0.476855228, 0.332456004, -0.300361182),
        (0.106177502, -0.580481167, 0.753112194, -0.290843558),
        (-0.207190725, -0.428883638, 0.599883116, 0.642861630),
    ],
    5: [
        (0.258440775, -0.271257015, 0.894767260, -0.242939390),
        (-0.390972843, 0.289067777, -0.065779092, 0.871351346),
        (-0.348540766, 0.559762339, 0.323257048, 0.678741732),
        (0.639515836, -0.182359659, -0.399382498, -0.631076914),
        (-0.143504255, 0.690658837, -0.116872563, 0.699097778),
    ],
    10: [
        (-0.288550345, -0.500123681, 0.386116937, 0.719394685),
        (-0.117469187, 0.246045754, 0.845586633, 0.458961570),
        (0.388298742, 0.733710653, -0.199980280, -0.520481174),
        (-0.397944199, 0.585448140, 0.493833444, -0.504994474),
        (0.947056495, -0.239108206, 0.202755007, -0.069294068),
        (0.039471973, -0.328493617, -0.545554352, 0.770002829),
        (0.765814092, 0.425901814, 0.169976456, 0.450826381),
        (-0.424968724, -0.477110278, 0.043127821, 0.768054267),
        (-0.179126082, 0.611721462, 0.754321750, -0.157192232),
        (0.170027116, 0.683552174, 0.643989849, -0.298536899),
    ],
}
"""Quaternions (w, x, y, z) of k, for so many cosets.

Found by least squares on the sums of Wigner matrices of degree 4, 6, 8 and 9 over the samples (of degree 1, 2, 3, 5
and 7 rotations of the cube leave nothing), those of functions on the sphere, about y, with more weight.
"""


@functools.lru_cache(maxsize=32)
def _spread(count: int) -> np.ndarray:
    """The rotations ``[count, 3, 3]``."""
    quaternions = np.array(_ROTATIONS[count])
    found = SpatialGroup("SO3").matrix(np.concatenate([np.zeros((count, 1)), quaternions], -1))
    found.flags.writeable = False
    return found
