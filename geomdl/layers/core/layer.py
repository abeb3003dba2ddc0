"""What every layer is."""

import abc

import jax
from flax import nnx
from jaxtyping import Array, Float

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.representations import FieldType

Field = Float[Array, "batch *space channels"]
"""Fields over any base space: pixels, or none."""
Fields = Float[Array, "batch *space channels_out"]
"""Fields over the same base space, with other channels."""
Resampled = Float[Array, "batch *space_out channels_out"]
"""Fields over another grid of the base space, with other channels."""
Image = Float[Array, "batch height width channels"]
Images = Float[Array, "batch height_out width_out channels_out"]
Vector = Float[Array, "batch channels_out"]
"""Fields without base space."""


class Layer(nnx.Module, abc.ABC):
    """A Flax NNX module that takes fields of ``in_type`` and gives fields of ``out_type``, and says how well.

    Fields are arrays ``[batch, height, width, channels]``, or ``[batch, channels]`` without base space. Whether the
    layer trains is an argument of the call, and so is the random key, so that a call is a function of its arguments;
    only the running statistics of batch norm change, and they are `nnx.BatchStat` variables.
    """

    in_type: FieldType
    out_type: FieldType

    @property
    @abc.abstractmethod
    def contract(self) -> Contract:
        """What the layer promises; see `geomdl.equivariance.Contract`."""

    @abc.abstractmethod
    def multiply_adds(self, size: Size) -> int:
        """Multiplications (each with an addition) for one input of a spatial size; () without base space."""

    @abc.abstractmethod
    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Applies the layer.

        Args:
          x: a field of ``in_type``.
          train: whether to use batch statistics and to drop out.
          key: a random key, for layers that draw random numbers when training.
        """
