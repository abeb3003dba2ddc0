"""Spaces of steerable kernels: circular harmonics times Gaussian rings, for every group and representation."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid
from geomdl.groups import PLANE, VOLUME, BaseSpace, PointGroup, moving_factor, require_planar
from geomdl.kernels.coefficients import Coefficients
from geomdl.kernels.rings import Cutoff, Rings, rings
from geomdl.kernels.shells import Shells, shells
from geomdl.kernels.templates import BasisFilter, first_frequency, starts, template
from geomdl.numbers import whole_number
from geomdl.representations import Representation


@dataclasses.dataclass(frozen=True)
class SteerableKernelSpace:
    """Kernels K with K(gy) = ρ_out(g) K(y) ρ_in(g)⁻¹ for all g of the group, of given rings and frequencies.

      K(y) = Q_out [ Σ_{i,μ} b_{i,μ}^{cos}(y) A_{i,μ} + b_{i,μ}^{sin}(y) B_{i,μ} ] Q_in⁻¹,   ρ = Q (⊕ ψ) Q⁻¹,

    where b are the spatial functions of `Rings` and each pair of irreps has the (A, B) that
    `geomdl.kernels.harmonics.solutions` finds; every solution on every ring has one weight. The samples satisfy the
    constraint exactly for quarter turns and reflections of the grid, and up to the interpolation of the grid otherwise.
    Any representation, quotient and induced ones included: only its irreps and its change of basis matter.

    The basis is scaled such that independent weights of variance v give entries of the dense kernel of variance v on
    average over each output irrep, all basis elements having an equal share; `geomdl.kernels.initial_variances` weighs
    them.

    Args:
      in_representation: ρ_in.
      out_representation: ρ_out, of the same group.
      size: k, pixels along each axis, odd or even; 1 for a linear map without base space.
      rings: radii in pixels; by default escnn's. See `geomdl.kernels.rings.rings` for these three.
      sigma: widths, one for all rings or one each.
      frequencies_cutoff: highest frequency on each ring.
      maximum_offset: for finite rotation groups C_N, D_N: keep only frequencies μ = ±(k_out ± k_in) + tN with
        |t| ≤ this; None keeps all.
      basis_filter: keeps only the basis functions for which it is true; it is given a
        `geomdl.kernels.templates.BasisFunction` (frequency, radius, …). A space is a hashable value, compared by this
        function too: give a function of a module or a frozen object, always the same one, not a new lambda each time
        (two layers with two lambdas share nothing, compile twice and cannot be pickled).
      space: the plane, or the volume: there kernels are spherical harmonics times Gaussian shells, frequencies are
        their degrees; see `geomdl.kernels.shells.Shells`.

    Raises:
      ValueError: for representations of different groups, or values out of range.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, sections 2.3–2.6. Cesa, Lang & Weiler, A
      program to build E(N)-equivariant steerable CNNs, ICLR 2022.

    >>> from geomdl.groups import C8, SO2
    >>> from geomdl.representations import irrep, regular, trivial
    >>> SteerableKernelSpace(trivial(C8), regular(C8), 5).dimension  # as many as there are spatial functions
    11
    >>> space = SteerableKernelSpace(irrep(SO2, 1), irrep(SO2, 2), 5)
    >>> space.dimension, space.expand(jnp.ones((space.dimension, 4, 3))).shape
    (4, (5, 5, 8, 6))
    >>> from geomdl.groups import O3, VOLUME
    >>> space = SteerableKernelSpace(irrep(O3, 1, 1), irrep(O3, 0, 2), 5, space=VOLUME)  # vectors to 2e
    >>> space.dimension, space.shape  # of degree 1, on two shells
    (2, (5, 5, 5))
    >>> def no_rotation(b):  # isotropic kernels only
    ...     return b.frequency == 0
    >>> SteerableKernelSpace(trivial(C8), regular(C8), 5, basis_filter=no_rotation).dimension  # one for each ring
    3
    """

    in_representation: Representation
    out_representation: Representation
    size: int
    rings: tuple[float, ...] | None = None
    sigma: float | tuple[float, ...] | None = None
    frequencies_cutoff: Cutoff | None = None
    maximum_offset: int | None = None
    basis_filter: BasisFilter | None = None
    space: BaseSpace = PLANE

    def __post_init__(self) -> None:
        if self.out_representation.group != self.group:
            raise ValueError(
                f"{self.in_representation} is of {self.group}, {self.out_representation} of"
                f" {self.out_representation.group}; a kernel needs representations of one group"
            )
        object.__setattr__(self, "size", whole_number("kernel_size", self.size))
        if self.space not in (PLANE, VOLUME):
            raise invalid("base space of a steerable kernel", str(self.space), "the plane or the volume", "'plane'")
        if self.size > 1 and self.space == PLANE:
            require_planar(moving_factor(self.group), "a kernel of more than one pixel")
        elif self.size > 1:
            self.space.require_moved_by(self.group, "a steerable kernel of more than one voxel")
        if self.maximum_offset is not None:
            try:
                object.__setattr__(self, "maximum_offset", whole_number("", self.maximum_offset, least=0))
            except ValueError:
                allowed = "an integer ≥ 0, or None for no limit"
                raise invalid("maximum_offset", self.maximum_offset, allowed, 0) from None
        if self.basis_filter is not None and not (callable(self.basis_filter) and _is_hashable(self.basis_filter)):
            allowed = "a hashable function of a BasisFunction: a function of a module, or a frozen dataclass"
            raise invalid("basis_filter", self.basis_filter, allowed)
        for name in ("rings", "sigma", "frequencies_cutoff"):  # lists and arrays become hashable
            value = getattr(self, name)
            if isinstance(value, list | np.ndarray):
                object.__setattr__(self, name, tuple(value))
        if self.frequencies_cutoff is not None or self.rings is not None:
            self.spatial.warn_of_aliasing()
        else:
            _ = self.spatial

    @property
    def group(self) -> PointGroup:
        """The group: one of the plane, or any for kernels of one pixel."""
        return self.in_representation.group

    @property
    def shape(self) -> tuple[int, ...]:
        """The pixels of the window along each axis."""
        return (self.size,) * self.space.dimension

    @property
    def spatial(self) -> Rings | Shells:
        """The rings or shells of this space, defaults filled in."""
        made = rings if self.space == PLANE else shells
        return made(self.size, self.rings, self.sigma, self.frequencies_cutoff)

    @property
    def dimension(self) -> int:
        """The number of free weights for each pair of fields; 0 when there is no equivariant kernel."""
        return _factors(self).coefficients.dimension

    @property
    def reached(self) -> np.ndarray:
        """Which irreps of ρ_out ``[len(labels)]`` some kernel of the space maps to; the others' channels stay zero."""
        return _factors(self).reached

    @property
    def target(self) -> np.ndarray:
        """Which irrep of ρ_out each weight ``[dimension]`` maps to, by its number in ``labels``."""
        return _factors(self).target

    @property
    def source(self) -> np.ndarray:
        """Which irrep of ρ_in each weight ``[dimension]`` maps from, by its number in ``labels``."""
        return _factors(self).source

    @property
    def harmonics(self) -> np.ndarray:
        """The ring and the angular frequency of each weight, ``[dimension, 2]``."""
        return _factors(self).harmonics

    @property
    def norms(self) -> np.ndarray:
        """The norm of the kernel of each weight between irreps, ``[dimension]``: over pixels and components."""
        return _factors(self).norms

    @property
    def constant_bytes(self) -> int:
        """The memory of the basis, in float32."""
        factors = _factors(self)
        dense = sum(a.size for a in (factors.samples, factors.left, factors.right) if a is not None)
        return 4 * dense + factors.coefficients.constant_bytes

    def why_empty(self) -> str:
        """For an error message: which frequency the pair would need, and what the rings carry."""
        wanted = first_frequency(self.in_representation, self.out_representation)
        highest = max(self.spatial.frequencies)
        if wanted is None:
            return f"no equivariant kernel from {self.in_representation} to {self.out_representation} exists"
        return (
            f"kernels from {self.in_representation} to {self.out_representation} need frequency {wanted} or more, but"
            f" the {'rings' if self.space == PLANE else 'shells'} of a {' × '.join(map(str, self.shape))} window carry"
            f" up to {highest}"
            + (", and basis_filter keeps only some of them" if self.basis_filter is not None else "")
        )

    def expand(self, weights: jax.Array) -> jax.Array:
        """The dense kernel of free weights.

        Args:
          weights: ``[dimension, fields_in, fields_out]``.

        Returns:
          ``[*shape, fields_in · size_in, fields_out · size_out]``, ready for `geomdl.layers.core.functional.correlate`.
        """
        factors, dtype = _factors(self), weights.dtype
        size_in, size_out = self.in_representation.size, self.out_representation.size
        fields_in, fields_out = weights.shape[1:]
        functions = factors.samples.shape[1]
        if not self.dimension:
            return jnp.zeros((*self.shape, fields_in * size_in, fields_out * size_out), dtype)
        kernel = factors.coefficients(weights.reshape(self.dimension, -1), factors.left)
        kernel = kernel.reshape(functions, size_out, size_in, fields_in, fields_out).transpose(0, 3, 2, 4, 1)
        if factors.right is not None:
            kernel = _product(kernel.reshape(-1, size_out), jnp.asarray(factors.right.T, dtype))
        kernel = _product(jnp.asarray(factors.samples, dtype), kernel.reshape(functions, -1))
        return kernel.reshape(*self.shape, fields_in * size_in, fields_out * size_out)

    def basis(self) -> np.ndarray:
        """The kernel of each weight alone, ``[dimension, k, k, size_in, size_out]``, float64: to look at and to test.

        `expand` never makes this array; it can be large.
        """
        factors = _factors(self)
        kernels = np.einsum("pi,nsio->nspo", factors.left, factors.coefficients.kernels(), optimize=True)
        if factors.right is not None:
            kernels = kernels @ factors.right.T
        kernels = np.einsum("xs,nspo->nxpo", factors.samples, kernels, optimize=True)
        return kernels.reshape(self.dimension, *self.shape, *kernels.shape[2:])

    def centre_weights(self, matrix: np.ndarray) -> np.ndarray:
        """The weights whose dense kernel is an equivariant matrix at the window's centre, and zero elsewhere.

        Args:
          matrix: ``[fields_in, size_in, fields_out, size_out]``, equivariant.

        Returns:
          ``[dimension, fields_in, fields_out]``.

        Raises:
          ValueError: when no ring is a single pixel at the centre (odd windows have one by default).
        """
        factors = _factors(self)
        centre = np.flatnonzero(np.abs(factors.samples).sum(0) == factors.samples[len(factors.samples) // 2])
        if self.size % 2 == 0 or not len(centre):
            raise ValueError(
                f"a kernel at the centre alone needs an odd kernel_size and a ring of radius 0 and small sigma; got"
                f" kernel_size {self.size} and {self.spatial}"
            )
        to_in, to_out = self.in_representation.change_of_basis, np.linalg.inv(self.out_representation.change_of_basis)
        mixed = np.einsum("pi,apbq,oq->ioab", to_in, matrix, to_out, optimize=True)
        weights = factors.coefficients.project(int(centre[0]), mixed)
        if self.basis_filter is not None:
            made = np.einsum("nio,nab->ioab", factors.coefficients.kernels()[:, int(centre[0])], weights)
            if not np.allclose(made, mixed, rtol=0, atol=1e-8):
                raise ValueError("a kernel at the centre alone needs frequency 0 at radius 0: basis_filter rejects it")
        return weights


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


_product = functools.partial(jnp.matmul, precision="highest")  # a GPU would otherwise round to ten bits


@dataclasses.dataclass(frozen=True, eq=False)
class _Factors:
    """K[x, p, q] = Σ samples[x, s] left[p, i] coefficients(w)[s, i, o] right[q, o]; right None is the identity."""

    coefficients: Coefficients
    samples: np.ndarray
    left: np.ndarray
    right: np.ndarray | None
    target: np.ndarray
    source: np.ndarray
    reached: np.ndarray
    harmonics: np.ndarray
    norms: np.ndarray


@functools.lru_cache(maxsize=256)
def _factors(space: SteerableKernelSpace) -> _Factors:
    rho_in, rho_out, spatial = space.in_representation, space.out_representation, space.spatial
    starts_in, starts_out = starts(rho_in), starts(rho_out)
    entries, source, harmonics, norms, weights = [], [], [], [], 0
    counts = np.zeros(len(rho_out.labels), int)
    for o, label_out in enumerate(rho_out.labels):
        parts = [
            template(space.group, a, label_out, spatial, space.maximum_offset, space.basis_filter)
            for a in rho_in.labels
        ]
        counts[o] = sum(p.elements for p in parts)
        rows = starts_out[o + 1] - starts_out[o]
        scale = math.sqrt(math.prod(space.shape)) * math.sqrt(rho_in.size * rows / max(counts[o], 1))
        for number, (start_in, part) in enumerate(zip(starts_in, parts, strict=False)):
            source += [number] * part.elements
            norms += [scale] * part.elements
            harmonics.append(part.harmonics)
            column, row = start_in + part.column, starts_out[o] + part.row
            entries.append((part.function, column, row, weights + part.element, part.value * scale))
            weights += part.elements
    shape = (spatial.functions, rho_in.size, rho_out.size)
    joined = [np.concatenate(e) for e in zip(*entries, strict=True)]
    coefficients = Coefficients.from_entries(shape, weights, *joined)
    left = np.linalg.inv(rho_in.change_of_basis).T
    right = rho_out.change_of_basis if rho_out.basis else None
    target = np.repeat(np.arange(len(counts)), counts)
    return _Factors(
        coefficients,
        spatial.functions_sampled(),
        left,
        right,
        target,
        np.array(source, int),
        counts > 0,
        np.concatenate(harmonics),
        np.array(norms),
    )
