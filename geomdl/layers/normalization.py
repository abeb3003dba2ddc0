"""Batch norm, layer norm and dropout over fields."""

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contract import Contract, Size, exact_everywhere
from geomdl.errors import invalid, unknown
from geomdl.layers.initialization import ones, zeros
from geomdl.layers.layer import Layer
from geomdl.representations import FieldType


class BatchNorm(Layer):
    """Normalises each *field* with one mean and one variance, over the batch, all pixels and the channels of the field:

      y = γ (x − μ) / √(σ² + ε) + β,   one γ and one β for each field.

    Sharing statistics over the channels of a field is what makes it commute with ρ(g). Training uses the statistics of
    the batch and updates running averages; evaluation uses the averages.

    Args:
      in_type: fields whose channels the group permutes.
      momentum: the averages keep this much at each step.
      epsilon: ε.

    Raises:
      ValueError: for a representation that is not a permutation.

    References:
      Ioffe & Szegedy, Batch normalization, ICML 2015; Cohen & Welling 2016, §6.3.

    >>> layer = BatchNorm(FieldType("C4", "2 regular"))
    >>> layer(jnp.ones((3, 5, 5, 8)), train=True).shape, layer.mean[...].shape
    ((3, 5, 5, 8), (2,))
    """

    def __init__(self, in_type: FieldType, *, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        in_type.require_permutation("BatchNorm")
        if not 0 <= momentum < 1:
            raise invalid("momentum of BatchNorm", momentum, "a number in [0, 1)", 0.9)
        self.in_type = self.out_type = in_type
        self.momentum, self.epsilon = momentum, epsilon
        self.scale = nnx.Param(ones(in_type.num_fields))
        self.bias = nnx.Param(zeros(in_type.num_fields))
        self.mean = nnx.BatchStat(zeros(in_type.num_fields))
        self.variance = nnx.BatchStat(ones(in_type.num_fields))

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift, in training and in evaluation."""
        return exact_everywhere(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """None counted: it folds into the convolution before it."""
        return 0

    def __call__(self, x: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Normalises ``[batch, ..., channels]``."""
        del key
        self.in_type.require_channels(x.shape[-1], "the input of BatchNorm")
        if train:
            wide = x.astype(_wide(x.dtype))
            mean, square = _field_means(wide, self.in_type), _field_means(wide**2, self.in_type)
            variance = jnp.maximum(square - mean**2, 0)
            keep = self.momentum
            self.mean[...] = keep * self.mean[...] + (1 - keep) * mean.astype(jnp.float32)
            self.variance[...] = keep * self.variance[...] + (1 - keep) * variance.astype(jnp.float32)
        else:
            mean, variance = self.mean[...].astype(x.dtype), self.variance[...].astype(x.dtype)
        scale = self.scale[...].astype(mean.dtype) * jax.lax.rsqrt(variance + self.epsilon)
        shift = self.bias[...].astype(mean.dtype) - mean * scale
        return x * _per_channel(scale, self.in_type, x) + _per_channel(shift, self.in_type, x)


class LayerNorm(Layer):
    """Normalises the channels at each pixel to mean 0 and variance 1, then scales and shifts each field:

      y = γ (x − μ(x)) / √(σ²(x) + ε) + β,   μ, σ² over all channels of one pixel.

    Args:
      in_type: fields whose channels the group permutes.
      epsilon: ε.

    Raises:
      ValueError: for a representation that is not a permutation.

    References:
      Ba, Kiros & Hinton, Layer normalization, 2016.

    >>> layer = LayerNorm(FieldType("C4", "1 regular"))
    >>> [f"{value:.2f}" for value in layer(jnp.arange(4.0)[None])[0].tolist()]
    ['-1.34', '-0.45', '0.45', '1.34']
    """

    def __init__(self, in_type: FieldType, *, epsilon: float = 1e-5) -> None:
        in_type.require_permutation("LayerNorm")
        self.in_type = self.out_type = in_type
        self.epsilon = epsilon
        self.scale = nnx.Param(ones(in_type.num_fields))
        self.bias = nnx.Param(zeros(in_type.num_fields))

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """None counted."""
        return 0

    def __call__(self, x: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Normalises ``[..., channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of LayerNorm")
        wide = x.astype(_wide(x.dtype))
        normal = (wide - wide.mean(-1, keepdims=True)) * jax.lax.rsqrt(wide.var(-1, keepdims=True) + self.epsilon)
        scale, bias = _per_channel(self.scale[...], self.in_type, x), _per_channel(self.bias[...], self.in_type, x)
        return normal.astype(x.dtype) * scale + bias


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

    def __init__(self, in_type: FieldType, rate: float, *, whole_fields: bool = True) -> None:
        if not 0 <= rate < 1:
            raise invalid("dropout rate", rate, "a number in [0, 1)", 0.5)
        self.in_type = self.out_type = in_type
        self.rate, self.whole_fields = rate, whole_fields

    @property
    def contract(self) -> Contract:
        """Exact; in training only if whole fields are dropped."""
        random = not self.whole_fields and self.rate > 0
        return exact_everywhere(self.in_type, random_in_training=random)

    def multiply_adds(self, size: Size) -> int:
        """None."""
        return 0

    def __call__(self, x: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Drops out of ``[batch, ..., channels]`` when ``train``; ``key`` is then needed."""
        self.in_type.require_channels(x.shape[-1], "the input of Dropout")
        if not train or self.rate == 0:
            return x
        if key is None:
            raise ValueError("Dropout draws random numbers in training: pass key=jax.random.key(…) to the call")
        if not self.whole_fields:
            return jnp.where(jax.random.bernoulli(key, 1 - self.rate, x.shape), x / (1 - self.rate), 0)
        kept = jax.random.bernoulli(key, 1 - self.rate, (x.shape[0], self.in_type.num_fields))
        channels = jnp.repeat(kept, jnp.asarray(_channels_per_field(self.in_type)), 1, total_repeat_length=x.shape[-1])
        return jnp.where(channels.reshape(x.shape[0], *[1] * (x.ndim - 2), -1), x / (1 - self.rate), 0)


def _wide(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype in which statistics are computed: at least float32."""
    return dtype if jnp.finfo(dtype).bits >= 32 else jnp.dtype(jnp.float32)


def _channels_per_field(field_type: FieldType) -> list[int]:
    return [b.representation.size for b in field_type.blocks for _ in range(b.multiplicity)]


def _field_means(x: jax.Array, field_type: FieldType) -> jax.Array:
    """The mean of each field ``[fields]`` over the batch, the pixels and its channels."""
    channels = x.mean(tuple(range(x.ndim - 1)))
    means = [channels[b.channels].reshape(b.multiplicity, b.representation.size).mean(-1) for b in field_type.blocks]
    return jnp.concatenate(means)


def _per_channel(values: jax.Array, field_type: FieldType, like: jax.Array) -> jax.Array:
    """One value per field, repeated for each channel of the field, in the dtype of the data."""
    repeats = jnp.asarray(_channels_per_field(field_type))
    return jnp.repeat(values, repeats, total_repeat_length=field_type.size).astype(like.dtype)


def normalization(name: str, in_type: FieldType) -> Layer | None:
    """The normalisation of a name: ``"batch"``, ``"layer"``, or None for ``"none"``.

    >>> normalization("none", FieldType("C1", "1 trivial")) is None
    True
    """
    if name not in ("batch", "layer", "none"):
        raise unknown("normalization", name, ["batch", "layer", "none"])
    return {"batch": BatchNorm, "layer": LayerNorm}[name](in_type) if name != "none" else None
