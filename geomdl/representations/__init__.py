"""Linear representations g ↦ ρ(g) of groups, and the types of feature fields. NumPy only."""

from geomdl.representations.decomposition import decompose
from geomdl.representations.field_type import Block, FieldType
from geomdl.representations.induced import induced, quotient
from geomdl.representations.intertwiners import endomorphisms, intertwiners
from geomdl.representations.irreps import irrep, irreps
from geomdl.representations.outer import outer_product, restrict_to_factor
from geomdl.representations.parsing import representation
from geomdl.representations.permutations import permutation
from geomdl.representations.regular import regular
from geomdl.representations.representation import Representation, change_basis, direct_sum, trivial
from geomdl.representations.restriction import disentangle, restrict
from geomdl.representations.spectral import band_limited, fourier_basis
from geomdl.representations.tensor import clebsch_gordan, tensor_product

__all__ = [
    "Block", "FieldType", "Representation", "band_limited", "change_basis", "clebsch_gordan", "decompose", "direct_sum",
    "disentangle", "endomorphisms", "fourier_basis", "induced", "intertwiners", "irrep", "irreps", "outer_product",
    "permutation", "quotient", "regular", "representation", "restrict", "restrict_to_factor", "tensor_product",
    "trivial",
]  # fmt: skip

__experimental__ = [
    "Block", "clebsch_gordan", "endomorphisms", "fourier_basis", "intertwiners", "outer_product", "permutation",
    "restrict_to_factor",
]  # fmt: skip
