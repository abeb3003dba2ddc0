"""The real irreducible representations of the groups of the plane and of space, and of direct products."""

from geomdl.errors import invalid
from geomdl.groups import PointGroup, point_group
from geomdl.numbers import whole_number
from geomdl.representations.irrep_families import irrep_family
from geomdl.representations.representation import Representation


def irrep(group: PointGroup | str, *label: int) -> Representation:
    """The real irrep of frequency k: ``irrep(group, k)`` without reflections, ``irrep(group, j, k)`` with them.

      k = 0: 1 for j = 0, (−1)^f for j = 1.     0 < k < N/2: R(kθ) diag(1, −1)^f, two-dimensional.
      k = N/2 (N even): (−1)^r (−1)^{jf}.

    With reflections the two-dimensional irreps have j = 1, as in Weiler & Cesa. Those of a direct product have labels
    (j, k, j', k', sign): the tensor product of an irrep of each factor, or (sign ±1) one half of it when both are of
    complex type; see `geomdl.representations.irrep_families.product.ProductIrreps`.

    Those of SO3, ``irrep(SO3, l)``, and O3, ``irrep(O3, p, l)`` with p = 1 for odd parity, are the Wigner matrices of
    e3nn. Those of a finite group of space are numbered as they first occur in spherical harmonics, 0 being trivial; see
    `geomdl.representations.irrep_families.finite.FiniteSpatialIrreps`.

    Args:
      group: the group of the plane or of space, or a direct product of two of the plane.
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
    >>> from geomdl.groups import O, O3
    >>> irrep(O3, 1, 1), irrep(O, 1).size  # vectors
    (1o, 3)
    """
    group = point_group(group)
    numbers = tuple(whole_number(f"label of an irrep of {group}", k, least=None) for k in label)
    family = irrep_family(group)
    found = family.complete(numbers)
    if found is None:
        raise invalid(f"irrep of {group}", ",".join(map(str, numbers)), family.description())
    return Representation(group, family.name(found), (found,))


def irreps(group: PointGroup | str, max_frequency: int | None = None) -> list[Representation]:
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
    group = point_group(group)
    if max_frequency is None:
        group.require_finite("listing all irreps without max_frequency")
    else:
        max_frequency = whole_number("max_frequency", max_frequency, least=0)
    return [irrep(group, *label) for label in irrep_family(group).labels(max_frequency)]
