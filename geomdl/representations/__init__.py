"""Linear representations g ↦ ρ(g) of groups, and the types of feature fields. NumPy only."""

from geomdl.representations.field_type import Block, FieldType
from geomdl.representations.irreps import irrep, irreps
from geomdl.representations.parsing import representation
from geomdl.representations.regular import regular
from geomdl.representations.representation import Representation, direct_sum, trivial

__all__ = [
    "Block", "FieldType", "Representation", "direct_sum", "irrep", "irreps", "regular", "representation", "trivial",
]  # fmt: skip
