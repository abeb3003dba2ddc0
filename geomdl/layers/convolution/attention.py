"""Attention between pixels, and embeddings that tell the pixels apart."""

import dataclasses
import functools
import math
import operator

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.contract import Condition, Contract, Promise, Size, exact_everywhere
from geomdl.equivariance.contracts.promise import same_size
from geomdl.errors import invalid
from geomdl.layers.convolution.conv import Conv
from geomdl.layers.core.initialization import normal
from geomdl.layers.core.layer import Child, Field, Image, Layer
from geomdl.numbers import whole_number
from geomdl.representations import FieldType


class SelfAttention(Layer):
    """Every pixel takes a weighted mean over all pixels: y(p) = W_o Σ_q softmax_q(⟨Q f(p), K f(q)⟩ / √d) V f(q).

    It does not see where the pixels are: it commutes with every permutation of them, so with every grid symmetry and
    every circular shift. (Positions come in by `PositionEmbedding`.) The channels must be scalars.

    Args:
      in_type: scalar fields; the type of the output too.
      heads: attention is computed in so many parts of the channels, d = channels / heads.
      rngs: initialises the weights: He normal.

    Raises:
      ValueError: for channels that the group moves, or that the heads do not divide.

    References:
      Vaswani et al., Attention is all you need, NeurIPS 2017, §3.2.

    >>> layer = SelfAttention(FieldType("C1", "8 trivial"), 2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((3, 5, 5, 8))).shape
    (3, 5, 5, 8)
    """

    def __init__(self, in_type: FieldType, heads: int, *, rngs: nnx.Rngs) -> None:
        if not in_type.is_trivial:
            raise ValueError(f"SelfAttention mixes channels freely, so they must be scalars; got {in_type}")
        if heads < 1 or in_type.size % heads:
            raise invalid("heads of SelfAttention", heads, f"a divisor of the {in_type.size} channels", 1)
        self.in_type = self.out_type = in_type
        self.heads = heads
        in_type.require_base_space("SelfAttention")
        three = in_type.with_fields(f"{3 * in_type.size} trivial")
        self.project_in = Conv(in_type, three, 1, rngs=rngs)
        self.project_out = Conv(in_type, in_type, 1, rngs=rngs)

    @property
    def contract(self) -> Contract:
        """Exact for every grid symmetry and every circular shift."""
        return dataclasses.replace(exact_everywhere(self.in_type, reach=None), depth=4)

    def children(self, size: Size) -> list[Child]:
        """The projections to queries, keys and values, and from the weighted means."""
        return [Child("project_in", self.project_in, size), Child("project_out", self.project_out, size)]

    def multiply_adds(self, size: Size) -> int:
        """4 · pixels · channels² + 2 · pixels² · channels."""
        pixels, channels = math.prod(size), self.in_type.size
        return 4 * pixels * channels**2 + 2 * pixels**2 * channels

    def apply(self, x: Field) -> Field:
        """Maps ``[batch, height, width, channels]``, or as the base space has axes."""
        self.in_type.require_channels(x.shape[-1], "the input of SelfAttention")
        batch, *sides, channels = x.shape
        parts = self.project_in(x).reshape(batch, math.prod(sides), 3, self.heads, channels // self.heads)
        query, key_, value = (parts[:, :, i] for i in range(3))
        scores = jnp.einsum("bphd,bqhd->bhpq", query, key_) * (channels // self.heads) ** -0.5
        mixed = jnp.einsum("bhpq,bqhd->bphd", jax.nn.softmax(scores, axis=-1), value)
        return self.project_out(mixed.reshape(x.shape))


class PositionEmbedding(Layer):
    """Adds a learnt vector of each pixel: y(p) = f(p) + e(p). This is what tells a transformer where things are.

    Args:
      in_type: what comes in and goes out; its group is kept in the type but not respected.
      size: (height, width) of the input, on which the weights depend.
      rngs: initialises the embeddings: normal, standard deviation 0.02.

    References:
      Dosovitskiy et al., An image is worth 16×16 words, ICLR 2021, equation 1.

    >>> PositionEmbedding(FieldType("C1", "8 trivial"), (5, 5), rngs=nnx.Rngs(0))(jnp.ones((3, 5, 5, 8))).shape
    (3, 5, 5, 8)
    """

    def __init__(self, in_type: FieldType, size: tuple[int, int], *, rngs: nnx.Rngs) -> None:
        self.in_type = self.out_type = in_type
        height, width = (whole_number("size", n) for n in size)
        self.size = (height, width)
        self.embedding = nnx.Param(normal(rngs.params(), (*self.size, in_type.size), 0.02))

    @property
    def contract(self) -> Contract:
        """No promise: every pixel has an embedding of its own."""
        fixed = Condition(f"an input of size {self.size}", functools.partial(operator.eq, self.size))
        none = Promise("none", (fixed,), "positions have embeddings of their own")
        return Contract(self.in_type, self.out_type, none, none, same_size)

    def apply(self, x: Image) -> Image:
        """Maps ``[batch, height, width, channels]``. Raises ValueError for an image of another size."""
        self.in_type.require_channels(x.shape[-1], "the input of PositionEmbedding")
        if x.shape[1:3] != self.size:
            raise ValueError(f"this PositionEmbedding is made for images of {self.size}, got {x.shape[1:3]}")
        return x + self.embedding[...].astype(x.dtype)
