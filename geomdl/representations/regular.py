"""The regular representation of a finite group."""

import dataclasses
import functools

import numpy as np

from geomdl.groups import DirectProduct, PointGroup, point_factors, point_group
from geomdl.representations.irreps import irreps
from geomdl.representations.outer import outer_product
from geomdl.representations.representation import Representation, frozen_basis, irrep_matrix, irrep_type


@functools.lru_cache(maxsize=256)
def regular(group: PointGroup | str) -> Representation:
    """The (left) regular representation ρ(g) e_h = e_{gh}: one channel per group element, in the order of `elements`.

    By the Peter–Weyl theorem the matrix entries of the irreps are an orthogonal basis of the functions on the group:
    with (L_g f)(h) = f(g⁻¹h), the entries f_i(h) = ψ(h)_{ij} of one column j span a copy of ψ. An irrep occurs once for
    each column, but only once in all when it is of complex type (rotations of the plane without reflections), where the
    second column spans the same functions. Of a direct product it is the outer product of those of the factors.

    Args:
      group: a finite group.

    Raises:
      ValueError: for a continuous group (use a band-limited one, or irreps).

    References:
      Serre, Linear representations of finite groups, §2.4.

    >>> from geomdl.groups import D4
    >>> regular(D4).size, len(regular(D4).labels)
    (8, 6)
    """
    group = point_group(group)
    group.require_finite("the regular representation")
    if isinstance(group, DirectProduct):
        first, second = point_factors(group)
        return dataclasses.replace(outer_product(regular(first), regular(second)), name="regular")
    elements = group.elements()
    labels, columns = [], []
    for psi in irreps(group):
        (label,) = psi.labels
        matrices = irrep_matrix(group, label, elements)
        copies = psi.size // irrep_type(group, label)
        for j in range(copies):
            labels.append(label)
            columns.append(matrices[:, :, j] / np.linalg.norm(matrices[:, :, j], axis=0))
    basis = np.concatenate(columns, axis=1)
    return Representation(group, "regular", tuple(labels), frozen_basis(basis))
