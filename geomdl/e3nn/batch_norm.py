"""Batch norm of irreps."""

from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.arrays import wide_dtype
from geomdl.e3nn.irreps import as_field, as_irreps
from geomdl.errors import invalid


class BatchNorm(nnx.Module):
    """Normalises every irrep by its mean square over the batch: y = γ (x − μ) / √((1 − ε) σ² + ε) + β.

    σ² is the mean of ‖x − μ‖² / (2 l + 1), which O(3) leaves as it is. Only even scalars have a mean μ and a bias β: of
    all else they would single out a direction. Training uses the statistics of the batch and updates running
    averages, which are `nnx.BatchStat`; evaluation uses the averages. Numbers are those of
    `e3nn_jax.flax.BatchNorm`.

    Args:
      irreps: of input and output.
      use_running_average: whether it evaluates. ``model.eval()`` and ``model.train()`` of Flax set it.
      momentum: how much of the batch goes into the averages: new = (1 − momentum) old + momentum batch; as in e3nn-jax,
        while that of `nnx.BatchNorm` is the part that is kept.
      epsilon: ε, between 0 and 1.
      affine: whether there are γ and β.
      axis_name: of devices over which statistics are averaged, under `jax.shard_map` or `jax.vmap`.
      param_dtype: of weights and averages.

    Raises:
      ValueError: a momentum or ε outside its range, an input or mask of another shape, or text that is not irreps.

    >>> norm = BatchNorm("2x0e + 1x1o")
    >>> nnx.jit(lambda norm, x: norm(x))(norm, jnp.ones((4, 5))).irreps, f"{norm.mean[...][0]:.2f}"
    (2x0e+1x1o, '0.10')
    """

    def __init__(
        self,
        irreps: Any,
        *,
        use_running_average: bool = False,
        momentum: float = 0.1,
        epsilon: float = 1e-4,
        affine: bool = True,
        axis_name: str | None = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        for name, value in (("momentum", momentum), ("epsilon", epsilon)):
            if not 0 <= value <= 1:
                raise invalid(
                    f"{name} of BatchNorm", value, "a number from 0 to 1", 0.1 if name == "momentum" else 1e-4
                )
        self.irreps_in = self.irreps_out = as_irreps(irreps)
        self.use_running_average = use_running_average
        self.momentum, self.epsilon, self.axis_name = momentum, epsilon, axis_name
        scalars, number = self.irreps_in.count(e3nn.Irrep(0, 1)), self.irreps_in.num_irreps
        self.scale = nnx.Param(jnp.ones(number, param_dtype)) if affine else None
        self.bias = nnx.Param(jnp.zeros(scalars, param_dtype)) if affine else None
        self.mean = nnx.BatchStat(jnp.zeros(scalars, param_dtype))
        self.variance = nnx.BatchStat(jnp.ones(number, param_dtype))

    def __call__(
        self,
        x: e3nn.IrrepsArray | jax.Array,
        *,
        use_running_average: bool | None = None,
        mask: jax.Array | None = None,
    ) -> e3nn.IrrepsArray:
        """Normalises ``[batch, ..., irreps.dim]``; what a mask ``[batch, ...]`` leaves out is not counted."""
        field = as_field(x, self.irreps_in, "the input of BatchNorm")
        dtype = wide_dtype(field.dtype)  # of statistics
        values = field.array.astype(dtype)
        scalar, owner = _layout(self.irreps_in)
        if self.use_running_average if use_running_average is None else use_running_average:
            mean, variance = self.mean[...].astype(dtype), self.variance[...].astype(dtype)
            values = values.at[..., scalar].add(-mean)
        else:
            mean = self._mean(values[..., scalar], mask)
            values = values.at[..., scalar].add(-mean)
            per_irrep = jax.ops.segment_sum(self._mean(values**2, mask), owner, self.irreps_in.num_irreps)
            variance = per_irrep / np.bincount(owner, minlength=self.irreps_in.num_irreps).astype(dtype)
            for kept, found in ((self.mean, mean), (self.variance, variance)):
                found = jax.lax.stop_gradient(found).astype(kept[...].dtype)
                kept[...] = (1 - self.momentum) * kept[...] + self.momentum * found
        factor = jax.lax.rsqrt((1 - self.epsilon) * variance + self.epsilon)
        if self.scale is not None:
            factor = factor * self.scale[...].astype(dtype)
        values = values * factor[owner]
        if self.bias is not None:
            values = values.at[..., scalar].add(self.bias[...].astype(dtype))
        return e3nn.IrrepsArray(self.irreps_out, values.astype(field.dtype))

    def _mean(self, values: jax.Array, mask: jax.Array | None) -> jax.Array:
        """The mean over all axes but the last, and over devices."""
        axes = tuple(range(values.ndim - 1))
        if mask is None:
            mean = values.mean(axes)
            return mean if self.axis_name is None else jax.lax.pmean(mean, self.axis_name)
        if mask.ndim >= values.ndim or mask.shape != values.shape[: mask.ndim]:
            raise invalid(
                "shape of the mask of BatchNorm", mask.shape, f"{values.shape[:-1]}, as the input, or its start"
            )
        weights = mask.astype(values.dtype).reshape(*mask.shape, *(1,) * (values.ndim - mask.ndim))
        total, count = (values * weights).sum(axes), jnp.broadcast_to(weights, (*values.shape[:-1], 1)).sum()
        if self.axis_name is not None:
            total, count = jax.lax.psum((total, count), self.axis_name)
        return total / jnp.maximum(count, 1)


def _layout(irreps: e3nn.Irreps) -> tuple[np.ndarray, np.ndarray]:
    """The places of even scalars, and which irrep each number belongs to."""
    sizes = np.concatenate([np.full(n, ir.dim) for n, ir in irreps] or [np.zeros(0, int)])
    even = np.concatenate([np.full(n * ir.dim, ir.is_scalar()) for n, ir in irreps] or [np.zeros(0, bool)])
    return np.flatnonzero(even), np.repeat(np.arange(len(sizes)), sizes)
