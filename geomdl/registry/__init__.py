"""Names for things: what is registered, what plug-ins bring, and objects of anybody's modules and files.

A `Registry` maps the names that a config may use to classes. Besides its own names it takes those of plug-ins (entry
points of installed packages), ``package.module:Name``, and ``path/file.py:Name``. Nothing here imports JAX or NumPy.
"""

from geomdl.registry.config_classes import is_config_class
from geomdl.registry.function_config import function_config, option_names, options, signature_of
from geomdl.registry.references import (
    canonical,
    is_reference,
    load,
    place_in_own_code,
    reference_of,
    said,
    somebodys_code,
)
from geomdl.registry.registry import Entry, Registry, UnknownName

__all__ = [
    "Entry",
    "Registry",
    "UnknownName",
    "canonical",
    "function_config",
    "is_config_class",
    "is_reference",
    "load",
    "option_names",
    "options",
    "place_in_own_code",
    "reference_of",
    "said",
    "signature_of",
    "somebodys_code",
]

__experimental__ = [
    "Entry", "canonical", "function_config", "is_config_class", "is_reference", "load", "option_names", "options",
    "place_in_own_code", "reference_of", "said", "signature_of", "somebodys_code",
]  # fmt: skip
