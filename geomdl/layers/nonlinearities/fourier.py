"""Nonlinearities on irreps: sample a function on the group, apply a pointwise function, transform back."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, Size, exact_everywhere
from geomdl.errors import invalid, unknown
from geomdl.groups import PlanarGroup, SpatialGroup, require_point_group
from geomdl.layers.core.field_channels import block_fields, join_blocks
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.layers.core.layer import Field, Layer
from geomdl.layers.nonlinearities.group_samples import GroupSamples, default_rotations, group_samples, sample_counts
from geomdl.representations import FieldType, Representation, irrep


class FourierPointwise(Layer):
    """Takes each field as the Fourier coefficients of a function on the group, and applies σ to the function's values.

      f(h) = ⟨ρ(h) v, x⟩ at N samples h,   y = A⁺ σ(A x),   A = the rows v^T ρ(h)^T.

    The group moves the function, ⟨ρ(h) v, ρ(g) x⟩ = f(g⁻¹h), which permutes the samples when g is among them; so it is
    exact for a finite group, all of whose elements are samples, and for a continuous one it is exact for the N (or 2N)
    elements of the sampling group C_N (or D_N) and approximate for the others, the better the larger N. In space it is
    exact for all elements of a finite group, for those of O (Oh) where the group is SO(3) (O(3)), and for N rotations
    about the axis of a group such as Cinfv; see `geomdl.layers.nonlinearities.group_samples.GroupSamples`.

    The vector v picks, for the c-th copy of an irrep, the c-th column of its matrix; of SO(3) and O(3) those of m = 0,
    −1, 1, −2, …, so that irreps of one copy each are a function on the sphere. Where v is invariant under a
    subgroup H, the function lives on the homogeneous space G/H and equal samples are merged: so a
    ``"band_limited(3,D1)"`` field of O(2) is a function on the circle (quotient Fourier).

    On a regular field A is the identity, and the layer is `geomdl.layers.Pointwise`.

    Args:
      in_type: fields that are each a band-limited function: every irrep at most as often as in the regular
        representation, such as ``band_limited(K)``, regular and quotient fields; not one field for each frequency.
      activation: the function σ, e.g. ``"relu"`` or ``"elu"`` (smoother: less aliasing).
      samples: N, rotations at which a continuous group is sampled; by default the first multiple of 4 that is at least
        twice the number of rotations that determine the function. Of SO(3) 24, 48, 72, 120 or 240 samples, of O(3)
        twice as many, by default the first that is at least twice the largest field. A finite group is sampled at all
        its elements.

    Raises:
      ValueError: for an unknown activation, an irrep that occurs too often, or too few samples.

    References:
      de Haan et al., Gauge equivariant mesh CNNs, ICLR 2021, §4; Cesa, Lang & Weiler, A program to build
      E(N)-equivariant steerable CNNs, ICLR 2022, appendix D.

    >>> layer = FourierPointwise(FieldType("SO2", "4 band_limited(2)"), "elu")
    >>> layer.num_samples, layer(jnp.ones((2, 20))).shape
    ((12,), (2, 20))
    """

    def __init__(self, in_type: FieldType, activation: str = "relu", *, samples: int | None = None) -> None:
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, sorted(ACTIVATIONS))
        self.in_type = self.out_type = in_type
        self.activation = activation
        group = require_point_group(in_type.group, "FourierPointwise")
        frequency = max(k for b in in_type.blocks for _, k in b.representation.labels)
        size = max(b.representation.size for b in in_type.blocks)
        self.samples = group_samples(group, frequency, size, samples)
        for b in in_type.blocks:
            sampling_matrix(b.representation, self.samples)  # raises when the function cannot be sampled

    @property
    def num_samples(self) -> tuple[int, ...]:
        """Samples per field, for each block."""
        return tuple(len(sampling_matrix(b.representation, self.samples)) for b in self.in_type.blocks)

    @property
    def contract(self) -> Contract:
        """Exact for the elements that move samples to samples, which are all of a finite group; and every shift."""
        exact = exact_everywhere(self.in_type, self.out_type)
        finite = self.samples.exact == self.in_type.group
        return exact if finite else dataclasses.replace(exact, exact_within=self.samples.exact)

    def multiply_adds(self, size: Size) -> int:
        """Pixels · fields · 2 · samples · field size."""
        pairs = zip(self.in_type.blocks, self.num_samples, strict=True)
        return math.prod(size) * sum(2 * b.multiplicity * n * b.representation.size for b, n in pairs)

    def apply(self, x: Field) -> Field:
        """Applies σ to the functions of ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of FourierPointwise")
        parts = []
        for b in self.in_type.blocks:
            sample = sampling_matrix(b.representation, self.samples)
            values = _apply(sample, block_fields(x, b))
            parts.append(_apply(np.linalg.pinv(sample), ACTIVATIONS[self.activation](values)))
        return join_blocks(parts)


@functools.lru_cache(maxsize=256)
def sampling_matrix(rho: Representation, samples: GroupSamples) -> np.ndarray:
    """The values of the functions whose coefficients are the unit vectors, at elements of the group.

    Rows that agree are merged. For the regular representation of a finite group it is the identity.

    Args:
      rho: a band-limited function.
      samples: elements of the representation's group.

    Returns:
      A ``[samples, size]``, of full column rank; rows have unit norm.

    Raises:
      ValueError: when an irrep occurs too often, or the samples do not determine the function.

    >>> from geomdl.groups import C4
    >>> from geomdl.representations import regular
    >>> bool(np.allclose(sampling_matrix(regular(C4), GroupSamples(C4, C4)), np.eye(4)))
    True
    """
    group, elements = samples.group, samples.elements()
    v, copies, start = np.zeros(rho.size), dict.fromkeys(rho.labels, 0), 0
    for label in rho.labels:
        psi = irrep(group, *label)
        allowed = psi.size // psi.endomorphism_dimension
        if copies[label] == allowed:
            raise ValueError(
                f"{rho} of {group} holds {psi} {rho.labels.count(label)} times, but a function on {group} holds it at"
                f" most {allowed} times; take several fields, or NormActivation or Gated"
            )
        column = copies[label]
        if isinstance(group, SpatialGroup) and group.dimension == 3:  # about m = 0
            column = sorted(range(psi.size), key=lambda i: (abs(i - label[1]), i))[column]
        v[start + column] = math.sqrt(psi.size / rho.size)
        copies[label] += 1
        start += psi.size
    matrix = rho(elements) @ (rho.change_of_basis @ v)
    rounded = np.round(matrix, 9) + 0.0
    _, first = np.unique(rounded, axis=0, return_index=True)
    matrix = matrix[np.sort(first)]
    singular = np.linalg.svd(matrix, compute_uv=False)
    if len(matrix) < rho.size or singular[-1] < 1e-6 * singular[0]:
        frequency = max(k for _, k in rho.labels)
        count, near = len(samples), None
        allowed = f"as many as determine a function of {rho.size} numbers"
        if isinstance(samples.exact, PlanarGroup):
            count, near = int(samples.exact.rotation_order), default_rotations(frequency)
            allowed = f"at least {2 * frequency + 1} for frequencies up to {frequency}"
        elif isinstance(samples.group, SpatialGroup) and samples.group.is_axial:
            count, near = count // samples.group.component_count, default_rotations(frequency)
        elif isinstance(samples.exact, SpatialGroup):
            near = next((more for more in sample_counts(samples.exact) if more > max(count, rho.size)), None)
        raise invalid("samples", count, allowed, near)
    return np.where(np.abs(matrix) < 1e-12, 0.0, matrix)


def _apply(matrix: np.ndarray, fields: jax.Array) -> jax.Array:
    return jnp.einsum("ij,...j->...i", jnp.asarray(matrix, fields.dtype), fields, precision="highest")
