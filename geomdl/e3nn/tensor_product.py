"""Products of two fields."""

import functools
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.e3nn.irreps import as_field, as_irreps, product_irreps, reachable
from geomdl.e3nn.linear import initial_weights, over_rows
from geomdl.errors import invalid
from geomdl.random_keys import as_rngs


class TensorProduct(nnx.Module):
    """The fully connected product of two fields: z_w = Σ_uv W_uvw (x_u ⊗ y_v), reduced to the irreps of the output.

    Every irrep of the first is multiplied with every one of the second, the Clebsch–Gordan coefficients pick the
    irreps of the product that are wanted, and one weight for each triple mixes them: all bilinear maps with
    D(g) z(x, y) = z(D(g) x, D(g) y). Weights have the names, shapes and distribution of e3nn-jax's
    `FullyConnectedTensorProduct`; the arithmetic is that of
    `e3nn_jax.legacy.FunctionalFullyConnectedTensorProduct`.

    Args:
      irreps_in1: of the first factor.
      irreps_in2: of the second factor.
      irreps_out: of the product. Those that no product has are left out; see ``layer.irreps_out``.
      force_irreps_out: keep the irreps that no product has, which are 0.
      param_dtype: of the weights. The product is computed in the dtype of the factors.
      rngs: for the initial weights.

    Raises:
      ValueError: none of ``irreps_out`` is in the product, a factor of other irreps or dtype, or text that is not
        irreps.

    >>> product = TensorProduct("4x0e + 2x1o", "1x1o", "2x0e + 3x1o + 1x1e", rngs=0)
    >>> x, y = e3nn.IrrepsArray("4x0e + 2x1o", jnp.ones((5, 10))), e3nn.IrrepsArray("1o", jnp.ones((5, 3)))
    >>> product(x, y)
    2x0e+3x1o+1x1e
    ...
    >>> TensorProduct("4x0e", "1o", "2x1e", rngs=0)
    Traceback (most recent call last):
    ValueError: invalid irreps_out of TensorProduct '2x1e'; allowed: some of the irreps that 4x0e times 1x1o can give:
    1o; try 2x1o
    """

    def __init__(
        self,
        irreps_in1: Any,
        irreps_in2: Any,
        irreps_out: Any,
        *,
        force_irreps_out: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: Any,
    ) -> None:
        self.irreps_in1 = as_irreps(irreps_in1, "irreps_in1")
        self.irreps_in2 = as_irreps(irreps_in2, "irreps_in2")
        wanted = as_irreps(irreps_out, "irreps_out").simplify()
        if not force_irreps_out:
            products = product_irreps(self.irreps_in1, self.irreps_in2)
            wanted = reachable(wanted, products, "TensorProduct", f"{self.irreps_in1} times {self.irreps_in2}")
        self.irreps_out = wanted
        self.weights = initial_weights(self.names, self.functional.instructions, param_dtype, as_rngs(rngs))

    @property
    def functional(self) -> Any:
        """e3nn-jax's description of the product."""
        return _functional(self.irreps_in1.regroup(), self.irreps_in2.regroup(), self.irreps_out)

    @property
    def names(self) -> list[str]:
        """Of the weights, in the order of e3nn-jax's instructions."""
        f = self.functional
        return [
            f"w[{i.i_in1},{i.i_in2},{i.i_out}] {f.irreps_in1[i.i_in1]},{f.irreps_in2[i.i_in2]},{f.irreps_out[i.i_out]}"
            for i in f.instructions
        ]

    def __call__(self, x: e3nn.IrrepsArray | jax.Array, y: e3nn.IrrepsArray | jax.Array) -> e3nn.IrrepsArray:
        """Multiplies ``[..., irreps_in1.dim]`` with ``[..., irreps_in2.dim]``; leading axes broadcast."""
        first = as_field(x, self.irreps_in1, "the first factor of TensorProduct", regrouped=True)
        second = as_field(y, self.irreps_in2, "the second factor of TensorProduct", regrouped=True)
        if first.dtype != second.dtype:
            raise invalid(
                "dtype of the second factor of TensorProduct", str(second.dtype), f"{first.dtype}, as the first"
            )
        leading = jnp.broadcast_shapes(first.shape[:-1], second.shape[:-1])
        first, second = first.broadcast_to((*leading, -1)), second.broadcast_to((*leading, -1))
        weights = [self.weights[name][...].astype(first.dtype) for name in self.names]
        return over_rows(lambda a, b: self.functional.left_right(weights, a, b), first, second).rechunk(self.irreps_out)


@functools.lru_cache(maxsize=1024)
def _functional(irreps_in1: e3nn.Irreps, irreps_in2: e3nn.Irreps, irreps_out: e3nn.Irreps) -> Any:
    return e3nn.legacy.FunctionalFullyConnectedTensorProduct(irreps_in1, irreps_in2, irreps_out)
