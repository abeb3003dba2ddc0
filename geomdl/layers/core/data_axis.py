"""The device axis over which a layer averages batch statistics when it runs on several devices.

Under `jax.shard_map` and `jax.pmap` a layer is traced for the part of the batch that one device holds. What a layer
computes from the whole batch, statistics and random numbers, must not depend on how many devices there are: while a
program is traced inside `data_axis`, `batch_mean` is over all devices, and `per_example` draws for the whole batch and
takes the device's own part. Everywhere else (one device, or `jax.jit` over a mesh, where a traced batch is whole) they
do nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
import jax.numpy as jnp

_AXIS: ContextVar[tuple[str, int] | None] = ContextVar("geomdl_data_axis", default=None)


@contextmanager
def data_axis(name: str, devices: int) -> Iterator[None]:
    """Says that the batch is split over an axis of the mesh, in equal parts, in order.

    Args:
      name: of the axis in `jax.shard_map` or `jax.pmap`.
      devices: how many parts there are.
    """
    token = _AXIS.set((name, devices))
    try:
        yield
    finally:
        _AXIS.reset(token)


def data_axis_name() -> str | None:
    """The name of that axis, for what averages by itself; None where the batch is whole."""
    axis = _AXIS.get()
    return None if axis is None else axis[0]


def data_axis_size() -> int:
    """How many parts the batch is split into; 1 where it is whole."""
    axis = _AXIS.get()
    return 1 if axis is None else axis[1]


def batch_mean(part: jax.Array) -> jax.Array:
    """The mean over the whole batch, from the mean over this device's part.

    >>> with data_axis("data", 2):
    ...     jax.vmap(batch_mean, axis_name="data")(jax.numpy.array([1.0, 3.0]))
    Array([2., 2.], dtype=float32)
    """
    axis = _AXIS.get()
    return part if axis is None else jax.lax.pmean(part, axis[0])


def per_example(draw: Callable[[int], jax.Array], batch: int) -> jax.Array:
    """Random numbers for this device's examples: those they would get on one device.

    Args:
      draw: from a batch size to an array whose first axis is the batch.
      batch: examples of this device.

    >>> per_example(lambda batch: jax.numpy.arange(batch), 3)
    Array([0, 1, 2], dtype=int32)
    """
    axis = _AXIS.get()
    return draw(batch) if axis is None else own_part(draw(batch * axis[1]))


def own_part(whole: jax.Array) -> jax.Array:
    """This device's part of an array whose first axis is the whole batch."""
    axis = _AXIS.get()
    if axis is None:
        return whole
    count = whole.shape[0] // axis[1]
    return jax.lax.dynamic_slice_in_dim(whole, jax.lax.axis_index(axis[0]) * count, count)


def gathered(part: jax.Array) -> jax.Array:
    """The whole batch, from this device's part; the inverse of `own_part`."""
    axis = _AXIS.get()
    return part if axis is None else jax.lax.all_gather(part, axis[0], tiled=True)


def of_neighbours(part: jax.Array) -> jax.Array:
    """For each example the one before it in the whole batch; for the first the last.

    >>> of_neighbours(jax.numpy.arange(4)).tolist()
    [3, 0, 1, 2]
    >>> with data_axis("data", 2):
    ...     jax.vmap(of_neighbours, axis_name="data")(jax.numpy.arange(4).reshape(2, 2)).tolist()
    [[3, 0], [1, 2]]
    """
    axis = _AXIS.get()
    if axis is None:
        return jnp.roll(part, 1, axis=0)
    name, devices = axis
    last = jax.lax.ppermute(part[-1:], name, [(i, (i + 1) % devices) for i in range(devices)])
    return jnp.concatenate([last, part[:-1]])
