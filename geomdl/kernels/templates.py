"""Basis elements between two irreps on all rings, as entries of the sparse matrix that expands a kernel."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from geomdl.groups import PlanarGroup, PointGroup, SpatialGroup, moving_factor
from geomdl.kernels.harmonics import solutions
from geomdl.kernels.rings import Rings
from geomdl.kernels.shells import Shells
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_size

_NEGLIGIBLE = 1e-6
_HIGHEST_DEGREE = 12  # in which a kernel between irreps of a finite group of space is looked for


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """Basis elements of norm 1 on the window, ordered by frequency, ring and solution.

    Each entry says: element ``element`` has at matrix place (``row``, ``column``) the coefficient ``value`` of the
    spatial function ``function``. Each element has one ring and one frequency, ``harmonics [elements, 2]``.
    """

    elements: int
    element: np.ndarray
    function: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    harmonics: np.ndarray


@dataclasses.dataclass(frozen=True)
class BasisFunction:
    """What a basis filter may look at: the angular and radial part of a basis element, and the irreps that it relates.

    Attributes:
      frequency: μ of the circular harmonic, or the degree l of the spherical ones.
      radius: of the ring or shell, in pixels.
      sigma: of the ring or shell, in pixels.
      in_irrep: ψ_in by its label (parity j, frequency k).
      out_irrep: ψ_out by its label.
    """

    frequency: int
    radius: float
    sigma: float
    in_irrep: Label
    out_irrep: Label


BasisFilter = Callable[[BasisFunction], bool]
"""Which basis functions to keep. Hashable: a function of a module, or a frozen dataclass with ``__call__``."""


@functools.lru_cache(maxsize=1 << 14)
def template(
    group: PointGroup,
    label_in: Label,
    label_out: Label,
    spatial: Rings | Shells,
    maximum_offset: int | None,
    basis_filter: BasisFilter | None = None,
) -> Template:
    """The template of ψ_out ← ψ_in. Elements that vanish on the window, or that the filter rejects, are left out."""
    parts, harmonics, count = [], [], 0
    for frequency in range(max(spatial.frequencies) + 1):
        if maximum_offset is not None and _offset(group, label_in, label_out, frequency) > maximum_offset:
            continue
        basis = solutions(group, label_in, label_out, frequency)
        if not len(basis):
            continue
        for ring in np.flatnonzero(np.array(spatial.frequencies) >= frequency).tolist():
            shape = BasisFunction(frequency, spatial.radii[ring], spatial.sigmas[ring], label_in, label_out)
            if basis_filter is not None and not basis_filter(shape):
                continue
            norms = np.einsum("npij,pq,nqij->n", basis, _gram(spatial, ring, frequency, basis.shape[1]), basis)
            seen = norms > _NEGLIGIBLE
            kept = basis[seen] / np.sqrt(norms[seen])[:, None, None, None]
            element, part, row, column = np.nonzero(kept)
            function = spatial.start(ring, frequency) + part
            parts.append((count + element, function, row, column, kept[element, part, row, column]))
            harmonics += [(ring, frequency)] * len(kept)
            count += len(kept)
    if not parts:
        empty = np.zeros(0, int)
        return Template(0, empty, empty, empty, empty, np.zeros(0), np.zeros((0, 2), int))
    return Template(count, *(np.concatenate(p) for p in zip(*parts, strict=True)), harmonics=np.array(harmonics, int))


def _gram(spatial: Rings | Shells, ring: int, frequency: int, parts: int) -> np.ndarray:
    return spatial.gram(ring, frequency)[:parts, :parts]


def _offset(group: PointGroup, label_in: Label, label_out: Label, frequency: int) -> float:
    """The least |t| with μ = ±(k_out ± k_in) + tN; 0 for a continuous group. Labels begin with those of what moves."""
    moving = moving_factor(group)
    if not isinstance(moving, PlanarGroup) or not moving.is_finite:
        return 0
    n = int(moving.rotation_order)
    sums = [frequency - s * label_out[1] - t * label_in[1] for s in (1, -1) for t in (1, -1)]
    return min((abs(d) // n for d in sums if d % n == 0), default=0)


def first_frequency(rho_in: Representation, rho_out: Representation) -> int | None:
    """The lowest frequency of any kernel from ρ_in to ρ_out, or None when there is none at all.

    >>> from geomdl.groups import O2, SO2
    >>> from geomdl.representations import irrep
    >>> first_frequency(irrep(SO2, 1), irrep(SO2, 3))
    2
    >>> first_frequency(irrep(O2, 0, 0), irrep(O2, 1, 0)) is None  # a scalar cannot become a pseudoscalar
    True
    """
    pairs = {(a, b) for a in rho_in.labels for b in rho_out.labels}
    highest = max(a[1] + b[1] for a, b in pairs)  # a solution, where there is any, exists at some μ ≤ k_in + k_out
    moving = moving_factor(rho_in.group)
    if isinstance(moving, SpatialGroup):
        highest = highest + 1 if not moving.is_finite else _HIGHEST_DEGREE
    elif isinstance(moving, PlanarGroup) and moving.is_finite:
        highest = max(highest, int(moving.rotation_order))
    for frequency in range(highest + 1):
        if any(len(solutions(rho_in.group, a, b, frequency)) for a, b in pairs):
            return frequency
    return None


def starts(rho: Representation) -> np.ndarray:
    """The first row of each irrep of ρ, and at the end its size."""
    return np.concatenate([[0], np.cumsum([irrep_size(rho.group, label) for label in rho.labels])])
