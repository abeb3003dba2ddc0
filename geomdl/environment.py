"""What numbers were made with: the versions of packages, and the hardware. Everything that writes it down asks here."""

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import jax

from geomdl.version import __version__

__all__ = ["circumstances", "environment", "hardware", "versions"]

__experimental__ = ["circumstances", "environment", "hardware", "versions"]

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that numbers depend on.

    >>> list(versions())
    ['python', 'geomdl', 'jax', 'jaxlib', 'flax', 'optax', 'orbax-checkpoint', 'numpy']
    """
    found = {"python": platform.python_version(), "geomdl": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def hardware() -> dict[str, Any]:
    """Returns the kind and number of the devices that JAX computes on.

    >>> hardware()["platform"]
    'cpu'
    """
    devices = jax.devices()
    return {
        "platform": devices[0].platform,
        "device": devices[0].device_kind,
        "devices": len(devices),
        "cpu_cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "machine": platform.machine(),
    }


def environment() -> dict[str, str]:
    """Returns versions and hardware in one table of words, for a report.

    >>> list(environment())[:3], environment()["platform"]
    (['python', 'geomdl', 'jax'], 'cpu')
    """
    return {**versions(), **{key: str(value) for key, value in hardware().items()}}


def circumstances(more_versions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the columns ``hardware`` and ``versions`` of a table of results, each as ``"name value, name value"``.

    Args:
      more_versions: of further programs that took part, by name.

    >>> circumstances({"escnn": "1.0.11"})["versions"].endswith("escnn 1.0.11")
    True
    """
    columns = {"hardware": hardware(), "versions": {**versions(), **(more_versions or {})}}
    return {name: ", ".join(f"{k} {v}" for k, v in values.items()) for name, values in columns.items()}
