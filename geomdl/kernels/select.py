"""The kernel space of a pair of representations."""

from typing import Any, Literal, get_args

from geomdl.errors import unknown
from geomdl.groups import PLANE, VOLUME, BaseSpace
from geomdl.kernels.pixel import PixelKernelSpace
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.representations import Representation

KernelSpace = PixelKernelSpace | SteerableKernelSpace
Basis = Literal["auto", "pixel", "steerable"]
"""A space of equivariant kernels, and the name by which `kernel_space` is asked for one."""


def kernel_space(
    in_representation: Representation,
    out_representation: Representation,
    size: int | tuple[int, ...],
    basis: Basis = "auto",
    space: BaseSpace = PLANE,
    **options: Any,
) -> KernelSpace:
    """The equivariant kernels between two representations.

    Args:
      in_representation: ρ_in.
      out_representation: ρ_out, of the same group.
      size: k, pixels along each axis, or one number for each.
      basis: ``"pixel"``: every kernel on the grid that is equivariant, for subgroups of D4 (any finite group when
        k = 1) and representations that permute channels. ``"steerable"``: harmonics times rings, for all. ``"auto"``:
        pixel where it exists and no options are given, else steerable.
      space: the base space of the fields. Steerable kernels are those of the plane and of volumes.
      **options: ``rings``, ``sigma``, ``frequencies_cutoff``, ``maximum_offset``, ``basis_filter`` of
        `SteerableKernelSpace`.

    Raises:
      ValueError: for an unknown basis, options without a steerable basis, or a pair without pixel kernels.

    >>> from geomdl.groups import C4, C8
    >>> from geomdl.representations import regular
    >>> kernel_space(regular(C4), regular(C4), 3).dimension, kernel_space(regular(C8), regular(C8), 3).dimension
    (36, 48)
    >>> kernel_space(regular(C4), regular(C4), 3, "steerable").dimension
    24
    """
    if basis not in get_args(Basis):
        raise unknown("basis", basis, get_args(Basis))
    allowed = ("rings", "sigma", "frequencies_cutoff", "maximum_offset", "basis_filter")
    for option in options:
        if option not in allowed:
            raise unknown("kernel option", option, allowed)
    given = {k: v for k, v in options.items() if v is not None}
    if basis == "pixel" and given:
        raise ValueError(f"pixel kernels have no rings; got {', '.join(given)}; allowed with basis='steerable'")
    group = in_representation.group
    on_grid = space.permutes_grid(group) or (size == 1 and group.is_finite)
    permutes = in_representation.is_permutation and out_representation.is_permutation
    if basis == "pixel" or (basis == "auto" and on_grid and permutes and not given):
        return PixelKernelSpace(in_representation, out_representation, size, space)
    if space not in (PLANE, VOLUME) or not isinstance(size, int):
        raise ValueError(
            f"steerable kernels have square windows on the plane and cubic ones for volumes, not {size} on the {space};"
            " allowed there: pixel kernels, for fields whose channels the group permutes (trivial, regular, quotient)"
        )
    return SteerableKernelSpace(in_representation, out_representation, size, **given, space=space)
