"""All that is given to a network, in batches: what is of one size together, the next made ready meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid
from geomdl.inference.inputs import Inputs

Network = Callable[[jax.Array], Any]


def in_batches(
    call: Network, inputs: Inputs, given: np.ndarray | list[Any], names: Sequence[str], batch_size: int,
    *, boxes: bool = False,
) -> list[Any]:  # fmt: skip
    """The outputs of all; while one batch is computed, the next is made ready.

    Args:
      call: the network: a batch ↦ an array ``[batch, ..., channels]``, or a dict of arrays.
      inputs: what it takes.
      given: a batch, or one by one.
      names: of all, for errors.
      batch_size: at once.
      boxes: whether outputs are dicts, of detections.

    Raises:
      ValueError: one of them does not fit the network.

    >>> from geomdl.data import Preprocessing
    >>> from geomdl.data.sources.space.fitting import VolumeFitting
    >>> inputs = Inputs.of((2, 2, 1), Preprocessing(1), VolumeFitting())
    >>> [y.item() for y in in_batches(lambda x: x.sum((1, 2)), inputs, np.ones((3, 2, 2, 1)), "abc", 2)]
    [4.0, 4.0, 4.0]
    """
    size = min(batch_size, len(given))
    outputs: list[Any] = [None] * len(given)
    compiled: set[tuple[int, ...]] = set()  # shapes of images of which there was a whole batch
    pending: tuple[Sequence[int], Any] | None = None

    def keep(places: Sequence[int], made: Any) -> None:
        arrays = jax.tree.map(lambda y: np.asarray(y, np.float32), made)
        for row, i in enumerate(places):
            outputs[i] = jax.tree.map(lambda array: array[row], arrays)  # noqa: B023

    for places, batch in _batches(inputs, given, names, size):
        shape = batch.shape[1:]
        made = _batch(call, inputs, batch, size if shape in compiled else len(batch), names[places[0]], boxes)
        compiled |= {shape} if len(batch) == size else set()
        if pending is not None:
            keep(*pending)
        pending = (places, made)
    if pending is not None:
        keep(*pending)
    return outputs


def _batches(
    inputs: Inputs, given: np.ndarray | list[Any], names: Sequence[str], size: int
) -> Iterator[tuple[Sequence[int], np.ndarray]]:
    """The places of images of one size, and these images as the network takes them."""
    if isinstance(given, np.ndarray):
        for start in range(0, len(given), size):
            places = range(start, min(start + size, len(given)))
            yield places, inputs.prepared(given[start : start + size], names[start])
        return
    waiting: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
    for i, (image, name) in enumerate(zip(given, names, strict=True)):
        ready = inputs.prepared(image, name, alone=True)
        alike = waiting.setdefault(ready.shape, [])
        alike.append((i, ready))
        if len(alike) == size:
            yield [i for i, _ in alike], np.stack([image for _, image in alike])
            del waiting[ready.shape]
    for alike in waiting.values():
        yield [i for i, _ in alike], np.stack([image for _, image in alike])


def _batch(call: Network, inputs: Inputs, batch: np.ndarray, size: int, name: str, boxes: bool) -> Any:
    """The outputs of a batch, which is filled up to a size, so that no program is made for the last one alone."""
    filled = batch
    if len(batch) < size:
        filled = np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), batch.dtype)])
    try:
        y = call(jnp.asarray(filled))
    except ValueError as error:
        found, trained = inputs.refused(batch.shape[1:])
        raise ValueError(f"{name}, {found}: {error} ({trained})") from error
    if boxes and isinstance(y, dict):
        return y
    if not hasattr(y, "ndim") or y.ndim < 2:
        raise invalid("output of the network", type(y).__name__, "one array [batch, ..., channels]")
    return y
