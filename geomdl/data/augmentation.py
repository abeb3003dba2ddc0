"""Random changes of training images, inside the jitted step: motions, and squares cut out."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.actions.grid import shift_crop, turn
from geomdl.actions.warp import rotation_matrix, warp
from geomdl.data.checks import number, whole_number
from geomdl.errors import invalid


@dataclass(frozen=True)
class Augmentation:
    """One random motion per image: x ↦ shift(turn(flip(x(A⁻¹ p)))), with A = s R(θ).

    A pure function of (images, key), so it is jitted with the training step. Options at their defaults do nothing, and
    cost nothing. Quarter turns, flips and shifts are exact (pixels are moved, never mixed); rotation and scale resample
    once, by cubic B-splines (:func:`geomdl.actions.warp.warp`). What enters the frame is 0. Last, ``cutout`` sets a
    square to 0.

    Attributes:
      rotation: θ uniform in ± this many degrees; 180 for all rotations.
      quarter_turns: also turn by 0, 90, 180 or 270°, equally often.
      flip: also flip left and right, half of the time.
      shift: also shift by whole pixels, uniform in ± this many, in each direction.
      scale: s log-uniform in [1/(1 + scale), 1 + scale].
      cutout: set a square of this many pixels a side to 0, its centre uniform over the pixels; the part that sticks out
        of the image is lost. Of an even side the centre is the first pixel below and to the right of the middle.

    Raises:
      ValueError: an option is out of range.

    References:
      DeVries & Taylor, Improved regularization of convolutional neural networks with Cutout, 2017.

    >>> images = jnp.arange(32.0).reshape(2, 4, 4, 1)
    >>> moved = Augmentation(quarter_turns=True, flip=True)(images, jax.random.key(0))
    >>> bool((jnp.sort(moved.reshape(2, 16)) == images.reshape(2, 16)).all())
    True
    """

    rotation: float = 0.0
    quarter_turns: bool = False
    shift: int = 0
    flip: bool = False
    scale: float = 0.0
    cutout: int = 0

    def __post_init__(self):
        number("augmentation.rotation", self.rotation)
        if self.rotation > 180:
            raise invalid("augmentation.rotation", self.rotation, "degrees in [0, 180]", 180)
        whole_number("augmentation.shift", self.shift, least=0)
        whole_number("augmentation.cutout", self.cutout, least=0)
        number("augmentation.scale", self.scale)
        for key in ("quarter_turns", "flip"):
            if not isinstance(getattr(self, key), bool):
                raise invalid(f"augmentation.{key}", getattr(self, key), "true or false")

    @property
    def is_identity(self) -> bool:
        """Whether nothing is done."""
        return self == Augmentation()

    def __call__(self, images: ArrayLike, key: jax.Array) -> jax.Array:
        """Moves, and cuts, each image by its own draw.

        Args:
          images: ``[batch, height, width, channels]``, floating point.
          key: a JAX random key; the same key gives the same motions and the same squares.

        Returns:
          Images of the same shape and dtype.

        Raises:
          ValueError: quarter turns of images that are not square.
        """
        images = jnp.asarray(images)
        batch, height, width = images.shape[:3]
        warp_key, turn_key, flip_key, shift_key = jax.random.split(key, 4)
        cut_keys = jax.random.split(jax.random.fold_in(key, 4))
        if self.rotation or self.scale:
            angle, scale = jax.random.uniform(warp_key, (2, batch), minval=-1.0, maxval=1.0)
            factor = (1.0 + self.scale) ** scale
            matrices = factor[:, None, None] * rotation_matrix(self.rotation * angle)
            images = warp(images, matrices.astype(images.dtype))
        if self.flip:
            flipped = jax.random.bernoulli(flip_key, shape=(batch, 1, 1, 1))
            images = jnp.where(flipped, images[:, :, ::-1], images)
        if self.quarter_turns:
            if height != width:
                raise invalid(
                    "augmentation.quarter_turns", True, f"false for {height}×{width} images, which are not square"
                )
            turns = jax.random.randint(turn_key, (batch,), 0, 4)
            images = jax.vmap(lambda image, k: turn(image[None], 0, k)[0])(images, turns)
        if self.shift:
            shifts = jax.random.randint(shift_key, (batch, 2), -self.shift, self.shift + 1)
            images = jax.vmap(lambda image, by: shift_crop(image[None], by)[0])(images, shifts)
        if self.cutout:
            centres = [jax.random.randint(k, (batch, 1), 0, n) for k, n in zip(cut_keys, (height, width), strict=True)]
            rows, columns = (_within(c, n, self.cutout) for c, n in zip(centres, (height, width), strict=True))
            cut = rows[:, :, None, None] & columns[:, None, :, None]
            images = jnp.where(cut, jnp.zeros((), images.dtype), images)
        return images


def _within(centre: jax.Array, size: int, side: int) -> jax.Array:
    """Which of ``size`` pixels lie in an interval of ``side`` pixels about each centre, ``[batch, size]``."""
    offset = jnp.arange(size) - centre + side // 2
    return (offset >= 0) & (offset < side)
