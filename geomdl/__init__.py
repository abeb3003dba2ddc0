"""geomdl: equivariant and invariant networks in JAX/Flax, and the means to measure their symmetry."""

from typing import TYPE_CHECKING

from geomdl.lazy import lazy_names

if TYPE_CHECKING:
    from geomdl.inference import load

__version__ = "0.1.0"

__all__ = ["load"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(__name__, {"inference": ("load",)})
