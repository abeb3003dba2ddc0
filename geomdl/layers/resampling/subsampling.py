"""The subsampling of LeNet-5, which learns."""

from flax import nnx

from geomdl.equivariance.contracts.contract import Contract
from geomdl.layers.core.field_channels import per_channel
from geomdl.layers.core.functional import pool
from geomdl.layers.core.initialization import ones
from geomdl.layers.core.layer import Field, Layer, Resampled
from geomdl.layers.core.weights import add_bias, init_bias
from geomdl.layers.core.window import Window
from geomdl.representations import FieldType


class TrainableSubsampling(Layer):
    """The mean of each window, times a number and plus one that are learnt for each field: y_i = a_i mean(x_i) + b_i.

    The scale is one number for each field, the shift one along each direction that the group leaves fixed, so that it
    commutes with every ρ(g). Exact under grid symmetries when the grid of windows is centred. The paper has the sum in
    place of the mean, which is a factor in a_i. Its scales start at 1, its shifts at 0.

    Args:
      in_type: what comes in and goes out.
      window: pixels along each axis, and the stride.

    Raises:
      ValueError: for a window that is not positive.

    References:
      LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, 1998, §II.B (layer S2).

    >>> import jax.numpy as jnp
    >>> layer = TrainableSubsampling(FieldType("C4", "2 regular"))
    >>> layer(jnp.ones((1, 6, 6, 8))).shape, layer.scale[...].shape
    ((1, 3, 3, 8), (2,))
    """

    def __init__(self, in_type: FieldType, window: int = 2) -> None:
        in_type.require_base_space("TrainableSubsampling")
        self.window = Window(window, window, remainder="drop")
        self.in_type = self.out_type = in_type
        self.scale = nnx.Param(ones(in_type.num_fields))
        self.bias = init_bias(in_type)

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred."""
        return self.window.contract(self.in_type, self.out_type)

    def apply(self, x: Field) -> Resampled:
        """Subsamples ``[batch, height, width, channels]``."""
        self.in_type.require_layout(x.shape, "the input of TrainableSubsampling")
        means = pool(x, self.window.size, reduce="mean", remainder="drop")
        return add_bias(means * per_channel(self.scale[...], self.in_type).astype(x.dtype), self.bias, self.out_type)
