"""Normalisation of each image or pixel by itself: instance norm, group norm and field norm, for any type."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid
from geomdl.layers.core.field_channels import (
    field_means,
    field_of_invariants,
    from_invariants,
    invariant_directions,
    invariants,
    num_invariants,
    per_channel,
    wide,
)
from geomdl.layers.core.initialization import ones, zeros
from geomdl.layers.core.layer import Field, Layer
from geomdl.representations import FieldType


class GroupNorm(Layer):
    """Normalises each image with statistics over all pixels and the channels of a group of fields:

      y = γ (f − μ) / √(σ² + ε) + β,   μ, σ² over the pixels and the fields of the group.

    "Group" here means a set of neighbouring fields. The mean is over the directions that the symmetry group leaves
    fixed and is subtracted along them, so irreps count in σ² only; γ is one number for each field, β one for each fixed
    direction. Batches do not mix, so training and evaluation are the same.

    Args:
      in_type: any representations.
      groups: into how many sets the fields are divided.
      epsilon: ε.

    Raises:
      ValueError: when the number of fields is not a multiple of ``groups``.

    References:
      Wu & He, Group normalization, ECCV 2018.

    >>> GroupNorm(FieldType("C4", "2 regular + 2 irrep(1)"), 2)(jnp.ones((1, 5, 5, 12))).shape
    (1, 5, 5, 12)
    """

    def __init__(self, in_type: FieldType, groups: int, *, epsilon: float = 1e-5) -> None:
        fields = in_type.num_fields
        if groups < 1 or fields % groups:
            allowed = [n for n in range(1, fields + 1) if fields % n == 0]
            raise invalid(
                "groups of GroupNorm",
                groups,
                f"a divisor of the number of fields, {fields}",
                min(allowed, key=lambda n: abs(n - groups)),
            )
        self.in_type = self.out_type = in_type
        self.groups, self.epsilon = groups, epsilon
        self.scale = nnx.Param(ones(fields))
        self.bias = nnx.Param(zeros(num_invariants(in_type)))

    @property
    def contract(self) -> Contract:
        """Exact for every grid symmetry and every circular shift, fractional ones too; it looks at the whole image."""
        return exact_everywhere(self.in_type, self.out_type, linear=True, reach=None)

    def apply(self, x: Field) -> Field:
        """Normalises ``[batch, ..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of GroupNorm")
        return normalize_groups(
            x, self.in_type, self.scale[...], self.bias[...], groups=self.groups, over_pixels=True, epsilon=self.epsilon
        )


class InstanceNorm(Layer):
    """Normalises each field of each image with statistics over its pixels and channels: `GroupNorm`, a group per field.

    Args:
      in_type: any representations.
      epsilon: ε.

    Raises:
      ValueError: when called without base space, where of a scalar nothing would be left.

    References:
      Ulyanov, Vedaldi & Lempitsky, Instance normalization, 2016.

    >>> y = InstanceNorm(FieldType("C1", "1 trivial"))(jnp.arange(4.0).reshape(1, 2, 2, 1))
    >>> [f"{value:.2f}" for value in y.ravel().tolist()]
    ['-1.34', '-0.45', '0.45', '1.34']
    """

    def __init__(self, in_type: FieldType, *, epsilon: float = 1e-5) -> None:
        self.in_type = self.out_type = in_type
        self.epsilon = epsilon
        self.scale = nnx.Param(ones(in_type.num_fields))
        self.bias = nnx.Param(zeros(num_invariants(in_type)))

    @property
    def contract(self) -> Contract:
        """Exact for every grid symmetry and every circular shift, fractional ones too; it looks at the whole image."""
        return exact_everywhere(self.in_type, self.out_type, linear=True, reach=None)

    def apply(self, x: Field) -> Field:
        """Normalises ``[batch, height, width, channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of InstanceNorm")
        if x.ndim < 3:
            raise ValueError("InstanceNorm takes means over pixels; allowed without base space: LayerNorm, FieldNorm")
        fields = self.in_type.num_fields
        return normalize_groups(
            x, self.in_type, self.scale[...], self.bias[...], groups=fields, over_pixels=True, epsilon=self.epsilon
        )


class FieldNorm(Layer):
    """Normalises each field at each pixel by itself: mean 0 along the fixed directions, mean square 1.

      y = γ (f − μ) / √(σ² + ε) + β,   μ, σ² over the channels of one field at one pixel.

    Args:
      in_type: fields of more than one channel.
      epsilon: ε.

    Raises:
      ValueError: for fields that the group leaves fixed altogether, such as scalars: nothing of them would be left.

    >>> layer = FieldNorm(FieldType("C8", "1 irrep(1)"))
    >>> [f"{value:.3f}" for value in layer(jnp.array([[3.0, 4.0]]))[0].tolist()]  # the mean square becomes 1
    ['0.849', '1.131']
    """

    def __init__(self, in_type: FieldType, *, epsilon: float = 1e-5) -> None:
        for b in in_type.blocks:
            if len(invariant_directions(b.representation)) == b.representation.size:
                raise ValueError(
                    f"FieldNorm would make {b.representation} fields of {in_type.group} constant; allowed: fields that"
                    " the group changes (regular, irreps of frequency > 0); BatchNorm, InstanceNorm, GroupNorm and"
                    " LayerNorm take all"
                )
        self.in_type = self.out_type = in_type
        self.epsilon = epsilon
        self.scale = nnx.Param(ones(in_type.num_fields))
        self.bias = nnx.Param(zeros(num_invariants(in_type)))

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Field:
        """Normalises ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of FieldNorm")
        fields = self.in_type.num_fields
        return normalize_groups(
            x, self.in_type, self.scale[...], self.bias[...], groups=fields, over_pixels=False, epsilon=self.epsilon
        )


def normalize_groups(
    x: Field,
    field_type: FieldType,
    scale: jax.Array,
    bias: jax.Array,
    *,
    groups: int,
    over_pixels: bool,
    epsilon: float,
) -> Field:
    """γ (f − μ) / √(σ² + ε) + β with statistics over the fields of each group, at each pixel or over all of them.

    Args:
      x: ``[batch, ..., channels]``.
      field_type: of x.
      scale: γ ``[fields]``.
      bias: β ``[invariants]``, one number for each direction that the group leaves fixed.
      groups: into how many sets of neighbouring fields the fields are divided.
      over_pixels: whether the statistics of an image are shared by its pixels.
      epsilon: ε.

    >>> t = FieldType("C2", "1 regular")
    >>> x = jnp.array([[1.0, 3.0]])
    >>> normalize_groups(x, t, jnp.ones(1), jnp.zeros(1), groups=1, over_pixels=False, epsilon=0.0)
    Array([[-1.,  1.]], dtype=float32)
    """
    values = x.astype(wide(x.dtype))
    pixels = tuple(range(1, x.ndim - 1)) if over_pixels else ()

    def over(statistic: jax.Array) -> jax.Array:
        return statistic.mean(pixels, keepdims=True) if pixels else statistic

    means = over(invariants(values, field_type))
    if groups < field_type.num_fields:
        means = _mix(_mean_mixer(field_type, groups), means)
    centred = values - from_invariants(means, field_type)
    variance = over(field_means(centred**2, field_type))
    if groups < field_type.num_fields:
        variance = _mix(_square_mixer(field_type, groups), variance)
    gain = scale.astype(values.dtype) * jax.lax.rsqrt(variance + epsilon)
    shift = from_invariants(bias.astype(values.dtype), field_type)
    return (centred * per_channel(gain, field_type) + shift).astype(x.dtype)


@functools.lru_cache(maxsize=256)
def _square_mixer(field_type: FieldType, groups: int) -> np.ndarray:
    """The matrix that replaces each field's mean square by that of all channels of its group."""
    sizes = np.array([b.representation.size for b in field_type.blocks for _ in range(b.multiplicity)], float)
    group = np.arange(len(sizes)) // (len(sizes) // groups)
    return _weighted_means(sizes, group)


@functools.lru_cache(maxsize=256)
def _mean_mixer(field_type: FieldType, groups: int) -> np.ndarray:
    """The matrix that replaces each invariant coordinate by the mean of those of its group, weighted by field size."""
    sizes = np.array([b.representation.size for b in field_type.blocks for _ in range(b.multiplicity)], float)
    fields = field_of_invariants(field_type)
    return _weighted_means(sizes[fields], fields // (len(sizes) // groups))


def _weighted_means(weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    matrix = (group[:, None] == group[None, :]) * weights
    return matrix / np.maximum(matrix.sum(1, keepdims=True), 1e-30)


def _mix(matrix: np.ndarray, values: jax.Array) -> jax.Array:
    return jnp.einsum("ij,...j->...i", jnp.asarray(matrix, values.dtype), values, precision="highest")
