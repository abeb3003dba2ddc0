"""The linear maps that commute with O(3)."""

import functools
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.e3nn.irreps import as_field, as_irreps, reachable
from geomdl.layers.core.initialization import normal
from geomdl.random_keys import as_rngs


class Linear(nnx.Module):
    """Mixes irreps of a kind with each other: y_w = Σ_u W_wu x_u, one matrix W for each kind; `e3nn.FunctionalLinear`.

    By Schur's lemma these are all the linear maps with D(g) y(x) = y(D(g) x) for g in O(3); even scalars may have
    a bias besides. Weights have the names, the shapes and the distribution that `e3nn_jax.flax.Linear` gives them:
    ``layer.weights["w[0,0] 8x0e,4x0e"]``.

    Args:
      irreps_in: of the input.
      irreps_out: of the output. Those that nothing in the input feeds are left out, as e3nn-jax does; see
        ``layer.irreps_out``.
      biases: whether even scalars get a bias.
      force_irreps_out: keep the irreps that nothing feeds, which are 0.
      path_normalization: ``"element"`` or ``"path"``, see e3nn-jax; None for `e3nn_jax.config`.
      gradient_normalization: ``"path"`` or ``"element"``, likewise.
      param_dtype: of the weights. The map is computed in the dtype of the input.
      rngs: for the initial weights.

    Raises:
      ValueError: none of ``irreps_out`` can be made from the input, an input of other irreps, or text that is not
        irreps.

    >>> layer = Linear("8x0e + 4x1o", "2x0e + 3x1o + 1x2e", rngs=0)
    >>> layer.irreps_out, sorted(layer.weights)
    (2x0e+3x1o, ['w[0,0] 8x0e,2x0e', 'w[1,1] 4x1o,3x1o'])
    >>> layer(e3nn.IrrepsArray("8x0e + 4x1o", jnp.ones((5, 20)))).shape
    (5, 11)
    >>> Linear("8x0e", "4x0o", rngs=0)
    Traceback (most recent call last):
    ValueError: invalid irreps_out of Linear '4x0o'; allowed: some of the irreps that 8x0e can give: 0e; try 4x0e
    """

    def __init__(
        self,
        irreps_in: Any,
        irreps_out: Any,
        *,
        biases: bool = False,
        force_irreps_out: bool = False,
        path_normalization: str | float | None = None,
        gradient_normalization: str | float | None = None,
        param_dtype: Any = jnp.float32,
        rngs: Any,
    ) -> None:
        self.irreps_in = as_irreps(irreps_in, "irreps_in")
        wanted = as_irreps(irreps_out, "irreps_out").simplify()
        if not force_irreps_out:
            wanted = reachable(wanted, self.irreps_in, "Linear", str(self.irreps_in))
        self.irreps_out = wanted
        self.options = (biases, path_normalization, gradient_normalization)
        self.weights = initial_weights(self.names, self.functional.instructions, param_dtype, as_rngs(rngs))

    @property
    def functional(self) -> e3nn.FunctionalLinear:
        """e3nn-jax's description of the map."""
        return _functional(self.irreps_in.regroup(), self.irreps_out, *self.options)

    @property
    def names(self) -> list[str]:
        """Of the weights, in the order of e3nn-jax's instructions."""
        kinds_in, kinds_out = self.functional.irreps_in, self.functional.irreps_out
        return [
            f"b[{i.i_out}] {kinds_out[i.i_out]}"
            if i.i_in < 0
            else f"w[{i.i_in},{i.i_out}] {kinds_in[i.i_in]},{kinds_out[i.i_out]}"
            for i in self.functional.instructions
        ]

    def __call__(self, x: e3nn.IrrepsArray | jax.Array) -> e3nn.IrrepsArray:
        """Maps ``[..., irreps_in.dim]`` to ``[..., irreps_out.dim]``."""
        x = as_field(x, self.irreps_in, "the input of Linear", regrouped=True)
        weights = [self.weights[name][...].astype(x.dtype) for name in self.names]
        return over_rows(lambda row: self.functional(weights, row), x)


def initial_weights(names: list[str], instructions: Any, dtype: Any, rngs: nnx.Rngs) -> nnx.Dict:
    """Normal weights, with the deviations that e3nn-jax states."""
    pairs = zip(names, instructions, strict=True)
    return nnx.Dict({n: nnx.Param(normal(rngs.params(), i.path_shape, i.weight_std).astype(dtype)) for n, i in pairs})


def over_rows(function: Any, *fields: e3nn.IrrepsArray) -> e3nn.IrrepsArray:
    """A function of fields without leading axes, for fields that share their leading axes."""
    leading = fields[0].shape[:-1]
    if not leading:
        return function(*fields)
    rows = [field.reshape((-1, field.shape[-1])) for field in fields]
    result = e3nn.utils.vmap(function)(*rows)
    return result.reshape((*leading, result.shape[-1]))


@functools.lru_cache(maxsize=4096)
def _functional(irreps_in: e3nn.Irreps, irreps_out: e3nn.Irreps, biases: bool, path: Any, gradient: Any) -> Any:
    return e3nn.FunctionalLinear(
        irreps_in, irreps_out, biases=biases, path_normalization=path, gradient_normalization=gradient
    )
