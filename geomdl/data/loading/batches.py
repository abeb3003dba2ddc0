"""Batches for evaluation: every image once, in order."""

from collections.abc import Iterator
from typing import TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.data.checks import whole_number
from geomdl.data.types import Split


class EvalBatch(TypedDict):
    """A batch, padded to full size; ``mask`` is 1 for an example and 0 for padding.

    Attributes:
      image: ``[batch, height, width, channels]``.
      label: of each image.
      mask: ``[batch]``.
    """

    image: jax.Array
    label: jax.Array
    mask: jax.Array


def unit_interval(images: ArrayLike) -> jax.Array:
    """Images as floating-point numbers: unsigned integers are divided by their largest value, floats stay.

    Args:
      images: of any shape.

    >>> unit_interval(np.array([0, 255], np.uint8))
    Array([0., 1.], dtype=float32)
    """
    images = jnp.asarray(images)
    if jnp.issubdtype(images.dtype, jnp.unsignedinteger):
        return images.astype(jnp.float32) / jnp.iinfo(images.dtype).max
    return images


def eval_batches(split: Split, batch_size: int) -> Iterator[EvalBatch]:
    """The examples of a split in order, all batches of one size.

    The last batch is filled up with zeros, whose mask is 0: no example is dropped, none counts twice, and the jitted
    function that takes the batches compiles once.

    Args:
      split: what to run through.
      batch_size: images in a batch.

    Yields:
      ``{"image": [batch, H, W, C] in [0, 1], "label": [batch] or [batch, classes], "mask": [batch] float32}``.

    Raises:
      ValueError: the batch size is not a positive whole number.

    >>> split = Split(np.zeros((3, 2, 2, 1), np.float32), np.array([0, 1, 0], np.int32))
    >>> [batch["mask"].tolist() for batch in eval_batches(split, 2)]
    [[1.0, 1.0], [1.0, 0.0]]
    """
    whole_number("batch_size", batch_size)
    return _batches(split, batch_size)


def _batches(split: Split, batch_size: int) -> Iterator[EvalBatch]:
    for start in range(0, len(split), batch_size):
        stop = min(start + batch_size, len(split))
        batch = split.gather(np.arange(start, stop))

        def padded(values: np.ndarray, missing: int = start + batch_size - stop) -> jax.Array:
            return jnp.asarray(np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1)))

        mask = padded(np.ones(stop - start, np.float32))
        yield EvalBatch(image=unit_interval(padded(batch["image"])), label=padded(batch["label"]), mask=mask)
