"""geomdl: equivariant and invariant networks in JAX/Flax, and the means to measure their symmetry."""

from typing import TYPE_CHECKING

from geomdl.lazy import lazy_names
from geomdl.version import __version__ as __version__

if TYPE_CHECKING:
    from geomdl.inference import load, pretrained

__all__ = ["load", "pretrained"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(__name__, {"inference": ("load", "pretrained")})
