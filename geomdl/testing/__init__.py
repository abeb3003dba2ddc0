"""Property tests of symmetry, for any model: assertions, hypothesis strategies, and a pytest plugin.

Nothing is imported before it is used, so that the plugin costs nothing in projects that do not use it.
"""

from typing import TYPE_CHECKING

from geomdl.lazy import lazy_names

if TYPE_CHECKING:
    from geomdl.testing.assertions import SymmetryError, assert_contract, assert_equivariant, assert_invariant
    from geomdl.testing.random_images import blobs, low_pass_noise, natural_like, white_noise
    from geomdl.testing.random_networks import Network, networks
    from geomdl.testing.strategies import dtypes, elements, field_types, groups, images, sizes
    from geomdl.testing.trial import UNKNOWN_DEPTH, Case, Judgement, Trial

_MODULES = {
    "assertions": ("SymmetryError", "assert_contract", "assert_equivariant", "assert_invariant"),
    "random_networks": ("Network", "networks"),
    "random_images": ("blobs", "low_pass_noise", "natural_like", "white_noise"),
    "strategies": ("dtypes", "elements", "field_types", "groups", "images", "sizes"),
    "trial": ("UNKNOWN_DEPTH", "Case", "Judgement", "Trial"),
}

if not TYPE_CHECKING:  # or a checker would take every name for one of this package
    __getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = [
    "UNKNOWN_DEPTH", "Case", "Judgement", "Network", "SymmetryError", "Trial", "assert_contract", "assert_equivariant",
    "assert_invariant", "blobs", "dtypes", "elements", "field_types", "groups", "images", "low_pass_noise",
    "natural_like", "networks", "sizes", "white_noise",
]  # fmt: skip

__experimental__ = [
    "UNKNOWN_DEPTH", "Case", "Judgement", "Network", "Trial", "blobs", "natural_like", "networks",
]  # fmt: skip
