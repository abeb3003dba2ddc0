"""Convolutions in which every output field sees some of the input fields only, as a table says."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.kernels import initial_variances
from geomdl.layers.convolution.algorithms import Convolution
from geomdl.layers.convolution.algorithms.registry import reference
from geomdl.layers.convolution.plain import PlainConv
from geomdl.layers.core.initialization import normal
from geomdl.layers.core.layer import Field, Layer, Resampled
from geomdl.layers.core.weights import add_bias, init_bias, kernel_spaces
from geomdl.layers.core.window import Padding, Window
from geomdl.representations import FieldType


class ConnectedConv(Layer):
    """A convolution with a connection table: output field o sees the input fields ``table[o]``, as in LeNet-5.

      (K * f)_o(x) = Σ_{i in table[o]} Σ_y K_{o,i}(y) f_i(x + y) + b_o

    Only the weights of connected pairs exist. The pairs of fields are those of `geomdl.layers.Conv`, so that it
    commutes with the group where that does.

    Args:
      in_type: fields of one representation.
      out_type: fields of one representation, of the same group.
      kernel_size: pixels along each axis.
      table: for each output field the numbers of the input fields that it sees, counted from 0.
      padding: see `geomdl.layers.core.window.Window`.
      rngs: initialises the weights: generalized He, with the fan-in of each output field.

    Raises:
      ValueError: for fields of several representations, or a table that does not name input fields for each output
        field.

    References:
      LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, 1998, table I.

    >>> maps = FieldType("C1", "2 trivial"), FieldType("C1", "3 trivial")
    >>> layer = ConnectedConv(*maps, 5, [(0,), (1,), (0, 1)], rngs=nnx.Rngs(0))
    >>> layer.kernel[...].shape, layer(jnp.ones((1, 9, 9, 2))).shape
    ((25, 4), (1, 5, 5, 3))
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        kernel_size: int,
        table: Sequence[Sequence[int]],
        *,
        padding: Padding = 0,
        rngs: nnx.Rngs,
    ) -> None:
        for name, fields in (("in_type", in_type), ("out_type", out_type)):
            if len(fields.blocks) > 1:
                raise invalid(f"{name} of ConnectedConv", fields.fields, "fields of one representation")
        known = range(in_type.num_fields)
        if len(table) != out_type.num_fields or not all(len(row) and set(row) <= set(known) for row in table):
            allowed = f"for each of {out_type.num_fields} output fields some of the numbers 0 to {known[-1]}"
            raise invalid("table of ConnectedConv", table, allowed)
        self.window = Window(kernel_size, padding=padding)
        self.in_type, self.out_type = in_type, out_type
        self.spaces = kernel_spaces(in_type, out_type, self.window.size)
        self.links = tuple((i, o) for o, row in enumerate(table) for i in sorted(set(row)))
        fan_in = np.bincount([o for _, o in self.links])
        share = np.array([in_type.num_fields / fan_in[o] for _, o in self.links])
        variances = initial_variances(in_type, out_type, self.spaces)[0]
        shape = (len(variances), len(self.links))
        self.kernel = nnx.Param(normal(rngs.params(), shape, np.sqrt(variances[:, None] * share)))
        self.bias = init_bias(out_type)

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred."""
        return self.window.contract(self.in_type, self.out_type)

    @property
    def convolution(self) -> Convolution:
        """All of it but the weights."""
        return Convolution(self.spaces, self.in_type, self.out_type, self.window)

    def multiply_adds(self, size: Size) -> int:
        """MACs of the connected pairs."""
        dense = reference().multiply_adds(self.convolution, size)
        return dense * len(self.links) // (self.in_type.num_fields * self.out_type.num_fields)

    def apply(self, x: Field) -> Resampled:
        """Convolves ``[batch, height, width, channels]``."""
        self.in_type.require_layout(x.shape, "the input of ConnectedConv")
        prepared = reference().prepare(self.convolution, [self._weights()])
        return add_bias(reference().apply(self.convolution, prepared, x), self.bias, self.out_type)

    def frozen(self) -> Layer:
        """A dense convolution with zeros between fields that are not connected."""
        return PlainConv.of(reference(), self.convolution, [nnx.Param(self._weights())], self.bias, self.contract)

    def _weights(self) -> jax.Array:
        """``[dimension, fields_in, fields_out]``."""
        kernel = self.kernel[...]
        inputs, outputs = np.array(self.links).T
        shape = (len(kernel), self.in_type.num_fields, self.out_type.num_fields)
        return jnp.zeros(shape, kernel.dtype).at[:, inputs, outputs].set(kernel)
