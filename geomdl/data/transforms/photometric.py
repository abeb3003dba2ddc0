"""Changes of the colours of images, each image by its own numbers: brightness, contrast, saturation, hue, lighting.

In light 0 is black and 1 is white (see `Levels`). Nothing is cut off at 0 and 1, so that a bright image may go beyond.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid

LUMA = (0.299, 0.587, 0.114)
"""How much of red, green and blue is in grey, of ITU-R 601."""

IMAGENET_LIGHTING = tuple(
    tuple(deviation * entry for entry in direction)
    for deviation, direction in (
        (0.2175, (-0.5675, -0.5808, -0.5836)),
        (0.0188, (0.7192, -0.0045, -0.6948)),
        (0.0045, (0.4009, -0.8140, 0.4203)),
    )
)
"""Principal components of the colours of ImageNet in [0, 1], each times its standard deviation, as fb.resnet.torch has
them and others since."""


@dataclass(frozen=True)
class Levels:
    """What the numbers of an image mean: x = (light − mean) / std.

    Attributes:
      mean: of every channel; empty: 0.
      std: of every channel; empty: 1.

    >>> Levels(mean=(0.5,), std=(0.5,)).in_light(lambda light: 2 * light, jnp.zeros((1, 1, 1, 1))).item()
    1.0
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def in_light(self, function: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
        """A function of the light of images, of their numbers.

        Args:
          function: from ``[batch, height, width, channels]`` in [0, 1] to such.
          x: images as the network gets them.
        """
        mean = jnp.asarray(self.mean or (0.0,), x.dtype)
        std = jnp.asarray(self.std or (1.0,), x.dtype)
        return (function(x * std + mean) - mean) / std


def grey(x: jax.Array) -> jax.Array:
    """``[batch, height, width, 1]``: the luma of RGB, else the mean over the channels.

    >>> round(grey(jnp.array([1.0, 0.0, 0.0]).reshape(1, 1, 1, 3)).item(), 3)
    0.299
    """
    if x.shape[-1] != 3:
        return x.mean(-1, keepdims=True)
    return (x * jnp.asarray(LUMA, x.dtype)).sum(-1, keepdims=True)


def blended(x: jax.Array, towards: jax.Array, factor: jax.Array) -> jax.Array:
    """x' = f x + (1 − f) y, f of each image: 1 changes nothing, 0 gives y, more than 1 goes away from y.

    >>> blended(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1)), jnp.array([1.5])).item()
    1.5
    """
    f = factor.astype(x.dtype).reshape(-1, 1, 1, 1)
    return f * x + (1 - f) * towards


def turned_hue(x: jax.Array, turn: jax.Array) -> jax.Array:
    """RGB images whose hue is turned, at the same value (the largest channel) and chroma (largest minus smallest).

    Args:
      x: ``[batch, height, width, 3]``.
      turn: of each image, in whole turns of the circle of hues: 1/3 makes green of red.

    >>> turned_hue(jnp.array([1.0, 0.0, 0.25]).reshape(1, 1, 1, 3), jnp.array([1 / 3])).round(3).ravel().tolist()
    [0.25, 1.0, 0.0]
    """
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    largest, smallest = x.max(-1), x.min(-1)
    chroma = largest - smallest
    divisor = jnp.where(chroma > 0, chroma, 1)
    sectors = ((green - blue) / divisor, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    sector = jnp.select([x.argmax(-1) == i for i in range(2)], sectors[:2], sectors[2])
    sector = sector + 6 * turn.astype(x.dtype).reshape(-1, 1, 1)
    share = [jnp.clip(jnp.abs(jnp.mod(sector + shift, 6) - 3) - 1, 0, 1) for shift in (0, 4, 2)]
    return smallest[..., None] + chroma[..., None] * jnp.stack(share, -1)


def jittered(x: jax.Array, factors: dict[str, jax.Array]) -> jax.Array:
    """Brightness (towards black), contrast (towards the mean grey of the image), saturation (towards grey), then hue.

    Args:
      x: ``[batch, height, width, channels]``.
      factors: by these names, one number per image; what is not there is not changed.
    """
    if "brightness" in factors:
        x = blended(x, jnp.zeros_like(x), factors["brightness"])
    if "contrast" in factors:
        x = blended(x, grey(x).mean((1, 2), keepdims=True), factors["contrast"])
    if "saturation" in factors:
        x = blended(x, grey(x), factors["saturation"])
    return turned_hue(x, factors["hue"]) if "hue" in factors else x


def require_rgb(option: str, value: object, channels: int) -> None:
    """Raises ValueError for an option that asks for colours, of images of another number of channels than three."""
    if channels != 3:
        raise invalid(f"augmentation.{option}", value, f"0 for images of {channels} channels, which are no RGB", 0)


def lighting_components(images: np.ndarray | Sequence) -> tuple[tuple[float, ...], ...]:
    """Principal components of the colours of images, for ``augmentation.lighting_components``.

    Row j is s_j p_j: p_j the j-th principal direction of the channels over all pixels, s_j the standard deviation along
    it.

    Args:
      images: ``[n, height, width, channels]``, such as the training set: whole numbers as value / largest value.

    >>> images = np.zeros((2, 1, 1, 2), np.float32)
    >>> images[1] = (0.6, 0.8)
    >>> [[round(abs(v), 3) for v in row] for row in lighting_components(images)]
    [[0.3, 0.4], [0.0, 0.0]]
    """
    x = np.asarray(images)
    if x.ndim != 4:
        raise invalid("shape of the images", x.shape, "[n, height, width, channels]")
    scale = np.iinfo(x.dtype).max if x.dtype.kind in "iu" else 1
    pixels = x.reshape(-1, x.shape[-1])
    mean = pixels.mean(0, dtype=np.float64)
    centred = pixels.T.astype(np.float64) - mean[:, None]
    values, directions = np.linalg.eigh(centred @ centred.T / len(pixels))
    rows = (np.sqrt(np.maximum(values, 0)) * directions)[:, ::-1].T / scale
    return tuple(tuple(float(v) for v in row) for row in rows)
