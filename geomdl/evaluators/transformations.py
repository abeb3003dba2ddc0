"""Transformations of evaluation batches: images, and their targets with them."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.actions import ImageTransformation, Shift
from geomdl.actions.disc import disc
from geomdl.actions.grid import turn
from geomdl.actions.labels import warp_labels
from geomdl.actions.warp import rotate, rotation_matrix
from geomdl.data import IGNORED, EvalBatch, TargetKind
from geomdl.errors import invalid
from geomdl.groups import C4, SO2, C, PlanarGroup

Kinds = Mapping[str, TargetKind]
"""The kinds of the targets of a batch, by their names."""


@dataclass(frozen=True)
class Rotation:
    """Turns all images counter-clockwise by one angle: exactly where it maps pixels to pixels, else by resampling.

    Off the grid, labels of pixels outside the largest disc about the centre are ``fill``.

    Attributes:
      degrees: of the angle.

    >>> Rotation(90.0).labels(jnp.array([[[0, 1], [2, 3]]]), -1)
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    >>> Rotation(45.0).group, Rotation(180.0).group, Rotation(7.5).group
    (C8, C2, SO2)
    """

    degrees: float

    @property
    def group(self) -> PlanarGroup:
        """C_N for an angle of whole degrees, else SO(2)."""
        whole = round(self.degrees)
        return C(360 // int(np.gcd(360, whole))) if whole == self.degrees else SO2

    @property
    def linear(self) -> jax.Array:
        """R(θ); with entries −1, 0 and 1 for quarter turns."""
        if self.degrees % 90 == 0:
            return jnp.asarray(C4.matrix(np.array([0, round(self.degrees / 90) % 4])), jnp.float32)
        return rotation_matrix(np.float32(self.degrees))

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(2)

    def images(self, x: jax.Array) -> jax.Array:
        """Zeros come in from outside."""
        return rotated_images(x, self.degrees)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """``fill`` outside the disc, off the grid."""
        size = (y.shape[1], y.shape[2])
        if on_grid(self.degrees, size):
            return turn(y, 0, round(self.degrees / 90) % 4)
        return jnp.where(disc(size), _rotate_maps(y, np.float32(self.degrees), fill), fill)


def finite_angles(degrees: Sequence[float]) -> list[float]:
    """Angles as Python floats.

    Raises:
      ValueError: for none, and for NaN or infinity.
    """
    angles = [float(d) for d in degrees]
    if not angles or not np.isfinite(angles).all():
        raise invalid("degrees", angles, "one finite angle or more", [0.0, 90.0])
    return angles


def on_grid(degrees: float, size: tuple[int, int]) -> bool:
    """Whether a rotation maps the pixels of a frame (height, width) to pixels of the frame.

    Args:
      degrees: of the rotation about the centre of the frame.
      size: (height, width).

    >>> on_grid(90, (4, 4)), on_grid(90, (4, 6)), on_grid(180, (4, 6))
    (True, False, True)
    """
    return degrees % 180 == 0 or (degrees % 90 == 0 and size[0] == size[1])


def rotated_images(images: jax.Array, degrees: float) -> jax.Array:
    """Images ``[batch, height, width, channels]`` turned about their centre: exactly on the grid, else resampled.

    Args:
      images: see above.
      degrees: counter-clockwise.
    """
    if on_grid(degrees, (images.shape[1], images.shape[2])):
        return _quarter_turns(images, round(degrees / 90) % 4)
    return _rotate(images, np.float32(degrees))


def rotated_maps(maps: jax.Array, degrees: float) -> jax.Array:
    """Label maps ``[batch, height, width]`` turned about their centre; off the grid, −1 outside the disc."""
    return Rotation(degrees).labels(maps, IGNORED)


def moved_batch(batch: EvalBatch, transformation: ImageTransformation, kinds: Kinds) -> EvalBatch:
    """The batch with its images moved, and each target as its kind says; the mask, and targets without kind, stay.

    Args:
      batch: what is moved.
      transformation: of all images.
      kinds: of the targets.
    """
    size = tuple(batch["image"].shape[1:-1])
    moved = {name: kind.moved(batch[name], transformation, size) for name, kind in kinds.items()}
    return {**batch, **moved, "image": transformation.images(batch["image"])}


def shifted_batch(batch: EvalBatch, shift: tuple[int, int], mode: str, kinds: Kinds) -> EvalBatch:
    """The batch with its images, and its targets, moved (rows down, columns right).

    Args:
      batch: what is moved.
      shift: in pixels.
      mode: of `SHIFTS`: ``"circular"``, or ``"crop"``: zeros enter, and the label −1.
      kinds: of the targets.
    """
    return _shifted(batch, np.asarray(shift, np.int32), mode == "circular", tuple(kinds.items()))


@functools.partial(jax.jit, static_argnames=("circular", "kinds"))
def _shifted(
    batch: EvalBatch, pixels: jax.Array, circular: bool, kinds: tuple[tuple[str, TargetKind], ...]
) -> EvalBatch:
    return moved_batch(batch, Shift(pixels, circular), dict(kinds))


@functools.partial(jax.jit, static_argnames="count")
def _quarter_turns(images: jax.Array, count: int) -> jax.Array:
    return rotate(images, 90 * count)


@jax.jit
def _rotate(images: jax.Array, degrees: jax.Array) -> jax.Array:
    return rotate(images, degrees)


@functools.partial(jax.jit, static_argnames="fill")
def _rotate_maps(maps: jax.Array, degrees: jax.Array, fill: int) -> jax.Array:
    return warp_labels(maps, rotation_matrix(degrees), fill=fill)


SHIFTS = ("circular", "crop")
"""How shifted images lose, or do not lose, what leaves the frame."""
