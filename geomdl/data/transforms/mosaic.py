"""Mosaics: four images and their boxes in one."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from geomdl.actions import Shift
from geomdl.data.targets.boxes import BoxTarget
from geomdl.data.targets.kinds import TargetKind
from geomdl.errors import invalid
from geomdl.layers.core.data_axis import data_axis_size, of_neighbours, per_example

PARTS = 4


def require_boxes(share: float, kinds: Mapping[str, TargetKind]) -> None:
    """Raises a ValueError unless all targets are boxes, which is what can be put together from several images.

    Args:
      share: of images that become mosaics.
      kinds: of all targets.

    >>> from geomdl.data import ClassTarget
    >>> require_boxes(0.5, {"label": ClassTarget(3)})
    Traceback (most recent call last):
    ValueError: invalid augmentation.mosaic 0.5; allowed: 0 where labels are classes; only boxes can be put together;
    try 0
    """
    other = [kind.description for kind in kinds.values() if not isinstance(kind, BoxTarget)]
    if other or not kinds:
        what = f"labels are {other[0]}" if other else "there are no boxes"
        raise invalid("augmentation.mosaic", share, f"0 where {what}; only boxes can be put together", 0)


def mosaics(
    batch: Mapping[str, Any], kinds: Mapping[str, TargetKind], key: jax.Array, *, share: float
) -> dict[str, Any]:
    """Puts each image together with the three before it in the batch, whose order is random, around a common corner.

    The corner lies at whole pixels, uniform in the middle half of the image along both axes. The image itself gets one
    of the four quadrants at random, the others follow in reading order. What is seen of an image is the part that lies
    at its own corner: in the top left quadrant its bottom right part. So every part is shifted by whole pixels, exactly
    on the grid, and its boxes with it; they are cut at the frame, and dropped by what is visible of them
    (`geomdl.data.BoxTarget`). There are four times as many places for boxes.

    Args:
      batch: ``image`` ``[batch, height, width, channels]`` and boxes by their names; of a device: its part.
      kinds: of the boxes.
      key: a JAX random key.
      share: of the images that become mosaics; the others stay, with their boxes.

    Raises:
      ValueError: targets that are no boxes, fewer than four images in the batch, or fewer than four pixels a side.

    References:
      Bochkovskiy, Wang & Liao, YOLOv4: optimal speed and accuracy of object detection, 2020, section 3.3.
    """
    require_boxes(share, kinds)
    images = batch["image"]
    count, height, width = images.shape[:3]
    whole = count * data_axis_size()
    if whole < PARTS:
        raise invalid("augmentation.mosaic", share, f"0 with batches of {whole}; a mosaic takes four images", 0)
    if min(height, width) < PARTS:
        raise invalid("augmentation.mosaic", share, f"0 for images of {height}×{width} pixels; at least 4×4", 0)
    place_key, first_key, which_key = jax.random.split(key, 3)
    corners = per_example(lambda n: _corners(place_key, n, (height, width)), count)
    first = per_example(lambda n: jax.random.randint(first_key, (n,), 0, PARTS), count)
    chosen = per_example(lambda n: jax.random.bernoulli(which_key, share, (n,)), count)
    return assembled(batch, kinds, corners, first, chosen)


def assembled(
    batch: Mapping[str, Any], kinds: Mapping[str, TargetKind], corners: jax.Array, first: jax.Array, chosen: jax.Array
) -> dict[str, Any]:
    """The mosaics of a batch.

    Args:
      batch: see `mosaics`.
      kinds: see `mosaics`.
      corners: ``[batch, 2]``, (row, column) of the first pixel of the lower right quadrant.
      first: ``[batch]``, the quadrant of the image itself: 0 top left, 1 top right, 2 bottom left, 3 bottom right.
      chosen: ``[batch]``, which images become mosaics.
    """
    count, height, width = batch["image"].shape[:3]
    parts = [{name: batch[name] for name in ("image", *kinds)}]
    for _ in range(PARTS - 1):
        parts.append(jax.tree.map(of_neighbours, parts[-1]))
    of_all = jax.tree.map(lambda *values: jnp.concatenate(values), *parts)  # the first parts of all, the second, …
    order = jnp.arange(PARTS)[:, None]
    quadrant = (first + order) % PARTS
    pixels = corners - jnp.stack([(1 - quadrant // 2) * height, (1 - quadrant % 2) * width], -1)
    shift = Shift(jnp.where(chosen[:, None], pixels, 0).reshape(-1, 2))
    seen = (chosen | (order == 0)).reshape(-1)  # what stays as it is is its own first part
    images = jnp.where(seen[:, None, None, None], shift.images(of_all["image"]), 0)
    found = {"image": images.reshape(PARTS, count, *images.shape[1:]).sum(0, dtype=images.dtype)}
    for name, kind in kinds.items():
        held = kind.moved(of_all[name], shift, (height, width))
        held = {
            "boxes": jnp.where(seen[:, None, None], held["boxes"], 0),
            "classes": jnp.where(seen[:, None], held["classes"], -1),
            "difficult": held["difficult"] & seen[:, None],
        }
        found[name] = jax.tree.map(lambda v: _side_by_side(v, count), held)
    return {**batch, **found}


def _side_by_side(values: jax.Array, count: int) -> jax.Array:
    """``[4 batch, k, …]`` as ``[batch, 4 k, …]``."""
    parts = jnp.moveaxis(values.reshape(PARTS, count, *values.shape[1:]), 0, 1)
    return parts.reshape(count, PARTS * values.shape[1], *values.shape[2:])


def _corners(key: jax.Array, count: int, size: tuple[int, int]) -> jax.Array:
    """(rows, columns) ``[count, 2]``, whole pixels; as likely as after a quarter turn or a reflection."""
    least = jnp.array([-(-side // 4) for side in size])
    most = jnp.array([side - (-(-side // 4)) for side in size])
    return jax.random.randint(key, (count, 2), least, most + 1)
