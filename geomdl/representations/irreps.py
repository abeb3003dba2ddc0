"""The real irreducible representations of C_N, D_N, SO(2), O(2)."""

import math

from geomdl.errors import invalid
from geomdl.groups import PlanarGroup
from geomdl.representations.representation import Representation


def irrep(group: PlanarGroup, *label: int) -> Representation:
    """The real irrep of frequency k: ``irrep(group, k)`` without reflections, ``irrep(group, j, k)`` with them.

      k = 0: 1 for j = 0, (−1)^f for j = 1.     0 < k < N/2: R(kθ) diag(1, −1)^f, two-dimensional.
      k = N/2 (N even): (−1)^r (−1)^{jf}.

    With reflections the two-dimensional irreps have j = 1, as in Weiler & Cesa.

    Raises:
      ValueError: when the group has no such irrep; the message lists those it has.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, appendix F.1.

    >>> from geomdl.groups import C4, D4, O2
    >>> [irrep(C4, 1).size, irrep(C4, 2).size, irrep(D4, 1, 1).size, irrep(O2, 1, 3).size]
    [2, 1, 2, 2]
    """
    if len(label) == 1:
        label = (1 if group.reflections and _is_planar(group, label[0]) else 0, label[0])
    if len(label) != 2 or not _exists(group, *label):
        raise invalid(f"irrep of {group}", ",".join(map(str, label)), _describe(group))
    j, k = label
    name = f"irrep({j},{k})" if group.reflections else f"irrep({k})"
    return Representation(group, name, ((j, k),))


def irreps(group: PlanarGroup, max_frequency: int | None = None) -> list[Representation]:
    """All real irreps of a finite group, or those of a continuous one up to a frequency.

    Raises:
      ValueError: for a continuous group without ``max_frequency``.

    >>> from geomdl.groups import C, D, SO2
    >>> irreps(C(4)), irreps(D(3)), irreps(SO2, 1)
    ([irrep(0), irrep(1), irrep(2)], [irrep(0,0), irrep(1,0), irrep(1,1)], [irrep(0), irrep(1)])
    """
    if max_frequency is None:
        group.require_finite("listing all irreps without max_frequency")
        max_frequency = int(group.rotation_order) // 2
    parities = (0, 1) if group.reflections else (0,)
    found = [(j, k) for k in range(max_frequency + 1) for j in parities if _exists(group, j, k)]
    return [irrep(group, j, k) for j, k in found]


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
