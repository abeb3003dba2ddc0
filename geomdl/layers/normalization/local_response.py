"""Local response normalisation of AlexNet, over fields."""

import jax.numpy as jnp

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid
from geomdl.layers.core.field_channels import wide
from geomdl.layers.core.layer import Field, Layer
from geomdl.numbers import whole_number
from geomdl.representations import FieldType


class LocalResponseNorm(Layer):
    """Divides each field by what the fields beside it answer at the same pixel (AlexNet's lateral inhibition):

      y_i = x_i / (k + α Σ_j x_j²)^β,   j over the ``fields`` fields nearest to i in the order of the channels.

    The squares are taken channel by channel where the group permutes the channels, since then it permutes those of all
    the fields alike; of other fields x_j² is the mean square of their channels, an invariant. So it commutes with every
    ρ(g). For scalar fields it is the layer of the paper.

    Args:
      in_type: fields of one representation.
      fields: n, how many fields are summed over: (n − 1)/2 below i and n/2 above, as many as there are.
      alpha: α.
      beta: β.
      k: the constant.
      divide: whether α is divided by n, as in Caffe and PyTorch; the papers do not.

    Raises:
      ValueError: for fields of several representations, or numbers out of range.

    References:
      Krizhevsky, Sutskever & Hinton, ImageNet classification with deep convolutional neural networks, 2012, §3.3.

    >>> layer = LocalResponseNorm(FieldType("C1", "3 trivial"), fields=3, alpha=1.0, beta=1.0, k=1.0)
    >>> layer(jnp.array([[1.0, 1.0, 2.0]]))  # 1/(1 + 2), 1/(1 + 6), 2/(1 + 5)
    Array([[0.33333334, 0.14285715, 0.33333334]], dtype=float32)
    """

    def __init__(
        self,
        in_type: FieldType,
        fields: int = 5,
        *,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 2.0,
        divide: bool = False,
    ) -> None:
        if len({b.representation for b in in_type.blocks}) > 1:
            raise invalid("in_type of LocalResponseNorm", in_type.fields, "fields of one representation")
        self.fields = whole_number("fields of LocalResponseNorm", fields)
        if alpha < 0 or k < 0 or alpha == k == 0:
            raise invalid("alpha and k of LocalResponseNorm", (alpha, k), "numbers of 0 or more, one of them positive")
        self.in_type = self.out_type = in_type
        self.alpha, self.beta, self.k, self.divide = alpha, beta, k, divide

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type)

    def apply(self, x: Field) -> Field:
        """Normalises ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of LocalResponseNorm")
        rho = self.in_type.blocks[0].representation
        fields = x.reshape(*x.shape[:-1], self.in_type.num_fields, rho.size).astype(wide(x.dtype))
        squares = fields**2 if rho.is_permutation else jnp.mean(fields**2, -1, keepdims=True)
        below, above = (self.fields - 1) // 2, self.fields // 2
        around = [(0, 0)] * (squares.ndim - 2)
        padded = jnp.pad(squares, [*around, (below, above), (0, 0)])
        count = self.in_type.num_fields
        total = sum(padded[..., i : i + count, :] for i in range(self.fields))
        alpha = self.alpha / self.fields if self.divide else self.alpha
        return (fields * (self.k + alpha * total) ** -self.beta).reshape(x.shape).astype(x.dtype)
