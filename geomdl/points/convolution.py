"""Convolution over the neighbours of a point."""

from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.e3nn import Linear, MultiLayerPerceptron, as_irreps
from geomdl.e3nn.irreps import as_field, product_irreps, reachable
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.points.clouds import positive
from geomdl.points.neighbours import Neighbours
from geomdl.random_keys import as_rngs


class PointConv(nnx.Module):
    """A sum over neighbours of products with spherical harmonics, weighted by learnt functions of the distance:

      y_i = L ( 1/√N Σ_j φ(|r_ij|) · (x_j ⊗ Y(r_ij / |r_ij|)) ) + S x_i,   r_ij = p_j − p_i,

    where ⊗ is reduced to the irreps that the output has, φ gives one weight for each irrep of the product (a perceptron
    of Gaussians of the distance, times a factor that falls smoothly to 0 at the radius), and L and S are linear. Moving
    all points by g in O(3) and a shift moves the output by D(g), and a permutation of points permutes it, to rounding.

    Args:
      irreps_in: of the features of points.
      irreps_out: of the output. Those that no product has are left out; see ``layer.irreps_out``.
      radius: of the kernel, in the unit of the coordinates: neighbours that are farther count nothing.
      degree: of the spherical harmonics, at most.
      neighbours: N, about how many neighbours a point has; it sets the scale of the output.
      basis: Gaussians of the distance.
      hidden: widths inside the perceptron φ.
      rngs: for the initial weights.

    Raises:
      ValueError: an option out of range, irreps that cannot be made, features of other irreps or of another number of
        points.

    References:
      Thomas et al., Tensor field networks, 2018, equation 3; Batzner et al., NequIP, Nature Communications 2022, whose
      weights for each irrep of the product, followed by a linear map, are used here.

    >>> from geomdl.points import nearest_neighbours
    >>> points = jnp.asarray([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> layer = PointConv("2x0e", "4x0e + 2x1o", radius=2.0, degree=1, rngs=0)
    >>> jax.eval_shape(layer, jnp.ones((4, 2)), nearest_neighbours(points, 3)).shape
    (4, 10)
    """

    def __init__(
        self,
        irreps_in: Any,
        irreps_out: Any,
        *,
        radius: float,
        degree: int = 2,
        neighbours: float = 8.0,
        basis: int = 8,
        hidden: tuple[int, ...] = (32,),
        rngs: Any,
    ) -> None:
        rngs, wanted = as_rngs(rngs), as_irreps(irreps_out, "irreps_out")
        self.irreps_in = as_irreps(irreps_in, "irreps_in")
        self.degree, self.radius = (
            whole_number("degree of PointConv", degree, least=0),
            positive("radius of PointConv", radius),
        )
        self.basis = whole_number("basis of PointConv", basis, least=2)
        self.neighbours = positive("neighbours of PointConv", neighbours)
        self.kinds = tuple(ir for _, ir in wanted.regroup())
        harmonics = e3nn.Irreps.spherical_harmonics(self.degree)
        products = product_irreps(self.irreps_in, harmonics)
        wanted = reachable(wanted, products, "PointConv", f"{self.irreps_in} times {harmonics}")
        product = products.filter(keep=wanted)
        self.mix = Linear(product, wanted, rngs=rngs)
        self.irreps_out = self.mix.irreps_out
        self.own = Linear(self.irreps_in, self.irreps_out, force_irreps_out=True, rngs=rngs)
        self.radial = MultiLayerPerceptron((self.basis, *hidden, product.num_irreps), rngs=rngs)

    def __call__(self, x: e3nn.IrrepsArray | jax.Array, neighbours: Neighbours) -> e3nn.IrrepsArray:
        """Maps features ``[..., points, irreps_in.dim]`` to ``[..., points, irreps_out.dim]``."""
        x = as_field(x, self.irreps_in, "the features of PointConv", regrouped=True)
        if x.shape[:-1] != neighbours.complete.shape:
            raise invalid("shape of the features of PointConv", x.shape, f"[..., {neighbours.complete.shape[-1]}, "
                          f"{self.irreps_in.dim}], one for each point")  # fmt: skip
        offset = neighbours.offset.astype(x.dtype)
        there = e3nn.IrrepsArray(x.irreps, neighbours.gather(x.array))
        harmonics = e3nn.spherical_harmonics(
            e3nn.Irreps.spherical_harmonics(self.degree), offset, normalize=True, normalization="component"
        )
        product = e3nn.tensor_product(there, harmonics, filter_ir_out=list(self.kinds))
        messages = product * self.weights(neighbours, x.dtype)
        total = e3nn.IrrepsArray(messages.irreps, messages.array.sum(-2) / self.neighbours**0.5)
        return self.mix(total) + self.own(x)

    def weights(self, neighbours: Neighbours, dtype: Any) -> jax.Array:
        """φ at the neighbours, ``[..., points, places, irreps of the product]``; 0 where there is none."""
        distance = neighbours.distance.astype(dtype) / self.radius
        centres = jnp.linspace(0, 1, self.basis, dtype=dtype)
        width = 1 / (self.basis - 1)
        gaussians = jnp.exp(-(((distance[..., None] - centres) / width) ** 2)) * (self.basis**0.5 / 1.4)
        inside = neighbours.mask & (distance < 1)
        envelope = jnp.where(inside, (1 - jnp.where(inside, distance, 0) ** 2) ** 2, 0)
        return self.radial(gaussians) * envelope[..., None]
