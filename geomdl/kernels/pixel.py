"""The complete space of equivariant kernels on the pixel grid, for groups that permute pixels and channels."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid
from geomdl.groups import PLANE, BaseSpace, PointGroup, along, moving_factor, require_planar
from geomdl.numbers import whole_number
from geomdl.representations import Representation


@dataclasses.dataclass(frozen=True)
class PixelKernelSpace:
    """All kernels K on a k × k window of pixels with K(gx) = ρ_out(g) K(x) ρ_in(g)⁻¹.

    The group is a subgroup of D4, which permutes the pixels, and the representations permute the channels. The
    constraint says that K is constant on the orbits of the group on triples (pixel, input channel, output channel), and
    nothing else; so one free weight per orbit parametrises the space completely, and expanding is a gather. For regular
    fields this is the group convolution, K[x, g, h] = w[h⁻¹x, h⁻¹g]; from trivial to regular fields it is the lifting
    convolution, K[x, h] = w[h⁻¹x]. Even and odd k. On another base space than the plane the group is one that permutes
    the points of its grid; windows may have a size of their own along each axis, where the group exchanges none.

    Args:
      in_representation: ρ_in, trivial or regular (any permutation representation).
      out_representation: ρ_out, of the same group.
      size: k, pixels along each axis, or one number for each; 1 for a linear map without base space.
      space: the base space of the fields.

    Raises:
      ValueError: when the group does not map the pixel grid to itself (for k > 1), exchanges axes along which the
        window differs, or a representation does not permute.

    References:
      Cohen & Welling, Group equivariant convolutional networks, ICML 2016, equations 10 and 11.

    >>> from geomdl.groups import C4
    >>> from geomdl.representations import regular, trivial
    >>> PixelKernelSpace(trivial(C4), regular(C4), 3).dimension  # lifting: the pixels of the window
    9
    >>> PixelKernelSpace(regular(C4), regular(C4), 3).dimension  # group convolution: pixels times group order
    36
    >>> PixelKernelSpace(trivial(C4), trivial(C4), 3).dimension  # isotropic: centre, edges, corners
    3
    """

    in_representation: Representation
    out_representation: Representation
    size: int | tuple[int, ...]
    space: BaseSpace = PLANE

    def __post_init__(self) -> None:
        group = self.in_representation.group
        if self.out_representation.group != group:
            raise ValueError(f"{self.in_representation} is of {group}, {self.out_representation} of another group")
        if isinstance(self.size, tuple | list):
            object.__setattr__(self, "size", tuple(whole_number("kernel_size", n) for n in self.size))
        else:
            object.__setattr__(self, "size", whole_number("kernel_size", self.size))
        if max(self.shape, default=1) > 1:
            _require_permuted_grid(group, self.space, self.shape)
        for rho in (self.in_representation, self.out_representation):
            if not rho.is_permutation:
                raise ValueError(f"{rho} of {group} does not permute channels; allowed here: trivial, regular")

    @property
    def group(self) -> PointGroup:
        """The group."""
        return self.in_representation.group

    @property
    def shape(self) -> tuple[int, ...]:
        """The pixels of the window along each axis: (k, k) on the plane."""
        return along(self.size, self.space.dimension)

    @property
    def orbits(self) -> np.ndarray:
        """The orbit number of every (row, column, input channel, output channel): ``[k, k, size_in, size_out]``."""
        return _orbits(self)

    @property
    def dimension(self) -> int:
        """The number of free weights for each pair of fields."""
        return int(self.orbits.max()) + 1

    @property
    def reached(self) -> np.ndarray:
        """Which irreps of ρ_out ``[len(labels)]`` a kernel maps to; any weight shows in all channels, so all."""
        return np.ones(len(self.out_representation.labels), bool)

    @property
    def target(self) -> np.ndarray:
        """Which irrep of ρ_out each weight ``[dimension]`` counts to in the fan-in: none in particular, the first."""
        return np.zeros(self.dimension, int)

    def why_empty(self) -> str:
        """There is always some kernel between representations that permute channels."""
        return "pixel kernels are never empty"

    def expand(self, weights: jax.Array) -> jax.Array:
        """The dense kernel of free weights.

        Args:
          weights: ``[dimension, fields_in, fields_out]``.

        Returns:
          ``[k, k, fields_in · size_in, fields_out · size_out]``, ready for `geomdl.layers.core.functional.correlate`.
        """
        orbits = self.orbits
        if np.array_equal(orbits.ravel(), np.arange(self.dimension)):  # an ordinary convolution: nothing is shared
            kernel = weights.reshape(*orbits.shape, *weights.shape[1:])
        else:
            kernel = weights[jnp.asarray(orbits)]  # [k, k, size_in, size_out, fields_in, fields_out]
        size_in, size_out, fields_in, fields_out = kernel.shape[-4:]
        pixels, d = tuple(range(self.space.dimension)), self.space.dimension
        kernel = kernel.transpose(*pixels, d + 2, d, d + 3, d + 1)
        return kernel.reshape(*self.shape, fields_in * size_in, fields_out * size_out)


def _require_permuted_grid(group: PointGroup, space: BaseSpace, shape: tuple[int, ...]) -> None:
    if not space.is_moved_by(group):
        if space == PLANE:
            require_planar(moving_factor(group), "a kernel of more than one pixel")
        space.require_moved_by(group, "a kernel of more than one pixel")
    if not space.permutes_grid(group):
        if space == PLANE:
            nearest = "D4" if require_planar(moving_factor(group), "a kernel").reflections else "C4"
            allowed = f"C1, C2, C4, D1, D2, D4; nearest: {nearest}"
        else:
            allowed = space.groups
        raise ValueError(f"{group} does not map the pixel grid to itself; allowed for pixel kernels: {allowed}")
    if not all(symmetry.keeps(shape) for symmetry in space.grid_symmetries(group)):
        allowed = f"one number, as {group} exchanges axes ({', '.join(space.axes)})"
        raise invalid("kernel_size", shape, allowed, max(shape))


@functools.lru_cache(maxsize=512)
def _orbits(space: PixelKernelSpace) -> np.ndarray:
    shape, rho_in, rho_out = space.shape, space.in_representation, space.out_representation
    images = []
    moves = pixel_moves(space.group, shape, space.space)
    for pixel, i, o in zip(moves, rho_in.permutation(), rho_out.permutation(), strict=True):
        images.append((pixel.reshape(*shape, 1, 1) * rho_in.size + i[:, None]) * rho_out.size + o)
    representative = np.min(images, axis=0)
    _, orbit = np.unique(representative, return_inverse=True)
    return orbit.reshape(representative.shape)


def pixel_moves(group: PointGroup, size: int | tuple[int, ...], space: BaseSpace = PLANE) -> np.ndarray:
    """Where every element moves every pixel of a window: ``[order, pixels]`` numbers of pixels.

    >>> from geomdl.groups import C4
    >>> pixel_moves(C4, 2).tolist()
    [[0, 1, 2, 3], [2, 0, 3, 1], [3, 2, 1, 0], [1, 3, 0, 2]]
    """
    elements, shape = group.elements(), along(size, space.dimension)
    pixels = np.arange(math.prod(shape)).reshape(shape)
    if pixels.size == 1:
        return np.zeros((len(elements), 1), int)
    moves = []
    for g in elements:
        came_from = space.grid_symmetry(group, g)(pixels, before=0)  # came_from[new place] = old number
        goes_to = np.empty(pixels.size, int)
        goes_to[came_from.ravel()] = pixels.ravel()
        moves.append(goes_to)
    return np.stack(moves)
