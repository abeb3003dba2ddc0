"""The recursive structure of a U-Net: each level downsamples, applies the level below, upsamples and joins."""

from collections.abc import Callable

from geomdl.layers import Layer, Skip
from geomdl.representations import FieldType

Block = Callable[[FieldType, int], list[Layer]]
"""The layers of a level, from what comes in: ``(in_type, level)``."""
Path = Callable[[list[Layer], int], Layer]
"""There and back: what leads from a level through the layers below it to fields of the level: ``(below, level)``."""


def unet_skeleton(in_type: FieldType, depth: int, block: Block, path: Path, level: int = 0) -> list[Layer]:
    """The layers of a U-Net without its last one: block, a skip around everything below, block.

      f_k = b'_k ∘ (1, p_k(f_{k+1})) ∘ b_k,   f_depth = b_depth.

    Args:
      in_type: what comes in.
      depth: levels below the first.
      block: b_k and b'_k.
      path: p_k, made of the level below it.
      level: k.

    >>> from flax import nnx
    >>> from geomdl.layers import Conv, ReducedSize, Sequential
    >>> image, fields = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
    >>> def block(t, level):
    ...     return [Conv(t, fields, 3, padding="same", rngs=nnx.Rngs(0))]
    >>> layers = unet_skeleton(image, 1, block, lambda below, level: ReducedSize(Sequential(below)))
    >>> [type(layer).__name__ for layer in layers], layers[1].out_type
    (['Conv', 'Skip', 'Conv'], FieldType(C4, "2 regular + 2 regular"))
    """
    before = block(in_type, level)
    if level == depth:
        return before
    skip = Skip(path(unet_skeleton(before[-1].out_type, depth, block, path, level + 1), level))
    return [*before, skip, *block(skip.out_type, level)]
