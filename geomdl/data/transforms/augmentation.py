"""Random changes of training images, inside the jitted step: transformations, and squares cut out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.actions import Cutout, ImageTransformation, LeftRightFlip, QuarterTurns, Shift, Warp
from geomdl.actions.warp import PLANE_AXES, rotation_matrix
from geomdl.arrays import as_array, as_floating
from geomdl.data.checks import number
from geomdl.data.class_indices import class_indices
from geomdl.data.targets import MapTarget, TargetKind
from geomdl.errors import invalid, misshapen
from geomdl.layers.core.data_axis import per_example
from geomdl.numbers import whole_number
from geomdl.random_keys import as_key


@dataclass(frozen=True)
class Augmentation:
    """One random transformation per image: x ↦ shift(turn(flip(x(A⁻¹ p)))), with A = s R(θ).

    A pure function of (images, key), so it is jitted with the training step; on a device that holds a part of the batch
    (:mod:`geomdl.layers.core.data_axis`), the transformations are those the images get in the whole batch. Options at
    their defaults
    do nothing, and cost nothing. Quarter turns, flips and shifts are exact (pixels are moved, never mixed); rotation
    and scale resample once, by cubic B-splines (:func:`geomdl.actions.warp.warp`). What enters the frame is 0. Last,
    ``cutout`` sets a square to 0.

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

    def __call__(self, images: ArrayLike, key: jax.Array | int) -> jax.Array:
        """Moves, and cuts, each image by its own draw.

        Args:
          images: ``[batch, height, width, channels]``, floating point; any type of numbers where pixels are only moved.
          key: a JAX random key, or a seed; the same key gives the same transformations and the same squares.

        Returns:
          Images of the same shape and dtype.

        Raises:
          ValueError: quarter turns of images that are not square; rotation and scale of whole numbers, which would have
            to be rounded (`geomdl.data.unit_interval` first); images of another number of axes.
        """
        return self.batch({"image": jnp.asarray(as_array(images, "images"))}, {}, as_key(key))["image"]

    def pair(self, images: ArrayLike, maps: ArrayLike, key: jax.Array | int) -> tuple[jax.Array, jax.Array]:
        """Moves images and their label maps by the same draws, the images exactly as without label maps.

        Quarter turns, flips and shifts move every label with its pixel; under rotation and scale a pixel gets the label
        of the nearest one (:func:`geomdl.actions.labels.warp_labels`). What enters the frame, and what is cut out, is
        labelled −1: there is nothing to see, so no loss counts it.

        Args:
          images: ``[batch, height, width, channels]``, floating point.
          maps: ``[batch, height, width]``, integers of any type, or bool.
          key: a JAX random key, or a seed.

        Returns:
          Images of the same shape and dtype, and maps of the same shape, int32.

        Raises:
          ValueError: maps of another size than the images, or quarter turns of images that are not square.

        >>> images = jnp.arange(32.0).reshape(2, 4, 4, 1)
        >>> moved, maps = Augmentation(quarter_turns=True, flip=True).pair(
        ...     images, images[..., 0].astype(jnp.int32), jax.random.key(0)
        ... )
        >>> bool((moved[..., 0].astype(jnp.int32) == maps).all())
        True
        """
        images, maps = jnp.asarray(as_array(images, "images")), class_indices(maps, None, "label map")
        if maps.shape != images.shape[:3]:
            raise invalid("shape of the label maps", maps.shape, f"that of the images, {images.shape[:3]}")
        moved = self.batch({"image": images, "label": maps}, {"label": _MAPS}, as_key(key))
        return moved["image"], moved["label"]

    def batch(
        self, batch: Mapping[str, jax.Array], kinds: Mapping[str, TargetKind], key: jax.Array
    ) -> dict[str, jax.Array]:
        """Moves images and each of their targets as its kind says, by the same draws.

        Args:
          batch: ``image`` ``[batch, height, width, channels]``, floating point, and targets by their names.
          kinds: of the targets that are to move; whatever else is in the batch stays as it is.
          key: a JAX random key, or a seed.

        Returns:
          The batch, of the same shapes and dtypes.

        Raises:
          ValueError: quarter turns of images that are not square, or a transformation that a target cannot follow.
        """
        moved = dict(batch)
        if moved["image"].ndim != 4:
            raise misshapen("images", moved["image"].shape, PLANE_AXES)
        if self.rotation or self.scale:
            moved["image"] = jnp.asarray(as_floating(moved["image"], "images to rotate or scale"))
        size = (moved["image"].shape[1], moved["image"].shape[2])
        for transformation in self._transformations(len(moved["image"]), size, key):
            for name, kind in kinds.items():
                moved[name] = kind.moved(moved[name], transformation, size)
            moved["image"] = transformation.images(moved["image"])
        return moved

    def _transformations(self, count: int, size: tuple[int, int], key: jax.Array) -> Iterator[ImageTransformation]:
        """What is done to so many images, one after the other."""
        height, width = size
        warp_key, turn_key, flip_key, shift_key = jax.random.split(key, 4)
        cut_keys = jax.random.split(jax.random.fold_in(key, 4))
        if self.rotation or self.scale:
            draws = per_example(lambda n: jax.random.uniform(warp_key, (2, n), minval=-1.0, maxval=1.0).T, count)
            angle, scale = draws.T
            factor = (1.0 + self.scale) ** scale
            yield Warp(factor[:, None, None] * rotation_matrix(self.rotation * angle))
        if self.flip:
            yield LeftRightFlip(per_example(lambda n: jax.random.bernoulli(flip_key, shape=(n,)), count))
        if self.quarter_turns:
            if height != width:
                raise invalid(
                    "augmentation.quarter_turns", True, f"false for {height}×{width} images, which are not square"
                )
            yield QuarterTurns(per_example(lambda n: jax.random.randint(turn_key, (n,), 0, 4), count))
        if self.shift:
            reach = self.shift
            yield Shift(per_example(lambda n: jax.random.randint(shift_key, (n, 2), -reach, reach + 1), count))
        if self.cutout:

            def cut_along(key: jax.Array, size: int) -> jax.Array:
                centres = per_example(lambda n: jax.random.randint(key, (n, 1), 0, size), count)
                return _within(centres, size, self.cutout)

            rows, columns = map(cut_along, cut_keys, (height, width))
            yield Cutout(rows[:, :, None] & columns[:, None, :])


_MAPS = MapTarget(2**31 - 1)  # a map's classes do not matter for how it moves


def _within(centre: jax.Array, size: int, side: int) -> jax.Array:
    """Which of ``size`` pixels lie in an interval of ``side`` pixels about each centre, ``[batch, size]``."""
    offset = jnp.arange(size) - centre + side // 2
    return (offset >= 0) & (offset < side)
