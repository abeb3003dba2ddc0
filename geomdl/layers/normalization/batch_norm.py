"""Batch norm, layer norm and dropout over fields."""

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid, unknown
from geomdl.layers.core.affine import Affine
from geomdl.layers.core.data_axis import batch_mean, per_example
from geomdl.layers.core.field_channels import (
    field_means,
    from_invariants,
    invariants,
    num_invariants,
    per_channel,
    wide,
)
from geomdl.layers.core.identity import Identity
from geomdl.layers.core.initialization import ones, zeros
from geomdl.layers.core.layer import Field, Layer
from geomdl.layers.core.modes import ModeOfCall, keeping_statistics
from geomdl.layers.normalization.field_norm import InstanceNorm, normalize_groups
from geomdl.representations import FieldType


class BatchNorm(Layer):
    """Normalises each *field* with statistics over the batch, all pixels and the channels of the field:

      y = γ (f − μ) / √(σ² + ε) + β,   μ = P E[f],   σ² = E‖f − μ‖² / size,

    where P projects on the directions that the group leaves fixed: for scalars μ is the mean, for regular fields the
    mean over the channels too, and for irreps, whose mean must not single out a direction, 0. γ is one number for each
    field, β one for each fixed direction. Sharing statistics over a field is what makes it commute with ρ(g); so of an
    induced field they are shared by the parts over all cosets, which the group permutes. Training uses the statistics
    of the batch and updates running averages; evaluation uses the averages.

    Args:
      in_type: any representations.
      momentum: the averages keep this much at each step.
      epsilon: ε.

    Raises:
      ValueError: for a momentum outside [0, 1).

    References:
      Ioffe & Szegedy, Batch normalization, ICML 2015; Cohen & Welling 2016, §6.3; Weiler & Cesa 2019, §2.6 (irreps).

    >>> layer = BatchNorm(FieldType("C4", "2 regular + 3 irrep(1)"))
    >>> layer(jnp.ones((3, 5, 5, 14)), train=True).shape, layer.mean[...].shape, layer.variance[...].shape
    ((3, 5, 5, 14), (2,), (5,))
    """

    deterministic = ModeOfCall()

    def __init__(self, in_type: FieldType, *, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        if not 0 <= momentum < 1:
            raise invalid("momentum of BatchNorm", momentum, "a number in [0, 1)", 0.9)
        self.in_type = self.out_type = in_type
        self.momentum, self.epsilon = momentum, epsilon
        self.scale = nnx.Param(ones(in_type.num_fields))
        self.bias = nnx.Param(zeros(num_invariants(in_type)))
        self.mean = nnx.BatchStat(zeros(num_invariants(in_type)))
        self.variance = nnx.BatchStat(ones(in_type.num_fields))

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift, in training and in evaluation; for crops in evaluation."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def frozen(self) -> Affine:
        """The affine map of each channel that the running averages make."""
        return Affine(*self.affine(self.mean[...], self.variance[...]), self.contract)

    def affine(self, mean: jax.Array, variance: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The map x ↦ scale · x + shift that given statistics make, as two arrays ``[channels]``."""
        scale = per_channel(self.scale[...].astype(mean.dtype) * jax.lax.rsqrt(variance + self.epsilon), self.in_type)
        bias = from_invariants(self.bias[...].astype(mean.dtype), self.in_type)
        return scale, bias - from_invariants(mean, self.in_type) * scale

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Normalises ``[batch, ..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of BatchNorm")
        dtype = wide(x.dtype)
        if train and not keeping_statistics():
            values, axes = x.astype(dtype), tuple(range(x.ndim - 1))
            mean = invariants(batch_mean(values.mean(axes)), self.in_type)
            centred = values - from_invariants(mean, self.in_type)  # E[x²] − μ² would cancel when the mean is large
            variance = field_means(batch_mean((centred**2).mean(axes)), self.in_type)
            keep = self.momentum
            for kept, found in ((self.mean, mean), (self.variance, variance)):  # in the precision that they are kept in
                kept[...] = keep * kept[...] + (1 - keep) * found.astype(kept[...].dtype)
        else:
            mean, variance = self.mean[...].astype(dtype), self.variance[...].astype(dtype)
        scale, shift = self.affine(mean, variance)
        return x * scale.astype(x.dtype) + shift.astype(x.dtype)


class LayerNorm(Layer):
    """Normalises the channels at each pixel to mean 0 and variance 1, then scales and shifts each field:

      y = γ (f − μ) / √(σ² + ε) + β,   μ, σ² over all channels of one pixel.

    The mean is over the directions that the group leaves fixed, and is subtracted along them, so irreps count in σ²
    only. γ is one number for each field, β one for each fixed direction.

    Args:
      in_type: any representations.
      epsilon: ε.

    References:
      Ba, Kiros & Hinton, Layer normalization, 2016.

    >>> layer = LayerNorm(FieldType("C4", "1 regular"))
    >>> [f"{value:.2f}" for value in layer(jnp.arange(4.0)[None])[0].tolist()]
    ['-1.34', '-0.45', '0.45', '1.34']
    """

    def __init__(self, in_type: FieldType, *, epsilon: float = 1e-5) -> None:
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
        self.in_type.require_channels(x.shape[-1], "the input of LayerNorm")
        return normalize_groups(
            x, self.in_type, self.scale[...], self.bias[...], groups=1, over_pixels=False, epsilon=self.epsilon
        )


class Dropout(Layer):
    """In training, zeroes with probability ``rate`` and scales the rest by 1 / (1 − rate); in evaluation, nothing.

    With ``whole_fields`` a field is dropped everywhere at once, which commutes exactly with every group element and
    shift; otherwise every number is dropped by itself, which is equivariant in distribution only.

    Args:
      in_type: what comes in and goes out.
      rate: probability in [0, 1).
      whole_fields: drop fields rather than single numbers.

    Raises:
      ValueError: for a rate outside [0, 1); when called in training without a key.

    References:
      Srivastava et al., Dropout, JMLR 2014; Tompson et al. 2015 for whole feature maps.

    >>> layer = Dropout(FieldType("C4", "3 regular"), 0.5)
    >>> bool((layer(jnp.ones((1, 12))) == 1).all())
    True
    """

    deterministic = ModeOfCall()

    def __init__(self, in_type: FieldType, rate: float, *, whole_fields: bool = True) -> None:
        if not 0 <= rate < 1:
            raise invalid("dropout rate", rate, "a number in [0, 1)", 0.5)
        self.in_type = self.out_type = in_type
        self.rate, self.whole_fields = rate, whole_fields

    @property
    def contract(self) -> Contract:
        """Exact; in training only if whole fields are dropped."""
        random = not self.whole_fields and self.rate > 0
        return exact_everywhere(self.in_type, random_in_training=random, linear=True)

    def frozen(self) -> Identity:
        """Nothing."""
        return Identity(self.in_type)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Drops out of ``[batch, ..., channels]`` when ``train``; ``key`` is then needed."""
        self.in_type.require_channels(x.shape[-1], "the input of Dropout")
        if not train or self.rate == 0:
            return x
        if key is None:
            raise ValueError("Dropout draws random numbers in training: pass key=jax.random.key(…) to the call")
        if not self.whole_fields:
            kept = per_example(lambda batch: jax.random.bernoulli(key, 1 - self.rate, (batch, *x.shape[1:])), len(x))
            return jnp.where(kept, x / (1 - self.rate), 0)
        fields = self.in_type.num_fields
        kept = per_example(lambda batch: jax.random.bernoulli(key, 1 - self.rate, (batch, fields)), len(x))
        channels = per_channel(kept, self.in_type)
        return jnp.where(channels.reshape(x.shape[0], *[1] * (x.ndim - 2), -1), x / (1 - self.rate), 0)


def normalization(name: str, in_type: FieldType) -> Layer | None:
    """The normalisation of a name: ``"batch"``, ``"instance"``, ``"layer"``, or None for ``"none"``.

    Args:
      name: as above.
      in_type: of what is normalised.

    >>> normalization("none", FieldType("C1", "1 trivial")) is None
    True
    """
    layers: dict[str, type[BatchNorm | InstanceNorm | LayerNorm]]
    layers = {"batch": BatchNorm, "instance": InstanceNorm, "layer": LayerNorm}
    if name not in (*layers, "none"):
        raise unknown("normalization", name, [*layers, "none"])
    return layers[name](in_type) if name != "none" else None
