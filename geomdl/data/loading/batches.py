"""Batches for evaluation: every image once, in order."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.arrays import as_array, widened
from geomdl.data.checks import require_image_dtype
from geomdl.data.targets.kinds import TargetKind
from geomdl.data.types import Split
from geomdl.numbers import whole_number

EvalBatch = dict[str, Any]
"""``image``, ``label`` and further targets, padded to full size; ``mask`` is 1 for an example and 0 for padding."""


def unit_interval(images: ArrayLike) -> jax.Array:
    """Images as floating-point numbers: uint8 and uint16 are divided by their largest value, floats stay.

    Args:
      images: of any shape; what is true or false becomes 1 or 0.

    Raises:
      ValueError: for whole numbers of other types, whose largest value only the user knows, and for complex numbers.

    >>> unit_interval(np.array([0, 255], np.uint8))
    Array([0., 1.], dtype=float32)
    >>> unit_interval(np.array([0, 255]))
    Traceback (most recent call last):
    ValueError: invalid dtype of images 'int64'; allowed: uint8 or uint16, which stand for value / largest value, or
    floating point; from 0 to 255 they are images.astype('uint8')
    """
    images = as_array(images, "images")
    require_image_dtype(images.dtype)
    images = jnp.asarray(images)
    if jnp.issubdtype(images.dtype, jnp.unsignedinteger):
        return images.astype(jnp.float32) / jnp.iinfo(images.dtype).max
    return images.astype(jnp.float32) if images.dtype == bool else images


def network_images(images: ArrayLike) -> jax.Array:
    """`unit_interval`, in float32 at least: the precision of a network is that of its config, not that of a file."""
    return widened(unit_interval(images))


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
      ValueError: the batch size is not a positive whole number, or the images are whole numbers besides uint8 and
        uint16, or complex.

    >>> split = Split(np.zeros((3, 2, 2, 1), np.float32), np.array([0, 1, 0], np.int32))
    >>> [batch["mask"].tolist() for batch in eval_batches(split, 2)]
    [[1.0, 1.0], [1.0, 0.0]]
    """
    whole_number("batch_size", batch_size)
    require_image_dtype(split.images.dtype)
    return _batches(split, batch_size, kinds or {})


def _batches(split: Split, batch_size: int, kinds: Mapping[str, TargetKind]) -> Iterator[EvalBatch]:
    for start in range(0, len(split), batch_size):
        stop = min(start + batch_size, len(split))
        missing = start + batch_size - stop

        def padded(values: Any, value: Any = 0, missing: int = missing) -> Any:
            if isinstance(values, Mapping):
                of_each = value if isinstance(value, Mapping) else dict.fromkeys(values, value)
                return {name: padded(held, of_each[name]) for name, held in values.items()}
            values = np.asarray(values)
            return jnp.asarray(np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1), constant_values=value))

        batch = split.gather(np.arange(start, stop))
        if not split.in_memory:  # what is read on demand has not been looked at
            for name, kind in kinds.items():
                kind.require(jax.tree.map(np.asarray, batch[name]), batch["image"], f"images {start} to {stop - 1}")
        targets = {
            name: padded(values, kinds[name].padding if name in kinds else 0)
            for name, values in batch.items()
            if name != "image"
        }
        mask = padded(np.ones(stop - start, np.float32))
        yield {"image": network_images(padded(batch["image"])), **targets, "mask": mask}
