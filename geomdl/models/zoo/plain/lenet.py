"""LeNet-1 and LeNet-5: as published, and as they are built today."""

import dataclasses
import functools
import itertools

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.layers import ConnectedConv, Layer, TrainableSubsampling
from geomdl.layers.core.layer import Field, Fields
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice
from geomdl.representations import FieldType

LENET_5_TABLE = (
    *(tuple((i + j) % 6 for j in range(3)) for i in range(6)),
    *(tuple((i + j) % 6 for j in range(4)) for i in range(6)),
    *((i, i + 1, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)
"""The six maps of S2 that each of the sixteen of C3 sees; table I of the paper."""

LENET_1_TABLE = tuple(
    tuple(2 * half + i for i in row) for half in (0, 1) for row in ((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1))
)
"""The four maps of S2 that each of the twelve of C3 sees: 20 links."""


@dataclasses.dataclass(frozen=True)
class LeNetConfig(ZooConfig):
    """LeNet-1 (1990) and LeNet-5 (1998), for digits.

    ==============  ================================================================================================
    ``"5"``         convolutions of 6 and (by the connection table of the paper) 16 maps of 5 × 5, trainable
                    subsampling after each, dense layers of 120 and 84 units, scaled tanh, and radial basis functions
                    with fixed centres at the output: 60,000 parameters
    ``"5-modern"``  the same with full connections, maxima in place of subsampling and a linear output, as in tutorials
                    and in the lectures: 61,706 parameters at 32 × 32 × 1
    ``"1"``         convolutions of 4 and (by a table) 12 maps, subsampling, and a dense output: 2,578 parameters at
                    28 × 28 × 1
    ==============  ================================================================================================

    The twins are exact at multiples of 4 pixels, the usual 28 and 32 among them.

    The centres of the outputs are ±1 images of the digits, of 7 × 12 pixels; ours are those of the usual font of 5 × 7,
    stretched, where the paper's were drawn by hand. For other numbers of classes or of units they are random signs. The
    class scores are the negative squared distances to the centres.

    Args:
      variant: as above.
      activation: None: scaled tanh, and ReLU in the modern form.

    Raises:
      ValueError: for an unknown variant, or images of less than 16 pixels.

    References:
      LeCun et al., Handwritten digit recognition with a back-propagation network, NIPS 1990. LeCun, Bottou, Bengio &
      Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 1998, §II.

    >>> [LeNetConfig(variant=v).parameter_count((32, 32, 1), 10) for v in ("5", "5-modern")]
    [60000, 61706]
    >>> LeNetConfig(variant="1").parameter_count((28, 28, 1), 10)
    2578
    """

    variant: str = "5"
    activation: str = ""

    def __post_init__(self) -> None:
        require_choice("variant", self.variant, ("5", "5-modern", "1"))
        if not self.activation:
            object.__setattr__(self, "activation", "relu" if self.variant == "5-modern" else "scaled_tanh")
        super().__post_init__()

    def network(self, net: Chain, num_classes: int) -> None:
        """Two convolutions with subsampling, dense layers, class scores."""
        first, table = (4, LENET_1_TABLE) if self.variant == "1" else (6, LENET_5_TABLE)
        modern = self.variant == "5-modern"
        net.conv(first, 5, padding=0)
        if modern:
            net.act().max_pool(2).conv(16, 5, padding=0).act().max_pool(2)
        else:
            net.act()
            self._subsampled(net)
            self._connected(net, table)
            self._subsampled(net)
        if self.variant == "1":
            net.flat_dense(None, fields=num_classes).invariant()
            return
        net.flat_dense(120).act().dense(84).act()
        if modern:
            net.scores(num_classes)
        else:
            net.invariant()
            net.add(RadialBasis(net.field_type, num_classes))

    def _subsampled(self, net: Chain) -> None:
        net.add(TrainableSubsampling(net.field_type)).act()

    def _connected(self, net: Chain, table: tuple[tuple[int, ...], ...]) -> None:
        """The connected convolution; at other widths the pattern of the table is repeated."""
        count, given = self.fields_for(len(table)), net.field_type.num_fields
        paper = 1 + max(itertools.chain(*table))
        rows = [
            sorted({i for i in range(given) if i % paper in table[o % len(table)]} or {o % given}) for o in range(count)
        ]
        out_type = FieldType(self.points, [(count, self.hidden)])
        net.add(ConnectedConv(net.field_type, out_type, 5, rows, rngs=net.rngs)).act()


class RadialBasis(Layer):
    """Negative squared distances to fixed centres: y_j = −Σ_i (x_i − c_ij)².

    Args:
      in_type: scalar fields.
      num_classes: of the centres.

    >>> scores = RadialBasis(FieldType("C1", "84 trivial"), 10)(jnp.asarray(centres(10, 84)))
    >>> scores.argmax(1).tolist(), bool(scores[3, 3] == 0)
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], True)
    """

    def __init__(self, in_type: FieldType, num_classes: int) -> None:
        self.in_type = in_type
        self.out_type = FieldType(in_type.group, f"{num_classes} trivial")

    @property
    def contract(self) -> Contract:
        """Exact: scalars stay scalars."""
        return exact_everywhere(self.in_type, self.out_type)

    def multiply_adds(self, size: tuple[int, ...]) -> int:
        """One square for each unit and class."""
        return self.in_type.size * self.out_type.size

    def apply(self, x: Field) -> Fields:
        """Maps ``[batch, ..., units]`` to ``[batch, ..., classes]``."""
        self.in_type.require_channels(x.shape[-1], "the input of RadialBasis")
        codes = jnp.asarray(centres(self.out_type.size, self.in_type.size), x.dtype)
        return -jnp.sum((x[..., None, :] - codes) ** 2, -1)


_FONT = (
    "01110 10001 10011 10101 11001 10001 01110", "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00010 00100 01000 11111", "11111 00010 00100 00010 00001 10001 01110",
    "00010 00110 01010 10010 11111 00010 00010", "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110", "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110", "01110 10001 10001 01111 00001 00010 01100",
)  # fmt: skip


@functools.cache
def centres(num_classes: int, units: int) -> np.ndarray:
    """The centres ``[classes, units]`` of the outputs of LeNet-5, of +1 and −1.

    >>> print("\\n".join("".join(" #"[int(v > 0)] for v in row) for row in centres(10, 84)[7].reshape(12, 7)))
     #####
         #
         #
        #
        #
       #
       #
      #
      #
      #
      #
      #
    """
    if (num_classes, units) != (10, 84):
        return np.random.default_rng(0).choice([-1.0, 1.0], (num_classes, units))
    images = np.zeros((10, 12, 7))
    for image, rows in zip(images, _FONT, strict=True):
        pixels = np.array([[int(bit) for bit in row] for row in rows.split()])
        image[:, 1:6] = np.repeat(pixels, [1, 2, 2, 2, 2, 2, 1], axis=0)
    return 2 * images.reshape(10, 84) - 1
