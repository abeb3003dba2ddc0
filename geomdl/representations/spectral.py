"""Band-limited ("spectral") regular and quotient representations: functions on G or G/H by Fourier coefficients."""

import numpy as np

from geomdl.errors import invalid
from geomdl.groups import Element, PlanarGroup, Subgroup, require_planar
from geomdl.groups import group as group_of
from geomdl.groups import subgroup as subgroup_of
from geomdl.representations.decomposition import null_space, orthogonal_copies
from geomdl.representations.intertwiners import irrep_endomorphisms
from geomdl.representations.irreps import irreps
from geomdl.representations.representation import Label, Representation


def band_limited(
    group: PlanarGroup | str,
    max_frequency: int,
    subgroup: Subgroup | PlanarGroup | str = "C1",
    axis: float = 0,
) -> Representation:
    """The functions on G, or on G/H, of frequencies up to a limit; channels are their Fourier coefficients.

    An irrep ψ occurs dim ψ^H / dim End(ψ) times (ψ^H: the vectors that H leaves fixed), sorted by frequency. For a
    finite group at the full frequency this is the regular (quotient) representation in its Fourier basis.
    `fourier_basis` gives the functions' values.

    Args:
      group: G, finite or continuous.
      max_frequency: the largest frequency, ≤ N/2 for C_N and D_N.
      subgroup: H, of any index; C1 for functions on the group itself.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`.

    Raises:
      ValueError: when the frequency is negative or higher than the group's, or H is no subgroup.

    References:
      Cesa, Lang & Weiler, A program to build E(N)-equivariant steerable CNNs, ICLR 2022, §4.

    >>> band_limited("SO2", 2), band_limited("SO2", 2).labels
    (band_limited(2), ((0, 0), (0, 1), (0, 2)))
    >>> band_limited("O2", 1).labels, band_limited("O2", 1, "D1").labels
    (((0, 0), (1, 0), (1, 1), (1, 1)), ((0, 0), (1, 1)))
    """
    embedding, copies = _fixed_vectors(group, max_frequency, subgroup, axis)
    name = f"band_limited({max_frequency}" + (f",{embedding.arguments})" if embedding.subgroup.order != 1 else ")")
    return Representation(embedding.group, name, tuple(label for label, _ in copies))


def fourier_basis(
    group: PlanarGroup | str,
    max_frequency: int,
    elements: Element,
    subgroup: Subgroup | PlanarGroup | str = "C1",
    axis: float = 0,
) -> np.ndarray:
    """The basis functions of ``band_limited(group, max_frequency, subgroup)`` at group elements:

      f(x) = B(x) c   for coefficients c,   B(g⁻¹x) = B(x) ρ(g):   (g·f)(x) = f(g⁻¹x) has the coefficients ρ(g) c.

    The functions are orthonormal for the mean over the group. For a quotient they are constant on the cosets xH, so
    any representative of each point will do.

    Args:
      group: as in `band_limited`.
      max_frequency: as in `band_limited`.
      elements: x ``[..., 2]`` of G.
      subgroup: as in `band_limited`.
      axis: as in `band_limited`.

    Returns:
      ``[..., size]``, float64.

    >>> from geomdl.groups import SO2
    >>> np.round(fourier_basis(SO2, 1, np.array([[0, 0.0], [0, np.pi / 2]])), 3) + 0  # 1, √2 cos, √2 sin
    array([[1.   , 1.414, 0.   ],
           [1.   , 0.   , 1.414]])
    """
    embedding, copies = _fixed_vectors(group, max_frequency, subgroup, axis)
    rho = Representation(embedding.group, "band_limited", tuple(label for label, _ in copies))
    fixed = np.concatenate([vector * np.sqrt(len(vector)) for _, vector in copies])
    return rho(elements) @ fixed


def _fixed_vectors(
    group: PlanarGroup | str, max_frequency: int, subgroup: Subgroup | PlanarGroup | str, axis: float
) -> tuple[Subgroup, list[tuple[Label, np.ndarray]]]:
    """The subgroup, and for each copy of an irrep in the functions on G/H the H-fixed unit vector that makes them."""
    group = require_planar(group_of(group), "band_limited")
    highest = int(group.rotation_order) // 2 if group.is_finite else None
    whole = isinstance(max_frequency, int | np.integer) and not isinstance(max_frequency, bool)
    if not whole or max_frequency < 0 or (highest is not None and max_frequency > highest):
        allowed = "an integer ≥ 0" + (f" and ≤ {highest}, the highest of {group}" if highest is not None else "")
        raise invalid(f"max_frequency of {group}", max_frequency, allowed, 3 if highest is None else highest)
    embedding = subgroup_of(group, subgroup, axis)
    generators = embedding.embed(embedding.subgroup.generators())
    copies = []
    for psi in irreps(group, int(max_frequency)):
        (label,) = psi.labels
        fixed = null_space(np.concatenate(psi(generators) - np.eye(psi.size)))
        copies += [(label, v) for v in orthogonal_copies(fixed, irrep_endomorphisms(group, label))]
    return embedding, copies
