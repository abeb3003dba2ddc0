"""Transformations of evaluation batches: images, and the label maps with them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.actions.grid import roll, shift_crop, turn
from geomdl.actions.labels import warp_labels
from geomdl.actions.warp import rotate, rotation_matrix
from geomdl.data import IGNORED, EvalBatch


def on_grid(degrees: float, size: tuple[int, int]) -> bool:
    """Whether a rotation maps the pixels of a frame (height, width) to pixels of the frame.

    >>> on_grid(90, (4, 4)), on_grid(90, (4, 6)), on_grid(180, (4, 6))
    (True, False, True)
    """
    return degrees % 180 == 0 or (degrees % 90 == 0 and size[0] == size[1])


def disc(size: tuple[int, int]) -> np.ndarray:
    """Which pixels of a frame (height, width) lie in the largest disc about its centre, which no rotation leaves.

    >>> disc((4, 4)).astype(int)
    array([[0, 1, 1, 0],
           [1, 1, 1, 1],
           [1, 1, 1, 1],
           [0, 1, 1, 0]])
    """
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in size)
    return rows[:, None] ** 2 + columns**2 <= (min(size) / 2) ** 2


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
    size = (maps.shape[1], maps.shape[2])
    if on_grid(degrees, size):
        return turn(maps, 0, round(degrees / 90) % 4)
    return jnp.where(disc(size), _rotate_maps(maps, np.float32(degrees)), IGNORED)


def rotated_batch(batch: EvalBatch, degrees: float, *, labels_move: bool) -> EvalBatch:
    """The batch with its images, and its label maps if ``labels_move``, turned counter-clockwise."""
    label = rotated_maps(batch["label"], degrees) if labels_move else batch["label"]
    return EvalBatch(image=rotated_images(batch["image"], degrees), label=label, mask=batch["mask"])


def shifted_batch(batch: EvalBatch, shift: tuple[int, int], mode: str, *, labels_move: bool) -> EvalBatch:
    """The batch with its images, and its label maps if ``labels_move``, moved (rows down, columns right).

    Args:
      batch: what is moved.
      shift: in pixels.
      mode: ``"circular"``, or ``"crop"``: zeros enter, and the label −1.
      labels_move: whether labels are maps.
    """
    move, by = SHIFTS[mode], np.asarray(shift, np.int32)
    label = batch["label"]
    if labels_move:
        label = move(label, by) if mode == "circular" else move(label, by, IGNORED)
    return EvalBatch(image=move(batch["image"], by), label=label, mask=batch["mask"])


@functools.partial(jax.jit, static_argnames="count")
def _quarter_turns(images: jax.Array, count: int) -> jax.Array:
    return rotate(images, 90 * count)


@jax.jit
def _rotate(images: jax.Array, degrees: jax.Array) -> jax.Array:
    return rotate(images, degrees)


@jax.jit
def _rotate_maps(maps: jax.Array, degrees: jax.Array) -> jax.Array:
    return warp_labels(maps, rotation_matrix(degrees), fill=IGNORED)


SHIFTS = {"circular": jax.jit(roll), "crop": jax.jit(shift_crop)}
"""How shifted images lose, or do not lose, what leaves the frame."""
