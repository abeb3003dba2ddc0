"""Equivariant linear maps of fields at one point."""

import jax
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, Size, exact_everywhere
from geomdl.groups import PLANE
from geomdl.layers.convolution.algorithms import Algorithm, Convolution
from geomdl.layers.convolution.algorithms.registry import Method, algorithm_for, reference, require_possible
from geomdl.layers.convolution.plain import PlainConv
from geomdl.layers.core.gains import Gain
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.layers.core.weights import add_bias, init_bias, init_weights, kernel_spaces
from geomdl.representations import FieldType


class Dense(Layer):
    """The most general equivariant linear map of fields at one point: y = W x + b, ρ_out(g) W = W ρ_in(g).

    For fields without base space (equivariant multilayer perceptrons), or the same map at every pixel. Direct products
    of groups may act, as C4 x D1 here on vectors in two ways at once:

    >>> t = FieldType("C4 x D1", "2 outer(irrep(1),irrep(1,0)) + 1 regular")
    >>> Dense(t, t, rngs=nnx.Rngs(0))(jax.numpy.ones((3, 12))).shape
    (3, 12)

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group.
      use_bias: whether to add b, one number per invariant direction of ρ_out.
      gain: see `Conv`.
      method: see `Conv`; ``"factored"`` is one block of W for each irrep, between changes of basis.
      rngs: initialises the weights: generalized He, see `geomdl.kernels.initial_variances`.

    Raises:
      ValueError: for types of different groups, or output fields that no equivariant map reaches.

    >>> import jax.numpy as jnp
    >>> from geomdl.groups import C8
    >>> layer = Dense(FieldType(C8, "2 regular"), FieldType(C8, "10 trivial"), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((3, 16))).shape
    (3, 10)
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        *,
        use_bias: bool = True,
        gain: Gain = None,
        method: Method = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        self.in_type, self.out_type = in_type, out_type
        self.spaces = kernel_spaces(in_type, out_type, 1, space=PLANE)  # of one pixel, on whatever base space
        self.method: Method = require_possible(method, self.convolution)
        self.kernel = init_weights(self.spaces, in_type, out_type, rngs, gain=gain)
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """Exact for every element, with or without base space."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    @property
    def convolution(self) -> Convolution:
        """All of it but the weights, for `geomdl.layers.convolution.algorithms`."""
        return Convolution(self.spaces, self.in_type, self.out_type, None)

    def algorithm_for(self, size: Size) -> Algorithm:
        """What computes fields on so many pixels, or, for (), at one point."""
        return algorithm_for(self.method, self.convolution, size)

    def method_for(self, size: Size) -> str:
        """The name of that algorithm."""
        return self.algorithm_for(size).name

    def multiply_adds(self, size: Size) -> int:
        """MACs of the algorithm in use. Of the dense one: pixels · input channels · output channels."""
        return self.algorithm_for(size).multiply_adds(self.convolution, size)

    def dense_kernel(self) -> jax.Array:
        """The matrix W ``[in_channels, out_channels]`` (acting from the right)."""
        return self.convolution.dense_kernel([weight[...] for weight in self.kernel])

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., in_channels]`` to ``[..., out_channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of Dense")
        algorithm = self.algorithm_for(x.shape[1:-1])
        prepared = algorithm.prepare(self.convolution, [weight[...] for weight in self.kernel])
        return add_bias(algorithm.apply(self.convolution, prepared, x), self.bias, self.out_type)

    def frozen(self) -> Layer:
        """The matrix W, whatever the method: nothing is saved by taking it apart once it is made."""
        return PlainConv.of(reference(), self.convolution, self.kernel, self.bias, self.contract)
