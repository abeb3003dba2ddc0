"""Fields of zeros beside those that are there."""

import jax.numpy as jnp

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.numbers import whole_number
from geomdl.representations import FieldType


class PadFields(Layer):
    """Puts fields of zeros before and after those of the input: y = (0, x, 0).

    Zeros stay zeros under every ρ(g). With a subsampling before it, it is the shortcut without parameters of the
    residual networks for CIFAR (option A), where some place all zeros behind and others half of them before.

    Args:
      in_type: fields of one representation.
      before: how many fields of zeros come first.
      after: how many come last.

    Raises:
      ValueError: for fields of several representations, or a negative number.

    References:
      He, Zhang, Ren & Sun, Deep residual learning for image recognition, CVPR 2016, §3.3.

    >>> PadFields(FieldType("C2", "1 regular"), 0, 1)(jnp.ones((1, 2)))
    Array([[1., 1., 0., 0.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType, before: int, after: int) -> None:
        if len({b.representation for b in in_type.blocks}) > 1:
            raise invalid("in_type of PadFields", in_type.fields, "fields of one representation")
        self.before, self.after = (whole_number("fields of zeros", n, least=0) for n in (before, after))
        rho = in_type.blocks[0].representation
        self.in_type = in_type
        self.out_type = in_type.with_fields([(self.before + in_type.num_fields + self.after, rho)])

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def apply(self, x: Field) -> Fields:
        """Pads ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of PadFields")
        size = self.in_type.blocks[0].representation.size
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(self.before * size, self.after * size)])
