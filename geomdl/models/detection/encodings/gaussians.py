"""Boxes as Gaussians, whose distance has a gradient wherever they lie."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def hellinger(
    apart: Float[Array, "*batch 2"], first: Float[Array, "*batch 3"], second: Float[Array, "*batch 3"]
) -> Float[Array, "*batch"]:
    """The Hellinger distance √(1 − e^{−B}) of two Gaussians, B their Bhattacharyya distance:

      B = ⅛ dᵀ Σ⁻¹ d + ½ log(det Σ / √(det Σ₁ det Σ₂)),   Σ = (Σ₁ + Σ₂) / 2.

    Invariant under rotations and reflections of both, and under a change of unit. From 0 to 1.

    Args:
      apart: d, the difference of the means.
      first: (a, c, s) with log √Σ₁ = [[a + c, s], [s, a − c]] + log ½ (`geomdl.boxes.to_log_shape`: a standard
        deviation of a quarter of the side).
      second: likewise.

    >>> shape = jnp.array([0.0, 0.0, 0.0])
    >>> [f"{float(hellinger(jnp.array([x, 0.0]), shape, shape)):.2f}" for x in (0.0, 1.0, 9.0)]
    ['0.00', '0.63', '1.00']
    """
    one, other = _covariance(first), _covariance(second)
    xx, xy, yy = ((p + q) / 2 for p, q in zip(one, other, strict=True))
    determinant = jnp.maximum(xx * yy - xy * xy, 1e-12)
    x, y = apart[..., 0], apart[..., 1]
    distance = (yy * x * x - 2 * xy * x * y + xx * y * y) / determinant / 8
    # log det Σ₁ = 4 a + 4 log ½
    logs = 2 * (jnp.clip(first[..., 0], -6, 6) + jnp.clip(second[..., 0], -6, 6)) + 4 * jnp.log(0.5)
    bhattacharyya = distance + (jnp.log(determinant) - logs) / 2
    return jnp.sqrt(-jnp.expm1(-jnp.clip(bhattacharyya, 0, 50)) + 1e-7) - jnp.sqrt(1e-7)


def _covariance(shape: Float[Array, "*batch 3"]) -> tuple[Array, Array, Array]:
    """(xx, xy, yy) of the exponential of twice a symmetric matrix, a quarter of it: e^{2a} (cosh 2r 1 + sinh 2r / r M).

    M is the traceless part and r its radius.
    """
    a, c, s = jnp.clip(shape[..., 0], -6, 6), shape[..., 1], shape[..., 2]
    squares = jnp.minimum(c * c + s * s, 9.0)
    small = squares < 1e-8
    r = jnp.sqrt(jnp.where(small, 1.0, squares))
    ratio = jnp.where(small, 2 + 4 * squares / 3, jnp.sinh(2 * r) / r)
    even = jnp.where(small, 1 + 2 * squares, jnp.cosh(2 * r))
    scale = jnp.exp(2 * a) / 4
    return scale * (even + ratio * c), scale * ratio * s, scale * (even - ratio * c)
