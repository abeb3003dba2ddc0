"""The rendezvous of the processes of a run, before anything is computed with JAX."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax

from geomdl.errors import invalid
from geomdl.training.distributed.failure_monitor import FailureMonitor
from geomdl.training.distributed.processes import DistributedError, one_line

DETECT = "detect"
ENVIRONMENT = ("JAX_COORDINATOR_ADDRESS", "JAX_PROCESS_ID", "JAX_NUM_PROCESSES")
_SHUTDOWN = 15  # seconds that a process which failed waits for the others


@dataclass(frozen=True)
class Address:
    """The address of process 0, the number of this process, and how many there are.

    Args:
      host: of process 0.
      port: on which process 0 listens; any that is free there.
      process: number of this process, from 0.
      count: of processes.
      devices: of the machine that this process takes; None for all.
    """

    host: str
    port: int
    process: int
    count: int
    devices: tuple[int, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads ``host:port,process,count``.

        Raises:
          ValueError: for anything else.

        >>> Address.parse("node-1:8476,2,4")
        Address(host='node-1', port=8476, process=2, count=4, devices=None)
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
        return cls(host.strip("[]"), int(port), int(process), int(count))


@contextmanager
def processes(option: str | None, timeout: int = 300) -> Iterator[None]:
    """Joins the processes of a run, and leaves them at the end.

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
    address = detected(timeout) if option == DETECT else Address.parse(option)
    roll_call(address, timeout)
    _join(address, timeout)
    failure_monitor = FailureMonitor()
    try:
        yield
    except Exception as error:
        failure_monitor.tell(error)
        raise
    finally:
        failure_monitor.leave()
    jax.distributed.shutdown()  # after an error JAX does it when the process ends, and does not wait long


def detected(timeout: int) -> Address:
    """What the environment says about the processes.

    Raises:
      DistributedError: when it says nothing.
    """
    named = {name: os.environ.get(name) for name in ENVIRONMENT}
    missing = [name for name, value in named.items() if not value]
    if not missing:
        return Address.parse(",".join(str(value) for value in named.values()))
    if missing[-2:] != list(ENVIRONMENT[1:]):
        raise DistributedError(f"--distributed: {' and '.join(missing)} must be set, as some of {', '.join(named)} are")
    from jax._src.clusters import ClusterEnv  # what jax.distributed.initialize asks

    try:
        found = ClusterEnv.auto_detect_unset_distributed_params(named[ENVIRONMENT[0]], None, None, None, None, timeout)
        where, count, process, devices = found
    except Exception as error:  # of a kind of cluster that is not what it seems
        raise DistributedError(f"--distributed cannot make out the processes ({one_line(error)})") from error
    if where is None or count is None or process is None:
        raise DistributedError(
            "--distributed found no cluster (Slurm, TPU pod, Open MPI, Kubernetes, or the variables "
            f"{', '.join(ENVIRONMENT)}); give --distributed=host:port,process,count to each process"
        )
    host, _, port = where.rpartition(":")
    return Address(host.strip("[]"), int(port), process, count, None if devices is None else tuple(devices))


def roll_call(address: Address, timeout: float) -> None:
    """Waits until all processes are there. Each tells process 0 its number, and hears whether to begin.

    JAX's own coordinator, which takes the port afterwards, ends a process without a reason when one is missing.

    Raises:
      DistributedError: names who is missing, or what is wrong with the address.
    """
    if address.process == 0:
        _call(address, time.monotonic() + timeout, timeout)
    else:
        _answer(address, time.monotonic() + timeout, timeout)


def _call(address: Address, deadline: float, timeout: float) -> None:
    here: dict[int, socket.socket] = {}
    verdict = ""
    try:
        with _listening(address.port) as server:
            while len(here) < address.count - 1 and not verdict:
                server.settimeout(max(0.01, deadline - time.monotonic()))
                try:
                    other, _ = server.accept()
                except TimeoutError:
                    missing = [str(p) for p in range(1, address.count) if p not in here]
                    verdict = f"process {', '.join(missing)} of {address.count} did not come within {timeout:g} s"
                    verdict += " (--distributed_timeout)"
                    break
                try:
                    line = _read_line(other, time.monotonic() + 2)
                    process, count = (int(number) for number in line.removeprefix("geomdl ").split("/"))
                except (OSError, ValueError):
                    other.close()  # something else knocked at the port
                    continue
                if count != address.count:
                    verdict = f"process 0 was told of {address.count} processes, process {process} of {count}"
                elif process in here:
                    verdict = f"two processes have the number {process}"
                here[process] = other
        for other in here.values():
            other.sendall((verdict or "begin").encode() + b"\n")
    finally:
        for other in here.values():
            other.close()
    if verdict:
        raise DistributedError(verdict)


def _listening(port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    try:
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(("", port), family=family, dualstack_ipv6=both, backlog=1024)
    except OSError as error:
        raise DistributedError(
            f"process 0 cannot listen on port {port} ({error.strerror}); give another port to all processes"
        ) from error


def _answer(address: Address, deadline: float, timeout: float) -> None:
    reason = ""
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address.host, address.port), timeout=5) as first:
                first.sendall(f"geomdl {address.process}/{address.count}\n".encode())
                verdict = _read_line(first, deadline + 5)
        except OSError as error:
            reason = error.strerror or str(error)
            time.sleep(0.1)
            continue
        if verdict == "begin":
            return
        if verdict:
            raise DistributedError(verdict)
        reason = "the connection was closed"
        time.sleep(0.1)
    raise DistributedError(
        f"process {address.process} found no process 0 at {address.host}:{address.port} within {timeout:g} s "
        f"({reason}); is it running there, and is the port open? (--distributed_timeout waits longer)"
    )


def _read_line(connection: socket.socket, deadline: float) -> str:
    connection.settimeout(max(0.01, deadline - time.monotonic()))
    with connection.makefile("r", encoding="utf-8", errors="replace") as lines:
        return lines.readline(500).strip()


def _join(address: Address, timeout: int) -> None:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # A stop that was asked for is agreed on between steps; JAX's own service would take the signal away.
    jax.config.update("jax_enable_preemption_service", False)
    host = f"[{address.host}]" if ":" in address.host else address.host
    given: dict[str, Any] = {} if address.devices is None else {"local_device_ids": list(address.devices)}
    try:
        jax.distributed.initialize(
            f"{host}:{address.port}",
            num_processes=address.count,
            process_id=address.process,
            cluster_detection_method="deactivate",
            initialization_timeout=max(60, timeout),
            shutdown_timeout_seconds=_SHUTDOWN,
            **given,
        )
    except Exception as error:  # RuntimeError, or one of XLA's
        raise DistributedError(f"the processes did not come together: {one_line(error)[:300]}") from error
