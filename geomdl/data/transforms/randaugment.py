"""RandAugment: a few operations out of a list, all of one magnitude, drawn for each image.

For m = magnitude / 30 and a sign drawn for each operation that has one:

=============  ===========================================================================================
identity       nothing
shear_x, _y    by ± 0.3 m
translate_x,   by ± 150 / 331 m of the width or height
_y
rotate         by ± 30° m
brightness,    blended with factor 1 ± 0.9 m towards black, the mean grey of the image, grey, and the image
contrast,      smoothed by the 3 × 3 filter [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13
saturation,
sharpness
posterize      light rounded down to 2^(8 − round(4 m)) levels
solarize       light above 1 − m becomes 1 − light
autocontrast   each channel stretched, so that its least and greatest number are 0 and 1
equalize       each channel mapped so that its histogram of 256 levels becomes as flat as it can
=============  ===========================================================================================

These are the operations and magnitudes of torchvision's ``RandAugment``. The maps of the plane of an image are joined,
so that it is resampled once, before the colours change.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from geomdl.data.transforms.photometric import blended, grey
from geomdl.layers.core.data_axis import per_example

MOST = 30.0
"""The greatest magnitude."""

MAPS = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
COLOURS = ("brightness", "contrast", "saturation", "sharpness", "posterize", "solarize", "autocontrast", "equalize")
OPERATIONS = ("identity", *MAPS, *COLOURS)
"""From which operations are drawn, equally often. (Saturation of images that are not RGB: towards the mean channel.)"""


class Drawn(NamedTuple):
    """What was drawn for each image.

    Attributes:
      operations: ``[batch, n]`` indices into `OPERATIONS`.
      signs: ``[batch, n]``, 1 or −1.
    """

    operations: jax.Array
    signs: jax.Array

    @classmethod
    def draw(cls, key: jax.Array, count: int, operations: int) -> "Drawn":
        """So many operations for so many images."""
        which, sign = jax.random.split(key)
        chosen = per_example(lambda n: jax.random.randint(which, (n, operations), 0, len(OPERATIONS)), count)
        signs = per_example(lambda n: jax.random.rademacher(sign, (n, operations), float), count)
        return cls(chosen, signs)

    def affine(self, magnitude: float, size: tuple[int, int]) -> tuple[jax.Array, jax.Array]:
        """A ``[batch, 2, 2]`` and t ``[batch, 2]`` of the maps in turn: (x to the right, y up) ↦ A p + t."""
        share = magnitude / MOST
        matrix = jnp.broadcast_to(jnp.eye(2), (len(self.operations), 2, 2))
        offset = jnp.zeros((len(self.operations), 2))
        for i in range(self.operations.shape[1]):
            on = {name: self._chosen(name, i) * self.signs[:, i] for name in MAPS}
            angle = jnp.deg2rad(30.0 * share) * on["rotate"]
            turn = jnp.stack([jnp.cos(angle), -jnp.sin(angle), jnp.sin(angle), jnp.cos(angle)], -1).reshape(-1, 2, 2)
            shear = 0.3 * share * jnp.stack([on["shear_x"], on["shear_y"]], -1)
            step = turn + shear[:, :, None] * jnp.array([[0.0, 1.0], [1.0, 0.0]])
            far = 150 / 331 * share * jnp.array([size[1], size[0]], jnp.float32)
            by = far * jnp.stack([on["translate_x"], on["translate_y"]], -1)
            offset = jnp.einsum("nij,nj->ni", step, offset, precision="highest") + by
            matrix = jnp.einsum("nij,njk->nik", step, matrix, precision="highest")
        return matrix, offset

    def recoloured(self, x: jax.Array, magnitude: float) -> jax.Array:
        """Light ``[batch, height, width, channels]`` after the operations on colours, in turn."""
        share = magnitude / MOST
        for i in range(self.operations.shape[1]):
            factor = 1 + 0.9 * share * self.signs[:, i]
            whole = grey(x)
            blends = {
                "brightness": jnp.zeros_like(x),
                "contrast": whole.mean((1, 2), keepdims=True),
                "saturation": whole,
                "sharpness": _smoothed(x),
            }
            y = x
            for name, towards in blends.items():
                y = jnp.where(self._image(name, i), blended(x, towards, factor), y)
            levels = 2.0 ** (8 - round(4 * share))
            y = jnp.where(self._image("posterize", i), jnp.floor(jnp.clip(x, 0, 1 - 1e-6) * levels) / levels, y)
            y = jnp.where(self._image("solarize", i) & (x > 1 - share), 1 - x, y)
            y = jnp.where(self._image("autocontrast", i), _stretched(x), y)
            x = jnp.where(self._image("equalize", i), _equalized(x), y)
        return x

    def _chosen(self, name: str, i: int) -> jax.Array:
        return (self.operations[:, i] == OPERATIONS.index(name)).astype(jnp.float32)

    def _image(self, name: str, i: int) -> jax.Array:
        return (self.operations[:, i] == OPERATIONS.index(name))[:, None, None, None]


def _smoothed(x: jax.Array) -> jax.Array:
    """By the 3 × 3 filter of Pillow's SMOOTH; pixels at the border stay as they are."""
    if min(x.shape[1:3]) < 3:
        return x
    height, width = x.shape[1:3]
    total = 4 * x[:, 1:-1, 1:-1]
    for i in range(3):
        for j in range(3):
            total = total + x[:, i : height - 2 + i, j : width - 2 + j]
    return x.at[:, 1:-1, 1:-1].set(total / 13)


def _stretched(x: jax.Array) -> jax.Array:
    """Each channel of each image from 0 to 1; a constant one stays."""
    least, most = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    return jnp.where(most > least, (x - least) / jnp.where(most > least, most - least, 1), x)


def _equalized(x: jax.Array) -> jax.Array:
    """Each channel of each image with its histogram made flat, in 256 levels, as ``PIL.ImageOps.equalize`` does.

    With h_j pixels of level j, and s = ⌊(pixels − pixels of the highest level that is there) / 255⌋, level i becomes
    ⌊(⌊s / 2⌋ + Σ_{j < i} h_j) / s⌋, at most 255; where s = 0, nothing changes.
    """
    batch, height, width, channels = x.shape
    levels = jnp.clip(jnp.round(255 * x.astype(jnp.float32)), 0, 255).astype(jnp.int32)
    flat = levels.reshape(batch, height * width, channels).swapaxes(1, 2)  # [batch, channels, pixels]

    def mapped(pixels: jax.Array) -> jax.Array:
        counts = jnp.zeros(256, jnp.int32).at[pixels].add(1)
        step = (height * width - counts[pixels.max()]) // 255
        below = jnp.cumsum(counts) - counts
        table = jnp.minimum((step // 2 + below) // jnp.maximum(step, 1), 255)
        return jnp.where(step > 0, table[pixels], pixels)

    found = jax.vmap(jax.vmap(mapped))(flat).swapaxes(1, 2).reshape(x.shape)
    return jnp.where((found == levels), x.astype(jnp.float32), found.astype(jnp.float32) / 255).astype(x.dtype)
