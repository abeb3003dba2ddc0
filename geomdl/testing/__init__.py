"""Property tests of symmetry, for any model: assertions, hypothesis strategies, and a pytest plugin.

Nothing is imported before it is used, so that the plugin costs nothing in projects that do not use it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geomdl.testing.assertions import SymmetryError, assert_contract, assert_equivariant, assert_invariant
    from geomdl.testing.random_images import blobs, low_pass_noise, natural_like, white_noise
    from geomdl.testing.strategies import dtypes, elements, field_types, groups, images, sizes
    from geomdl.testing.trial import UNKNOWN_DEPTH, Case, Judgement, Trial

_HOME = {
    "assertions": ("SymmetryError", "assert_contract", "assert_equivariant", "assert_invariant"),
    "random_images": ("blobs", "low_pass_noise", "natural_like", "white_noise"),
    "strategies": ("dtypes", "elements", "field_types", "groups", "images", "sizes"),
    "trial": ("UNKNOWN_DEPTH", "Case", "Judgement", "Trial"),
}

__all__ = [
    "UNKNOWN_DEPTH", "Case", "Judgement", "SymmetryError", "Trial", "assert_contract", "assert_equivariant",
    "assert_invariant", "blobs", "dtypes", "elements", "field_types", "groups", "images", "low_pass_noise",
    "natural_like", "sizes", "white_noise",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(f"geomdl.testing.{module}"), name)
    raise AttributeError(f"module 'geomdl.testing' has no attribute {name!r}")
