"""Which of Pallas's backends for GPUs the installed JAX has, and supports."""

from typing import Literal

import jax
from jax.experimental import pallas

from geomdl.errors import invalid

Backend = Literal["triton", "mosaic"]

TRITON_UNTIL = (0, 12)
"""JAX's version from which on its Triton backend warns that it will be removed."""

_NEEDED = ("kernel", "layout_cast", "load", "mma", "store")
"""What `geomdl.layers.convolution.algorithms.mosaic_kernel` calls, much of which is newer than the backend."""


def gpu_backend() -> Backend:
    """The backend that the fused convolution is written for: Triton's, or Mosaic's where JAX keeps Triton's no longer.

    Raises:
      ValueError: where the installed JAX has neither.

    >>> gpu_backend() in ("triton", "mosaic")
    True
    """
    found = _backend()
    if found is None:
        raise invalid("method", "fused", f"'dense', 'factored' or 'auto': {missing_backend()}", "'factored'")
    return found


def missing_backend() -> str | None:
    """What the installed JAX lacks for the fused convolution; None where it has a backend."""
    if _backend() is not None:
        return None
    return (
        f"JAX {jax.__version__}'s Pallas has no backend for GPUs that the fused convolution is written for (Triton"
        " before JAX 0.12, Mosaic since)"
    )


def _backend() -> Backend | None:
    if jax.__version_info__[:2] < TRITON_UNTIL and _has("triton", ("CompilerParams",)):
        return "triton"
    return "mosaic" if _has("mosaic_gpu", _NEEDED) else None


def _has(backend: str, names: tuple[str, ...]) -> bool:
    """Whether a module of Pallas can be imported and has all these names."""
    try:
        module = __import__(f"{pallas.__name__}.{backend}", fromlist=names)
    except ImportError:
        return False
    return all(hasattr(module, name) for name in names)
