"""The complete space of equivariant kernels on the pixel grid, for groups that permute pixels and channels."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid
from geomdl.groups import D, PlanarGroup, PointGroup, require_planar
from geomdl.representations import Representation


@dataclasses.dataclass(frozen=True)
class PixelKernelSpace:
    """All kernels K on a k × k window of pixels with K(gx) = ρ_out(g) K(x) ρ_in(g)⁻¹.

    The group is a subgroup of D4, which permutes the pixels, and the representations permute the channels. The
    constraint says that K is constant on the orbits of the group on triples (pixel, input channel, output channel), and
    nothing else; so one free weight per orbit parametrises the space completely, and expanding is a gather. For regular
    fields this is the group convolution, K[x, g, h] = w[h⁻¹x, h⁻¹g]; from trivial to regular fields it is the lifting
    convolution, K[x, h] = w[h⁻¹x]. Even and odd k.

    Args:
      in_representation: ρ_in, trivial or regular (any permutation representation).
      out_representation: ρ_out, of the same group.
      size: k, pixels along each axis; 1 for a linear map without base space.

    Raises:
      ValueError: when the group does not map the pixel grid to itself (for k > 1), or a representation does not
      permute.

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
    size: int

    def __post_init__(self) -> None:
        group = self.in_representation.group
        if self.out_representation.group != group:
            raise ValueError(f"{self.in_representation} is of {group}, {self.out_representation} of another group")
        if self.size < 1:
            raise invalid("kernel_size", self.size, "a positive integer", 3)
        if self.size > 1 and not D(4).contains_group(group):
            plane = require_planar(group, "a kernel of more than one pixel")
            raise ValueError(
                f"{group} does not map the pixel grid to itself; allowed for pixel kernels: C1, C2, C4, D1, D2, D4;"
                f" nearest: {'D4' if plane.reflections else 'C4'}"
            )
        for rho in (self.in_representation, self.out_representation):
            if not rho.is_permutation:
                raise ValueError(f"{rho} of {group} does not permute channels; allowed here: trivial, regular")

    @property
    def group(self) -> PointGroup:
        """The group."""
        return self.in_representation.group

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
        kernel = weights[jnp.asarray(self.orbits)]  # [k, k, size_in, size_out, fields_in, fields_out]
        k, _, size_in, size_out, fields_in, fields_out = kernel.shape
        return kernel.transpose(0, 1, 4, 2, 5, 3).reshape(k, k, fields_in * size_in, fields_out * size_out)


@functools.lru_cache(maxsize=512)
def _orbits(space: PixelKernelSpace) -> np.ndarray:
    k, rho_in, rho_out = space.size, space.in_representation, space.out_representation
    images = []
    for pixel, i, o in zip(pixel_moves(space.group, k), rho_in.permutation(), rho_out.permutation(), strict=True):
        images.append((pixel.reshape(k, k, 1, 1) * rho_in.size + i[:, None]) * rho_out.size + o)
    representative = np.min(images, axis=0)
    _, orbit = np.unique(representative, return_inverse=True)
    return orbit.reshape(representative.shape)


def pixel_moves(group: PointGroup, size: int) -> np.ndarray:
    """Where every element moves every pixel of a window: ``[order, size · size]`` numbers of pixels.

    >>> from geomdl.groups import C4
    >>> pixel_moves(C4, 2).tolist()
    [[0, 1, 2, 3], [2, 0, 3, 1], [3, 2, 1, 0], [1, 3, 0, 2]]
    """
    elements = group.elements()
    pixels = np.arange(size * size).reshape(size, size)
    if size == 1 or not isinstance(group, PlanarGroup):
        return np.tile(pixels.reshape(-1), (len(elements), 1))
    return np.stack([_where_pixels_go(pixels, group, g).reshape(-1) for g in elements])


def _where_pixels_go(pixels: np.ndarray, group: PlanarGroup, g: np.ndarray) -> np.ndarray:
    """For each pixel, the number of the pixel that g = R(r) F^f moves it to."""
    quarter_turns = round(float(group.plane_angle(g)) / (np.pi / 2))
    came_from = np.rot90(np.flip(pixels, 0) if g[0] else pixels, quarter_turns)  # came_from[new place] = old number
    goes_to = np.empty(pixels.size, int)
    goes_to[came_from.ravel()] = pixels.ravel()
    return goes_to.reshape(pixels.shape)
