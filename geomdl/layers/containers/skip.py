"""The skip connection of U-Nets: the input, cropped, beside the output of a deeper path."""

import dataclasses

import jax
import jax.numpy as jnp

from geomdl.equivariance.contracts.composition import side_by_side
from geomdl.equivariance.contracts.contract import Contract, Size, exact_everywhere
from geomdl.errors import invalid
from geomdl.groups import along
from geomdl.layers.core.layer import Child, Field, Layer, Resampled


class Skip(Layer):
    """Crop and concatenate: y = (c(x), f(x)) along the channels, c the central crop to the size of f(x).

    A central crop takes as much from either side, so it commutes with flips and quarter turns, and so does the whole
    where f does. It needs sizes whose difference is even; others are refused, for no crop of theirs is centred.

    Args:
      body: f, which keeps the scale: its output has one pixel for each pixel of the input, at the same places, though
        perhaps fewer at the border.

    Raises:
      ValueError: when f changes the scale.

    References:
      Ronneberger, Fischer & Brox, U-Net: convolutional networks for biomedical image segmentation, MICCAI 2015.

    >>> from flax import nnx
    >>> from geomdl.layers import Conv
    >>> from geomdl.representations import FieldType
    >>> image, features = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
    >>> skip = Skip(Conv(image, features, 3, rngs=nnx.Rngs(0)))
    >>> skip.out_type, skip(jnp.ones((1, 7, 7, 1))).shape
    (FieldType(C4, "1 trivial + 2 regular"), (1, 5, 5, 9))
    """

    def __init__(self, body: Layer) -> None:
        if body.contract.stride != 1:
            raise invalid(
                "stride of the body of Skip", str(body.contract.stride), "1: it gives back the scale it takes", 1
            )
        self.body = body
        self.in_type, self.out_type = body.in_type, body.in_type + body.out_type

    @property
    def contract(self) -> Contract:
        """What the body promises, at sizes that can be cropped centrally."""
        body = self.body.contract
        kept = dataclasses.replace(exact_everywhere(self.in_type, linear=True), offset=body.offset)
        joined = side_by_side([body, kept], self.in_type, self.out_type)
        return dataclasses.replace(joined, output_size=self.output_size)

    def output_size(self, size: Size) -> Size:
        """That of the body. Raises ValueError when the input cannot be cropped to it centrally."""
        found = self.body.contract.output_size(size)
        self._margins(size, found)
        return found

    def children(self, size: Size) -> list[Child]:
        """The body."""
        return [Child("body", self.body, size)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Applies the body and puts the cropped input before it. Raises ValueError when no crop is centred."""
        y = self.body(x, train=train, key=key)
        size = y.shape[1:-1]
        kept = (slice(start, start + n) for start, n in zip(self._margins(x.shape[1:-1], size), size, strict=True))
        return jnp.concatenate([x[(slice(None), *kept)], y], -1)

    def _margins(self, size: Size, inner: Size) -> Size:
        """Pixels above and to the left of the central crop."""
        contract, shown = self.body.contract, "x".join(map(str, inner))
        margins = tuple((n - m) // 2 for n, m in zip(size, inner, strict=True))
        if any(n < m or (n - m) % 2 for n, m in zip(size, inner, strict=True)):
            allowed = f"sides longer by an even number of pixels than the {shown} that its body gives"
            nearest = (max(n, m) + (n - m) % 2 for n, m in zip(size, inner, strict=True))
            raise invalid("image in Skip", "x".join(map(str, size)), allowed, "x".join(map(str, nearest)))
        if contract.reach is not None and margins != along(contract.offset, len(margins)):
            allowed = (
                f"sides whose middle is that of the {shown} that its body gives; they begin {contract.offset} pixels in"
            )
            raise invalid("image in Skip", "x".join(map(str, size)), allowed)
        return margins
