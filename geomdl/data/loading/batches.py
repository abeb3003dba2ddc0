"""Batches for evaluation: every image once, in order."""

from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.data.checks import whole_number
from geomdl.data.targets import TargetKind
from geomdl.data.types import Split

EvalBatch = dict[str, jax.Array]
"""``image``, ``label`` and further targets, padded to full size; ``mask`` is 1 for an example and 0 for padding."""


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


def eval_batches(split: Split, batch_size: int, kinds: Mapping[str, TargetKind] | None = None) -> Iterator[EvalBatch]:
    """The examples of a split in order, all batches of one size.

    The last batch is filled up with zeros (targets with the padding of their kind), whose mask is 0: no example is
    dropped, none counts twice, and the jitted function that takes the batches compiles once.

    Args:
      split: what to run through.
      batch_size: images in a batch.
      kinds: of the targets by their names; those without are padded with zeros.

    Yields:
      ``{"image": [batch, H, W, C] in [0, 1], "label": [batch, …], …, "mask": [batch] float32}``.

    Raises:
      ValueError: the batch size is not a positive whole number.

    >>> split = Split(np.zeros((3, 2, 2, 1), np.float32), np.array([0, 1, 0], np.int32))
    >>> [batch["mask"].tolist() for batch in eval_batches(split, 2)]
    [[1.0, 1.0], [1.0, 0.0]]
    """
    whole_number("batch_size", batch_size)
    return _batches(split, batch_size, kinds or {})


def _batches(split: Split, batch_size: int, kinds: Mapping[str, TargetKind]) -> Iterator[EvalBatch]:
    for start in range(0, len(split), batch_size):
        stop = min(start + batch_size, len(split))
        missing = start + batch_size - stop

        def padded(values: np.ndarray, value: float = 0, missing: int = missing) -> jax.Array:
            return jnp.asarray(np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1), constant_values=value))

        batch = split.gather(np.arange(start, stop))
        targets = {
            name: padded(values, kinds[name].padding if name in kinds else 0)
            for name, values in batch.items()
            if name != "image"
        }
        yield {
            "image": unit_interval(padded(batch["image"])), **targets, "mask": padded(np.ones(stop - start, np.float32))
        }  # fmt: skip
