"""Several processes that train one network together: how they agree, and how their arrays are made.

Every process runs the same program on the same config. Arrays on all devices are made by JAX; what is said here goes
through the key-value store of JAX's coordinator, which process 0 runs, and needs no device. With one process everything
here does nothing.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

T = TypeVar("T")

_PATIENCE = 24 * 3600  # seconds; that a process has died is noticed long before, by its heartbeat
_numbers = itertools.count()


class DistributedError(ValueError):
    """The processes of a run that do not find one another, or do not fit together."""


class ElsewhereError(DistributedError):
    """An error that another process of the run reported."""


def alone() -> bool:
    """Whether this is the only process of the run."""
    return jax.process_count() == 1


def first() -> bool:
    """Whether this is process 0, which writes what is written once."""
    return jax.process_index() == 0


def exchange(value: Any) -> list[Any]:
    """Returns what every process gives, in their order. All must call it, in the same order of calls.

    Args:
      value: of plain lists, dicts, strings and numbers.
    """
    if alone():
        return [value]
    coordinator, number = client(), next(_numbers)
    here, count, patience = jax.process_index(), jax.process_count(), _PATIENCE * 1000
    try:
        coordinator.key_value_set(f"geomdl/{number}/{here}", json.dumps(value))
        if here == 0:
            found = [coordinator.blocking_key_value_get(f"geomdl/{number}/{p}", patience) for p in range(count)]
            coordinator.key_value_set(f"geomdl/{number}/all", f"[{','.join(found)}]")
        return json.loads(coordinator.blocking_key_value_get(f"geomdl/{number}/all", patience))
    except Exception as error:  # one of XLA's
        raise ElsewhereError(f"lost the other processes of the run ({one_line(error)[:200]})") from error


def agreed(value: T) -> T:
    """Returns what process 0 gives; see `exchange`."""
    return exchange(value)[0]


def together(action: Callable[[], T]) -> T:
    """Does something in every process; when it fails in one, it fails in all, with the reason.

    Raises:
      ElsewhereError: names the process that failed, when it is not this one.
    """
    if alone():
        return action()
    failure: Exception | None = None
    result: Any = None
    try:
        result = action()
    except Exception as error:
        failure = error
    reasons = exchange(None if failure is None else one_line(failure))
    if failure is not None:
        raise failure
    for process, reason in enumerate(reasons):
        if reason is not None:
            raise ElsewhereError(f"process {process}: {reason}")
    return result


def by_first(action: Callable[[], object]) -> None:
    """Does something in process 0 while the others wait; when it fails there, it fails everywhere."""
    together(lambda: action() if first() else None)


def require_examples(count: int) -> None:
    """Raises DistributedError where there are more processes than training images."""
    if jax.process_count() > count:
        raise DistributedError(
            f"{jax.process_count()} processes share {count} training images; start at most {count} processes"
        )


def in_order(devices: list[Any]) -> list[Any]:
    """The devices of all processes, those of one process side by side, so that its part of a batch is in one piece.

    Raises:
      DistributedError: when the processes have different numbers of devices.
    """
    counts = {p: sum(d.process_index == p for d in devices) for p in range(jax.process_count())}
    if len(set(counts.values())) > 1:
        raise DistributedError(f"the processes have different numbers of devices: {list(counts.values())}")
    return devices if alone() else sorted(devices, key=lambda d: (d.process_index, d.id))


def replicated(tree: Any, mesh: Mesh) -> Any:
    """Copies arrays that every process has to all devices of the mesh."""
    sharding = NamedSharding(mesh, P())
    own = [d for d in mesh.devices.flat if d.process_index == jax.process_index()]

    def one(value: Any) -> jax.Array:
        if isinstance(value, jax.Array) and not value.is_fully_addressable:
            return value
        return jax.make_array_from_single_device_arrays(
            np.shape(value), sharding, [jax.device_put(value, d) for d in own]
        )

    return jax.tree.map(one, tree)


def joined(part: Any, mesh: Mesh, axis: str) -> Any:
    """Makes one array, split over the devices, of the part that every process has."""
    sharding = NamedSharding(mesh, P(axis))
    return jax.tree.map(lambda a: jax.make_array_from_process_local_data(sharding, np.asarray(a)), part)


def local(tree: Any) -> Any:
    """Arrays that are on every device, as arrays of one device of this process."""
    return jax.tree.map(lambda a: a.addressable_data(0), tree)


def client() -> Any:
    """Returns the connection to JAX's coordinator; None for a process by itself."""
    from jax._src import distributed  # JAX has no public name for the key-value store

    return distributed.global_state.client


def one_line(error: BaseException) -> str:
    """Returns the message of an error on one line."""
    return " ".join(str(error).split()) or type(error).__name__
