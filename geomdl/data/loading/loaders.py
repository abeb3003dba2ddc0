"""Training batches: small sets live on the device and are gathered inside the jitted step, large sets stream through
grain.

Both are used in one way::

    loader = make_loader(dataset.train, batch_size=128, seed=0)

    @jax.jit
    def train_step(state, fetched, step):
        batch = loader.select(fetched, step)  # {"image": [batch, H, W, C] in [0, 1], "label": ..., ...}
        ...

    for step in range(start_step, last_step):
        state = train_step(state, loader.fetch(step), step)

The batch of a step is a function of (split, batch size, seed, step): nothing about the loader needs saving to resume.
Where several processes train together, each streams only its own rows of every batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax.typing import ArrayLike

from geomdl.data.checks import require_image_dtype
from geomdl.data.draws import derived_seed
from geomdl.data.loading.batches import network_images
from geomdl.data.loading.shuffle import EpochOrder, shuffled
from geomdl.data.types import Split, arrays_of
from geomdl.errors import invalid
from geomdl.numbers import whole_number

Fetched = dict[str, Any]
Batch = dict[str, Any]

DEVICE_LIMIT_BYTES = 2**30
_MOST_STEPS = 2**31
_ORDER = "loader/device"
_READ_AHEAD = 4  # batches
_READ_THREADS = 4


class Loader(Protocol):
    """Batches of a split in a new random order each epoch; what is left over at the end of an epoch is dropped."""

    num_examples: int
    batch_size: int
    steps_per_epoch: int

    def fetch(self, step: int) -> Fetched:
        """Host side: what ``select`` needs for this step."""
        ...

    def select(self, fetched: Fetched, step: ArrayLike) -> Batch:
        """Device side, pure, for use under ``jax.jit``: the batch of this step: ``image``, ``label``, targets."""
        ...

    def indices(self, step: int) -> np.ndarray:
        """The places in the split of the examples of this step."""
        ...

    def close(self) -> None:
        """Stops threads and processes; the loader is not to be used afterwards."""
        ...


class DeviceLoader:
    """Holds the split on the device; the step gathers its batch there, so nothing is transferred while training.

    The order of epoch e is the permutation :func:`geomdl.data.loading.shuffle.shuffled` with the key
    fold_in(key(seed), e).

    Args:
      split: the examples.
      batch_size: images in a batch.
      seed: of the order.
    """

    def __init__(self, split: Split, batch_size: int, seed: int):
        _check(split, batch_size, seed)
        self.num_examples = len(split)
        self.batch_size = batch_size
        self.steps_per_epoch = len(split) // batch_size
        self._seed = derived_seed(seed, _ORDER)
        self._resident = {
            "image": jnp.asarray(np.asarray(split.images)),
            **jax.tree.map(lambda values: jnp.asarray(np.asarray(values)), {"label": split.labels, **split.targets}),
        }

    def fetch(self, step: int) -> Fetched:
        """The resident arrays, the same ones at every step."""
        return self._resident

    def select(self, fetched: Fetched, step: ArrayLike) -> Batch:
        """Gathers the examples of this step and scales them to [0, 1]."""
        chosen = self._chosen(step)
        batch = jax.tree.map(lambda values: jnp.take(values, chosen, axis=0), fetched)
        return {**batch, "image": network_images(batch["image"])}

    def indices(self, step: int) -> np.ndarray:
        """The places in the split of the examples of this step."""
        return np.asarray(self._chosen(step))

    def _chosen(self, step: ArrayLike) -> jax.Array:
        step = jnp.asarray(step, jnp.int32)
        key = jax.random.fold_in(jax.random.key(self._seed), step // self.steps_per_epoch)
        places = (step % self.steps_per_epoch) * self.batch_size + jnp.arange(self.batch_size, dtype=jnp.int32)
        return shuffled(places, self.num_examples, key)

    def close(self) -> None:
        """Lets go of the device arrays."""
        self._resident = {}


@dataclass(frozen=True)
class _Reading:
    """Reads some rows of the batch of a step, at once: one by one, records cost several times as much."""

    split: Split
    order: EpochOrder
    rows: slice

    def __call__(self, step: int) -> Fetched:
        return self.split.gather(self.order.indices(step)[self.rows])


class StreamLoader:
    """Reads ahead through grain: threads, or ``worker_count`` processes where decoding is what limits.

    The order is that of the :class:`DeviceLoader`, so both give the same batches. Steps are meant to be fetched one
    after the other; a fetch of any other step starts a new reader there, so resuming needs no replay. Of several
    processes, number i of n fetches the i-th of n equal pieces of every batch; put together they are the batch that one
    process would fetch.

    Args:
      split: the examples.
      batch_size: images in a batch, of all processes together.
      seed: of the order.
      start_step: the step that is fetched first.
      worker_count: processes that decode; 0 takes threads.
      part: (i, n): which piece of every batch is fetched.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        seed: int,
        *,
        start_step: int = 0,
        worker_count: int = 0,
        part: tuple[int, int] = (0, 1),
    ):
        import grain

        _check(split, batch_size, seed)
        whole_number("worker_count", worker_count, least=0)
        process, count = part
        if batch_size % count:
            nearest = max(1, round(batch_size / count)) * count
            raise invalid("training.batch_size", batch_size, f"a multiple of the {count} processes", nearest)
        self.num_examples = len(split)
        self.batch_size = batch_size
        self.steps_per_epoch = len(split) // batch_size
        self._worker_count = worker_count
        order, size = EpochOrder(len(split), batch_size, derived_seed(seed, _ORDER)), batch_size // count
        self._order = order
        rows = slice(process * size, (process + 1) * size)
        self._steps: Any = grain.MapDataset.range(_MOST_STEPS).map(_Reading(split, order, rows))
        self._reader: Iterator[Fetched] | None = None
        self._next = start_step

    def fetch(self, step: int) -> Fetched:
        """The batch of this step, as NumPy arrays in the split's own type."""
        if self._reader is None or step != self._next:
            self._open(step)
        self._next = step + 1
        return next(self._reader)  # pyright: ignore[reportArgumentType]

    def select(self, fetched: Fetched, step: ArrayLike) -> Batch:
        """Scales the fetched images to [0, 1]."""
        targets = {name: jax.tree.map(jnp.asarray, values) for name, values in fetched.items() if name != "image"}
        return {"image": network_images(fetched["image"]), **targets}

    def indices(self, step: int) -> np.ndarray:
        """The places in the split of the examples of this step."""
        return self._order.indices(step)

    def close(self) -> None:
        """Stops the reader's threads and processes."""
        if self._reader is not None:
            self._reader.close()  # pyright: ignore[reportAttributeAccessIssue]
            self._reader = None

    def _open(self, step: int) -> None:
        import grain

        self.close()
        options = grain.ReadOptions(num_threads=_READ_THREADS, prefetch_buffer_size=_READ_AHEAD)
        steps = self._steps.slice(slice(step, None)).to_iter_dataset(options)
        if self._worker_count:
            # grain asks for this flag's value also where the program has not parsed any (in tests, notebooks).
            if (flag := "grain_enable_multiprocess_worker_profiling") in flags.FLAGS:  # of some versions
                flags.FLAGS[flag].present = True
            steps = steps.mp_prefetch(grain.MultiprocessingOptions(num_workers=self._worker_count))
        self._reader = iter(steps)


def make_loader(
    split: Split,
    batch_size: int,
    seed: int,
    *,
    start_step: int = 0,
    device_limit_bytes: int = DEVICE_LIMIT_BYTES,
    worker_count: int = 0,
    part: tuple[int, int] = (0, 1),
) -> Loader:
    """The loader that suits a split: on the device where it is held in memory and fits, else streaming.

    Args:
      split: training examples.
      batch_size: images in a batch.
      seed: of the order.
      start_step: the step that will be fetched first.
      device_limit_bytes: images and labels that take more than this stream.
      worker_count: processes that read and decode for a stream; 0: threads of this process.
      part: (i, n): a stream fetches the i-th of n pieces of every batch; the device path holds the whole split.

    Raises:
      ValueError: the batch size is not in [1, number of examples], or another argument is out of range.

    >>> split = Split(np.zeros((5, 2, 2, 1), np.float32), np.arange(5, dtype=np.int32))
    >>> loader = make_loader(split, batch_size=2, seed=0)
    >>> loader.steps_per_epoch, loader.select(loader.fetch(0), 0)["image"].shape
    (2, (2, 2, 2, 1))
    """
    whole_number("start_step", start_step, least=0)
    held = (split.images, *(a for target in (split.labels, *split.targets.values()) for a in arrays_of(target)))
    if split.in_memory and sum(_bytes(values) for values in held) <= device_limit_bytes:
        return DeviceLoader(split, batch_size, seed)
    return StreamLoader(split, batch_size, seed, start_step=start_step, worker_count=worker_count, part=part)


def _bytes(values: Any) -> int:
    """How many bytes an array takes, or what is read on demand would take."""
    return int(np.prod(values.shape)) * np.dtype(values.dtype).itemsize


def _check(split: Split, batch_size: int, seed: int) -> None:
    if not len(split):
        raise invalid("split", split, "a split with at least one example")
    require_image_dtype(split.images.dtype)
    whole_number("training.batch_size", batch_size, most=len(split))
    whole_number("seed", seed, least=0)
