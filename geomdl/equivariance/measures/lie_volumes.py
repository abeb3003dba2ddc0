"""Lie derivatives of a model of volumes along shifts, rotations and scalings of space."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.warp import Padding, fold, prefilter
from geomdl.arrays import wide_dtype
from geomdl.equivariance.adapters.functions import Model
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, require_finite
from geomdl.equivariance.measures.lie import LieDerivatives, forward_mode_of, root_mean_squares, with_derivative
from geomdl.errors import invalid, unknown
from geomdl.groups import VOLUME

GENERATORS_OF_SPACE = (
    *(f"translate_{axis}" for axis in "xyz"),
    *(f"rotate_{axis}" for axis in "xyz"),
    "scale",
)
"""The generators that are measured: by voxels along an axis, radians about an axis, and the logarithm of the factor."""


def lie_derivative_of_volumes(
    model: Any,
    x: ArrayLike,
    generators: tuple[str, ...] = GENERATORS_OF_SPACE,
    output: Any = "invariant",
    *,
    padding: Padding = "zeros",
) -> LieDerivatives:
    """The Lie derivative of a model of volumes, as `geomdl.equivariance.lie_derivative` measures it for images:

      L_X f (x) = Df(x)[v_X(x)] − v_X(f(x)),   v_X(x)(p) = −∇x(p) · X p,

    with X p = e_i for shifts along an axis, e_i × p for rotations about it and p for scaling, and the second term of
    outputs that are fields. ∇x is the gradient of the cubic B-spline through the voxels. A constant function has
    derivatives of 0; then its spread is 0 too, `LieDerivatives.alive` is False, and the printed result says so.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes and JAX can differentiate.
      x: volumes ``[batch, depth, height, width, channels]``.
      generators: names among `GENERATORS_OF_SPACE`.
      output: ``"invariant"``, or ``"field"`` of outputs ``[batch, depth, height, width, channels]``, of any size about
        the same centre.
      padding: what lies outside.

    Raises:
      ValueError: for an unknown generator, another output, one that is not of floating-point numbers, or a model that
        JAX cannot differentiate.

    >>> x = np.random.default_rng(0).normal(size=(2, 5, 5, 5, 1)).astype("float32")
    >>> mean = lambda x: x.mean((1, 2, 3))
    >>> result = lie_derivative_of_volumes(mean, x, ("translate_z", "scale"), padding="wrap")
    >>> result.of("translate_z") < 1e-6, result.of("scale") > 0.01
    (True, True)
    """
    for name in generators:
        if name not in GENERATORS_OF_SPACE:
            raise unknown("generator", name, GENERATORS_OF_SPACE)
    f, x = with_derivative(model), image_batch(x, dimension=VOLUME.dimension)
    f, law = in_plain_layout(f, output_law(output, None))
    kind = law.kind if isinstance(law, OutputLaw) and (law.field_type is None or law.field_type.is_trivial) else None
    if kind not in ("invariant", "field"):
        raise invalid("output", str(output), "'invariant', or 'field' of channels that do not move", "'field'")
    shape, _ = output_shape(f, x)
    if not jnp.issubdtype(shape.dtype, jnp.floating):
        raise invalid(f"output of {f.name}", f"{shape.dtype}", "floating-point numbers, which have a derivative")
    if kind == "field" and len(shape.shape) != x.ndim:
        raise invalid(f"output of shape {shape.shape} of {f.name}", kind, VOLUME.layout, "invariant")
    ratio = np.divide(shape.shape[1:-1], x.shape[1:-1]) if kind == "field" else None

    @jax.jit
    def run(f: Model, x: jax.Array, weights: jax.Array) -> Any:
        def derivative(weight: jax.Array) -> tuple[jax.Array, ...]:
            y, moved = jax.jvp(f, (x,), (_velocity(x, weight, padding),))
            if ratio is not None:
                moved = moved - _velocity(y, weight, padding, ratio)
            return root_mean_squares(y, moved)

        return jax.lax.map(derivative, weights)

    every = jnp.eye(len(GENERATORS_OF_SPACE), dtype=wide_dtype(x.dtype))
    chosen = every[np.array([GENERATORS_OF_SPACE.index(name) for name in generators])]
    with forward_mode_of(f):
        found = [np.asarray(part) for part in run(f, x, chosen)]
    require_finite(f, np.stack(found), "or derivatives")
    norms, sizes, spreads = (tuple(map(float, part)) for part in found)
    return LieDerivatives(f.name, tuple(generators), ("output",) * len(norms), norms, sizes, spreads)


def _velocity(x: jax.Array, weight: jax.Array, padding: Padding, ratio: Any = (1.0, 1.0, 1.0)) -> jax.Array:
    """Σ_k weight_k v_k(x): the rates at which the voxels change, per voxel of shift of the input or radian.

    Args:
      x: volumes, or fields.
      weight: of each of `GENERATORS_OF_SPACE`.
      padding: what lies outside.
      ratio: how long each axis is, over that of the input.
    """
    sizes = x.shape[1:-1]
    place = jnp.asarray(VOLUME.coordinates(sizes) / np.asarray(ratio), weight.dtype)  # (depth, height, width), of input
    p = jnp.stack([place[..., 2], -place[..., 1], -place[..., 0]], -1)  # (x, y, z)
    flow = weight[:3] + jnp.cross(jnp.broadcast_to(weight[3:6], p.shape), p) + weight[6] * p
    along = jnp.stack([-flow[..., 2], -flow[..., 1], flow[..., 0]]) * jnp.asarray(
        np.reshape(ratio, (3, 1, 1, 1)), weight.dtype
    )
    total = jnp.zeros(x.shape, weight.dtype)
    for axis, n in enumerate(sizes):
        slopes = jnp.asarray(_slope_matrix(n, padding), weight.dtype)
        gradient = jnp.moveaxis(
            jnp.tensordot(slopes, x.astype(weight.dtype), (1, axis + 1), precision="highest"), 0, axis + 1
        )
        total = total - along[axis][..., None] * gradient
    return total.astype(x.dtype)


def _slope_matrix(size: int, padding: Padding) -> np.ndarray:
    """The matrix that turns samples into the slopes there of the cubic B-spline through them."""
    slopes = np.zeros((size, size))
    for i in range(size):
        for tap, weight in ((-1, -0.5), (1, 0.5)):
            j, inside = fold(np.array(i + tap), size, padding)
            slopes[i, j] += weight * inside
    return slopes @ prefilter(size, padding, np.dtype(np.float64))
