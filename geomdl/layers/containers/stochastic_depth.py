"""Stochastic depth: in training, the bodies of residual blocks are left out at random."""

import jax
import jax.numpy as jnp

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid
from geomdl.layers.core.data_axis import per_example
from geomdl.layers.core.identity import Identity
from geomdl.layers.core.layer import Field, Layer
from geomdl.representations import FieldType


class StochasticDepth(Layer):
    """In training, keeps what comes in with probability p, and then divides it by p; in evaluation, nothing.

      y = x b / p,   b = 1 with probability p, else 0: E[y] = x.

    At the end of the body of `geomdl.layers.Residual` it leaves whole blocks out. It departs from the paper, which
    multiplies by p in evaluation instead: the networks have the same outputs up to the factor 1/p in the weights. A
    draw is for a whole image, so that it commutes with every element of a group and every shift.

    Args:
      in_type: what comes in and goes out.
      survival: p in (0, 1].
      per_image: whether every image has a draw of its own; otherwise there is one for the batch, as in the paper.

    Raises:
      ValueError: for a probability outside (0, 1]; when called in training without a key.

    References:
      Huang, Sun, Liu, Sedra & Weinberger, Deep networks with stochastic depth, ECCV 2016.

    >>> layer = StochasticDepth(FieldType("C4", "1 regular"), 0.5)
    >>> y = layer(jnp.ones((64, 4)), train=True, key=jax.random.key(0))
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, in_type: FieldType, survival: float, *, per_image: bool = True) -> None:
        if not 0 < survival <= 1:
            raise invalid("survival probability of StochasticDepth", survival, "a number in (0, 1]", 0.5)
        self.in_type = self.out_type = in_type
        self.survival, self.per_image = survival, per_image

    @property
    def contract(self) -> Contract:
        """Exact, for the same draws."""
        return exact_everywhere(self.in_type, linear=True)

    def frozen(self) -> Identity:
        """Nothing."""
        return Identity(self.in_type)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Leaves out some of ``[batch, ..., channels]`` when ``train``; ``key`` is then needed."""
        self.in_type.require_channels(x.shape[-1], "the input of StochasticDepth")
        if not train or self.survival == 1:
            return x
        if key is None:
            raise ValueError("StochasticDepth draws random numbers in training: pass key=jax.random.key(…) to the call")
        if self.per_image:
            kept = per_example(lambda batch: jax.random.bernoulli(key, self.survival, (batch,)), len(x))
            kept = kept.reshape(-1, *[1] * (x.ndim - 1))
        else:
            kept = jax.random.bernoulli(key, self.survival)
        return jnp.where(kept, x / self.survival, 0)
