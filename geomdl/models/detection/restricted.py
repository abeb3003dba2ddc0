"""The last convolution of a head, to fields of a subgroup."""

from flax import nnx

from geomdl.layers import Conv, Layer, Restrict
from geomdl.representations import FieldType


def to_fields(in_type: FieldType, out_type: FieldType, kernel_size: int, rngs: nnx.Rngs) -> list[Layer]:
    """A convolution that keeps the size, behind a restriction where the fields that go out are of a subgroup.

    Args:
      in_type: what comes in.
      out_type: what goes out.
      kernel_size: odd.
      rngs: initialises the weights.

    >>> features, scores = FieldType("C8", "2 regular"), FieldType("C4", "3 trivial")
    >>> [type(layer).__name__ for layer in to_fields(features, scores, 1, nnx.Rngs(0))]
    ['Restrict', 'Conv']
    """
    layers: list[Layer] = []
    if in_type.group != out_type.group:
        layers.append(Restrict(in_type, out_type.group))  # type: ignore[arg-type]
        in_type = layers[-1].out_type
    return [*layers, Conv(in_type, out_type, kernel_size, padding=kernel_size // 2, rngs=rngs)]
