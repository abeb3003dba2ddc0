"""Several processes that train one network together: how they find one another, and how they agree.

Every process runs the same program on the same config. Arrays on all devices are made by JAX; what is said here goes
through the key-value store of JAX's coordinator, which process 0 runs, and needs no device. With one process everything
here does nothing.
"""

import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from geomdl.errors import invalid

T = TypeVar("T")

DETECT = "detect"
ENVIRONMENT = ("JAX_COORDINATOR_ADDRESS", "JAX_PROCESS_ID", "JAX_NUM_PROCESSES")
_PATIENCE = 24 * 3600  # seconds; that a process has died is noticed long before, by its heartbeat
_SHUTDOWN = 15  # seconds that a process which failed waits for the others
_numbers = itertools.count()


class DistributedError(ValueError):
    """The processes of a run that do not find one another, or do not fit together."""


class ElsewhereError(DistributedError):
    """What went wrong in another process of the run."""


@dataclass(frozen=True)
class Address:
    """Where process 0 can be reached, and which of how many processes this is.

    Args:
      host: of process 0.
      port: on which process 0 listens; any that is free there.
      process: of this process, from 0.
      count: of processes.
    """

    host: str
    port: int
    process: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads ``host:port,process,count``.

        Raises:
          ValueError: for anything else.

        >>> Address.parse("node-1:8476,2,4")
        Address(host='node-1', port=8476, process=2, count=4)
        >>> Address.parse("node-1:8476,4,4")
        Traceback (most recent call last):
        ValueError: invalid --distributed 'node-1:8476,4,4'; allowed: host:port,process,count with a process from 0 to 3
        """
        allowed = "host:port,process,count, e.g. 10.0.0.1:8476,0,2, or --distributed alone, which detects them"
        where, _, numbers = text.partition(",")
        host, _, port = where.rpartition(":")
        process, _, count = numbers.partition(",")
        if not host or not all(n.isascii() and n.isdigit() for n in (port, process, count)):
            raise invalid("--distributed", text, allowed)
        if not 0 < int(port) < 2**16 or int(count) < 1:
            raise invalid("--distributed", text, f"{allowed}; a port from 1 to 65535 and at least one process")
        if int(process) >= int(count):
            raise invalid("--distributed", text, f"host:port,process,count with a process from 0 to {int(count) - 1}")
        return cls(host, int(port), int(process), int(count))


@contextmanager
def processes(option: str | None, timeout: int = 300) -> Iterator[None]:
    """Joins the processes of a run; before anything is computed with JAX.

    Args:
      option: ``host:port,process,count``; ``"detect"`` for what Slurm, a TPU pod, Open MPI, Kubernetes or the variables
        ``JAX_COORDINATOR_ADDRESS``, ``JAX_PROCESS_ID`` and ``JAX_NUM_PROCESSES`` say; None for a process by itself.
      timeout: seconds within which all processes must have come.

    Raises:
      DistributedError: when they have not, or there is nothing to detect.
    """
    if option is None:
        yield
        return
    if timeout < 1:
        raise invalid("--distributed_timeout", timeout, "a positive number of seconds", 300)
    _join(option, timeout)
    try:
        yield
    finally:
        try:
            jax.distributed.shutdown()
        except RuntimeError as error:  # another process has gone already, and has said why
            if alone():
                raise DistributedError(f"the processes did not end together ({_line(error)})") from error


def _join(option: str, timeout: int) -> None:
    named = [os.environ.get(name) for name in ENVIRONMENT]
    if option == DETECT and all(named):
        option = ",".join(str(n) for n in named)
    if option == DETECT and any(named):
        missing = [name for name, value in zip(ENVIRONMENT, named, strict=True) if not value and name != ENVIRONMENT[0]]
        if missing:
            raise DistributedError(f"--distributed: {' and '.join(missing)} must be set with the others")
    address = None if option == DETECT else Address.parse(option)
    if address is not None:
        _require_reachable(address, timeout)
    given: dict[str, Any] = {}
    if address is not None:
        given = {"coordinator_address": f"{address.host}:{address.port}"}
        given |= {"process_id": address.process, "num_processes": address.count}
        given |= {"cluster_detection_method": "deactivate"}
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # A stop that was asked for is agreed on between steps; JAX's own service would take the signal away.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            initialization_timeout=timeout, shutdown_timeout_seconds=_SHUTDOWN, heartbeat_timeout_seconds=100, **given
        )
    except Exception as error:  # ValueError, RuntimeError or one of XLA's
        if address is None and ("should be defined" in str(error) or "must be defined" in str(error)):
            raise DistributedError(
                "--distributed found no cluster (Slurm, TPU pod, Open MPI, Kubernetes, or the variables "
                f"{', '.join(ENVIRONMENT)}); give --distributed=host:port,process,count to each process"
            ) from error
        raise DistributedError(
            f"the processes did not come together within {timeout} s (--distributed_timeout): {_line(error)[:300]}"
        ) from error


def _require_reachable(address: Address, timeout: int) -> None:
    """Raises DistributedError with a reason where JAX would end the process without one."""
    where = f"{address.host}:{address.port}"
    if address.process == 0:
        with socket.socket(socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", address.port))
            except OSError as error:
                raise DistributedError(
                    f"process 0 cannot listen on port {address.port} ({error.strerror}); give another to all processes"
                ) from error
        return
    deadline, reason = time.monotonic() + timeout, ""
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address.host, address.port), timeout=min(5, timeout)).close()
        except OSError as error:
            reason = error.strerror or str(error)
            time.sleep(0.1)
        else:
            return
    raise DistributedError(
        f"process {address.process} found no coordinator at {where} within {timeout} s ({reason}); is process 0 "
        "running there, and is the port open? (--distributed_timeout waits longer)"
    )


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
    client, number = _client(), next(_numbers)
    here, count, patience = jax.process_index(), jax.process_count(), _PATIENCE * 1000
    try:
        client.key_value_set(f"geomdl/{number}/{here}", json.dumps(value))
        if here == 0:
            found = [client.blocking_key_value_get(f"geomdl/{number}/{p}", patience) for p in range(count)]
            client.key_value_set(f"geomdl/{number}/all", f"[{','.join(found)}]")
        return json.loads(client.blocking_key_value_get(f"geomdl/{number}/all", patience))
    except Exception as error:  # one of XLA's
        raise ElsewhereError(f"lost the other processes of the run ({_line(error)[:200]})") from error


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
    reasons = exchange(None if failure is None else _line(failure))
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


def _client() -> Any:
    from jax._src import distributed  # JAX has no public name for the key-value store

    return distributed.global_state.client


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
