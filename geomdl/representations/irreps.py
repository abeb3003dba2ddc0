"""The real irreducible representations of C_N, D_N, SO(2), O(2), and of direct products of two of them."""

import math
from collections.abc import Sequence

from geomdl.errors import invalid
from geomdl.groups import DirectProduct, PlanarGroup, PointGroup, planar_factors
from geomdl.numbers import whole_number
from geomdl.representations.representation import Label, Representation, irrep_type


def irrep(group: PointGroup, *label: int) -> Representation:
    """The real irrep of frequency k: ``irrep(group, k)`` without reflections, ``irrep(group, j, k)`` with them.

      k = 0: 1 for j = 0, (−1)^f for j = 1.     0 < k < N/2: R(kθ) diag(1, −1)^f, two-dimensional.
      k = N/2 (N even): (−1)^r (−1)^{jf}.

    With reflections the two-dimensional irreps have j = 1, as in Weiler & Cesa. Those of a direct product have labels
    (j, k, j', k', sign): the tensor product of an irrep of each factor, or (sign ±1) one half of it when both are of
    complex type; see `geomdl.representations.representation.irrep_matrix`.

    Args:
      group: the group of the plane, or a direct product of two.
      *label: the frequencies as above.

    Raises:
      ValueError: when the group has no such irrep; the message lists those it has.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, appendix F.1.

    >>> from geomdl.groups import C4, D4, O2
    >>> [irrep(C4, 1).size, irrep(C4, 2).size, irrep(D4, 1, 1).size, irrep(O2, 1, 3).size]
    [2, 1, 2, 2]
    >>> from geomdl.groups import point_group
    >>> rho = irrep(point_group("C4 x C4"), 0, 1, 0, 1, -1)
    >>> rho, rho.size, rho.endomorphism_dimension
    (outer(irrep(1),irrep(1),-1), 2, 2)
    """
    label = tuple(whole_number(f"label of an irrep of {group}", k, least=None) for k in label)
    if isinstance(group, DirectProduct):
        if label not in _product_labels(group, label[1:2], label[3:4]):
            allowed = "labels (j, k, j', k', sign): irreps of both factors, sign ±1 if both are of complex type, else 0"
            raise invalid(f"irrep of {group}", ",".join(map(str, label)), allowed)
        names = [irrep(f, *a).name for f, a in zip(planar_factors(group), (label[:2], label[2:4]), strict=True)]
        sign = f",{label[4]}" if label[4] else ""
        return Representation(group, f"outer({names[0]},{names[1]}{sign})", (label,))
    if len(label) == 1:
        label = (1 if group.reflections and _is_planar(group, label[0]) else 0, label[0])
    if len(label) != 2 or not _exists(group, *label):
        raise invalid(f"irrep of {group}", ",".join(map(str, label)), _describe(group))
    j, k = label
    name = f"irrep({j},{k})" if group.reflections else f"irrep({k})"
    return Representation(group, name, ((j, k),))


def irreps(group: PointGroup, max_frequency: int | None = None) -> list[Representation]:
    """All real irreps of a finite group, or those of a continuous one up to a frequency (of each factor of a product).

    Args:
      group: the group of the plane, or a direct product of two.
      max_frequency: the largest frequency; needed for continuous groups.

    Raises:
      ValueError: for a continuous group without ``max_frequency``.

    >>> from geomdl.groups import C, D, SO2
    >>> irreps(C(4)), irreps(D(3)), irreps(SO2, 1)
    ([irrep(0), irrep(1), irrep(2)], [irrep(0,0), irrep(1,0), irrep(1,1)], [irrep(0), irrep(1)])
    """
    if max_frequency is None:
        group.require_finite("listing all irreps without max_frequency")
    else:
        max_frequency = whole_number("max_frequency", max_frequency, least=0)
    if isinstance(group, DirectProduct):
        ks = [sorted({r.labels[0][1] for r in irreps(f, max_frequency)}) for f in planar_factors(group)]
        return [irrep(group, *label) for label in _product_labels(group, *ks)]
    highest = int(group.rotation_order) // 2 if max_frequency is None else max_frequency
    parities = (0, 1) if group.reflections else (0,)
    found = [(j, k) for k in range(highest + 1) for j in parities if _exists(group, j, k)]
    return [irrep(group, j, k) for j, k in found]


def irreps_of_frequency(group: PointGroup, frequencies: tuple[int, ...]) -> list[Representation]:
    """The irreps of one frequency, or of a pair of them, one for each factor of a direct product.

    >>> from geomdl.groups import D, point_group
    >>> irreps_of_frequency(D(4), (2,)), irreps_of_frequency(point_group("C4 x C2"), (1, 1))
    ([irrep(0,2), irrep(1,2)], [outer(irrep(1),irrep(1))])
    """
    if isinstance(group, DirectProduct):
        return [irrep(group, *label) for label in _product_labels(group, *([k] for k in frequencies))]
    return [irrep(group, j, k) for j in (0, 1) for k in frequencies if _exists(group, j, k)]


def outer_labels(group: DirectProduct, first: Label, second: Label) -> list[Label]:
    """The irreps that the outer product of an irrep of each factor holds: itself, or two halves.

    >>> from geomdl.groups import point_group
    >>> outer_labels(point_group("C4 x C4"), (0, 1), (0, 1)), outer_labels(point_group("C4 x D4"), (0, 1), (1, 1))
    ([(0, 1, 0, 1, 1), (0, 1, 0, 1, -1)], [(0, 1, 1, 1, 0)])
    """
    a, b = planar_factors(group)
    both_complex = irrep_type(a, first) == irrep_type(b, second) == 2
    return [(*first, *second, sign) for sign in ((1, -1) if both_complex else (0,))]


def _product_labels(group: DirectProduct, first: Sequence[int], second: Sequence[int]) -> list[Label]:
    """All labels with the given frequencies in the factors."""
    a, b = planar_factors(group)
    pairs = [((i, k), (j, m)) for k in first for i in (0, 1) for m in second for j in (0, 1)]
    pairs = [(x, y) for x, y in pairs if _exists(a, *x) and _exists(b, *y)]
    return [label for x, y in pairs for label in outer_labels(group, x, y)]


def _is_planar(group: PlanarGroup, k: int) -> bool:
    return k != 0 and 2 * k != group.rotation_order


def _exists(group: PlanarGroup, j: int, k: int) -> bool:
    if k < 0 or j not in (0, 1) or (group.rotation_order != math.inf and 2 * k > group.rotation_order):
        return False
    if not group.reflections:
        return j == 0
    return j == 1 if _is_planar(group, k) else True


def _describe(group: PlanarGroup) -> str:
    if group.rotation_order == math.inf:
        return "irrep(0,0), irrep(1,0), irrep(1,k) with k ≥ 1" if group.reflections else "irrep(k) with k ≥ 0"
    return ", ".join(r.name for r in irreps(group))
