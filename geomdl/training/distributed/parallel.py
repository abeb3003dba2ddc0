"""One training step on several devices: a part of every batch on each, the parameters on all.

Which images make a batch, how they are augmented and which units are dropped are those of one device, and the loss is
that of the whole batch: the strategies change how fast a run is, and its numbers by rounding only.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from geomdl.errors import invalid, unknown
from geomdl.layers.core.data_axis import data_axis, gathered, own_part
from geomdl.training.distributed import processes as distributed

AXIS = "data"
StrategyName = Literal["jit", "shard_map", "pmap"]


@dataclass(frozen=True)
class ParallelConfig:
    """The ``parallel`` section of a run's config.

    Args:
      strategy: ``"jit"``: one program over a mesh, which XLA splits; ``"shard_map"``: a program for each device, with
        explicit communication, where each device reads the whole batch before it takes its part;
        ``"pmap"``: the same through `jax.pmap`, for comparison.
      devices: how many take part. None: all of them on GPUs and TPUs; one on CPUs, where more devices
        (``--xla_force_host_platform_device_count``) share the same cores and only take turns, unless there are several
        processes.

    Raises:
      ValueError: for an unknown strategy, or a number of devices below 1.

    >>> ParallelConfig(strategy="pmpa")
    Traceback (most recent call last):
    ...
    ValueError: unknown parallel.strategy 'pmpa'; allowed: jit, shard_map, pmap; did you mean 'pmap'?
    """

    strategy: str = "jit"
    devices: int | None = None

    def __post_init__(self) -> None:
        if self.strategy not in get_args(StrategyName):
            raise unknown("parallel.strategy", self.strategy, get_args(StrategyName))
        if self.devices is not None and self.devices < 1:
            raise invalid("parallel.devices", self.devices, "a positive whole number, or None", 1)

    def build(self, batch_size: int, accumulate: int = 1) -> "Strategy":
        """Returns the strategy on the devices of this machine, or of all processes of the run.

        Args:
          batch_size: images in a step, over all devices.
          accumulate: parts in which each device takes its images.

        Raises:
          ValueError: when there are not so many devices, or the batch cannot be split evenly, or the strategy is not
            one for several processes.
        """
        there = distributed.in_order(jax.devices())
        if not distributed.alone() and self.strategy == "pmap":
            raise unknown("parallel.strategy", self.strategy, ("jit", "shard_map (pmap: in one process only)"))
        usual = 1 if there[0].platform == "cpu" and jax.process_count() == 1 else len(there)
        count = usual if self.devices is None else self.devices
        if count > len(there):
            raise invalid(
                "parallel.devices", count, f"at most the {len(there)} {there[0].platform} devices", len(there)
            )
        if not distributed.alone() and count < len(there):
            raise invalid("parallel.devices", count, f"None, or all {len(there)} of the several processes", len(there))
        if batch_size % count:
            nearest = max(1, round(batch_size / count)) * count
            raise invalid("training.batch_size", batch_size, f"a multiple of the {count} devices", nearest)
        if batch_size // count % accumulate:
            each = batch_size // count
            fitting = [k for k in range(1, each + 1) if each % k == 0]
            nearest = min(fitting, key=lambda k: abs(k - accumulate))
            raise invalid("training.accumulate", accumulate, f"a divisor of the {each} images of a device", nearest)
        if count == 1:
            return Strategy()
        return Strategy(self.strategy, Mesh(np.array(there[:count]), (AXIS,), axis_types=(AxisType.Auto,)))


@dataclass(frozen=True)
class Strategy:
    """How programs run on the devices.

    Attributes:
      name: of `ParallelConfig`.
      mesh: the devices; None for one device, where every method does nothing, or is `jax.jit`.
    """

    name: str = "jit"
    mesh: Mesh | None = field(default=None)

    @property
    def devices(self) -> int:
        """How many devices take part."""
        return 1 if self.mesh is None else self.mesh.size

    @property
    def per_device(self) -> bool:
        """Whether a program is traced for one device and its part of the batch."""
        return self.mesh is not None and self.name != "jit"

    @property
    def part(self) -> tuple[int, int]:
        """Which part of every batch this process reads, of how many."""
        return jax.process_index(), jax.process_count()

    def place(self, tree: Any) -> Any:
        """Copies arrays to every device.

        Also on one device they are bound to it, as arrays of a checkpoint are: of arrays that are bound and others
        that are not JAX would compile another program.
        """
        if self.mesh is None:
            usual = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
            return jax.device_put(tree, usual or jax.local_devices()[0])
        if not distributed.alone():
            return distributed.replicated(tree, self.mesh)
        return jax.device_put(tree, NamedSharding(self.mesh, P()))

    def home(self, tree: Any) -> Any:
        """Copies arrays that are on every device to the first one; of each process, where there are several."""
        if not distributed.alone():
            return distributed.local(tree)
        return tree if self.mesh is None else jax.device_put(tree, self.mesh.devices.flat[0])

    def feed(self) -> Callable[[Any], Any]:
        """Returns the function that brings to the devices what a loader fetched: once, where that stays the same."""
        latest: list[Any] = [None, None]

        def placed(fetched: Any) -> Any:
            if self.mesh is None:
                return fetched
            if fetched is not latest[0]:
                resident = any(isinstance(a, jax.Array) for a in jax.tree.leaves(fetched))
                if not distributed.alone():
                    latest[:] = fetched, self.place(fetched) if resident else self._join(fetched)
                    return latest[1]
                sharding = NamedSharding(self.mesh, P() if resident or self.per_device else P(AXIS))
                latest[:] = fetched, jax.device_put(fetched, sharding)
            return latest[1]

        return placed

    def _join(self, part: Any) -> Any:
        """The whole batch, of the parts that the processes read: split, or on every device where that is wanted."""
        if self.mesh is None:
            return part
        whole = distributed.joined(part, self.mesh, AXIS)
        return jax.jit(_same, out_shardings=NamedSharding(self.mesh, P()))(whole) if self.per_device else whole

    def split(self, images: jax.Array) -> jax.Array:
        """Inside a program: the whole batch to the part that a device computes with."""
        if self.mesh is None:
            return images
        if self.per_device:
            return own_part(images)
        return jax.lax.with_sharding_constraint(images, NamedSharding(self.mesh, P(AXIS)))

    def gather(self, outputs: jax.Array) -> jax.Array:
        """Inside a program: the outputs for the whole batch. Its gradient on each device is ``devices`` times its own
        part's share in that of the loss, so that `mean` gives the whole."""
        return gathered(outputs) if self.per_device else outputs

    def mean(self, tree: Any) -> Any:
        """Inside a program: the mean over what the devices have found."""
        return jax.lax.pmean(tree, AXIS) if self.per_device else tree

    def compile(self, program: Callable[..., Any], *, donate: bool = False) -> Callable[..., Any]:
        """Returns a program of positional arguments, compiled; arguments and results are the same on all devices.

        On CPU devices each call waits for the one before: programs that communicate would wait for one another for ever
        where there are fewer cores than devices.

        Args:
          program: uses `split`, `gather` and `mean` inside.
          donate: whether the first argument may be overwritten.
        """
        donated = (0,) if donate else ()
        if self.mesh is None:
            return jax.jit(program, donate_argnums=donated)
        run = self._compiled(program, donated)
        if self.mesh.devices.flat[0].platform != "cpu":
            return run

        @functools.wraps(program)
        def one_at_a_time(*args: Any) -> Any:
            return jax.block_until_ready(run(*args))

        return one_at_a_time

    def whole(self, compiled: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a compiled program that takes and gives arrays of this process, which all processes have alike."""
        if distributed.alone():
            return compiled
        return lambda *args: self.home(compiled(*self.place(args)))

    def _compiled(self, program: Callable[..., Any], donated: tuple[int, ...]) -> Callable[..., Any]:
        mesh, count = self.mesh, self.devices
        if mesh is None or not self.per_device:
            everywhere = None if mesh is None else NamedSharding(mesh, P())
            return jax.jit(program, donate_argnums=donated, out_shardings=everywhere)

        def part(*args: Any) -> Any:
            with data_axis(AXIS, count):
                return program(*args)

        if self.name == "shard_map":
            mapped = jax.shard_map(part, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False)
            return jax.jit(mapped, donate_argnums=donated)

        def numbered(number: jax.Array, *args: Any) -> Any:  # pmap wants one argument that is split
            del number
            return part(*args)

        numbers = jax.device_put(jnp.arange(count), NamedSharding(mesh, P(AXIS)))

        @functools.lru_cache
        def compiled(arguments: int) -> Callable[..., Any]:
            return jax.pmap(
                numbered,
                AXIS,
                in_axes=(0, *[None] * arguments),  # pyright: ignore[reportArgumentType]
                out_axes=None,  # pyright: ignore[reportArgumentType]
                devices=list(mesh.devices.flat),
                donate_argnums=tuple(i + 1 for i in donated),
            )

        return lambda *args: compiled(len(args))(numbers, *args)


def _same(tree: Any) -> Any:
    return tree


def padded(images: jax.Array, devices: int) -> jax.Array:
    """Adds zeros behind the images until the devices can share them evenly."""
    missing = -len(images) % devices
    return jnp.pad(images, [(0, missing)] + [(0, 0)] * (images.ndim - 1)) if missing else images
