"""How large a rounding error may be: the only place where tolerances are set."""

import jax.numpy as jnp
from jax.typing import DTypeLike

ROUNDING_PER_LAYER = 24.0
"""Relative rounding error of one layer, in units of machine epsilon; see `tolerance`."""
NARROW_ROUNDING_PER_LAYER = 3.0
"""The same in bfloat16 and float16, where sums are in float32."""


def tolerance(dtype: DTypeLike, depth: int = 1) -> float:
    """The relative error ‖a − b‖/‖b‖ below which two results of a network of some depth count as equal.

    An exactly equivariant layer computes the same numbers for a turned input, but adds them in another order. The
    rounding errors of the sums are independent, of relative size a few ε (in the 2-norm hardly growing with the number
    of terms, as BLAS and XLA add in blocks), and layers pass them on: after ``depth`` layers they have added in
    quadrature,

      tolerance = 24 √(ε² + ε₆₄²) √depth.

    ε₆₄, that of float64, stands for the tables of a layer: matrices of representations and bases of kernels are
    computed in float64 whatever the dtype. They hold cosines of kθ, with angles up to N/2 · 2π for C_N, and an angle is
    rounded to ε₆₄/2 of its size: at N = 16 an irrep has errors up to 30 ε₆₄, a convolution, a mean over frequencies, 13
    ε₆₄ (1 ε₆₄ for C4, 4 ε₆₄ for C8). In float64 that counts as much as the sums, in float32 not at all.

    ReLU, max and batch norm neither hide nor amplify them much; the factor 24 leaves at least a factor of two above
    what the contract table shows (see ``tests/test_contracts.py``). In float32 this is 2.9e-6 for one layer, 1e-5 for
    twelve.

    In bfloat16 (ε = 2⁻⁷, as `jnp.finfo` counts) and float16 (2⁻¹⁰) sums are in float32: layers here expand kernels,
    pool and normalise in it, and so do XLA's convolutions and products of matrices. What a layer gives is rounded once,
    by at most ε/2, and mostly alike at turned pixels. There the factor is 3 in place of 24: 0.023 for one layer in
    bfloat16, 0.081 for twelve. Of 136 rows of the contract table, on a CPU, 95 showed no error at all in bfloat16, and
    none more than 0.8 ε √depth; in float16 none of 47 more than 1.4. A network that sums in bfloat16 breaks this.

    Args:
      dtype: of the computation.
      depth: how many layers follow one another.

    >>> f"{tolerance(jnp.float32):.1e} {tolerance(jnp.float64, 4):.1e}"
    '2.9e-06 1.5e-14'
    """
    own, tables = float(jnp.finfo(dtype).eps), float(jnp.finfo(jnp.float64).eps)
    return rounding_per_layer(dtype) * (own**2 + tables**2) ** 0.5 * max(depth, 1) ** 0.5


def rounding_per_layer(dtype: DTypeLike) -> float:
    """The factor of ε √depth in `tolerance`.

    >>> rounding_per_layer(jnp.float32), rounding_per_layer(jnp.bfloat16)
    (24.0, 3.0)
    """
    return NARROW_ROUNDING_PER_LAYER if jnp.finfo(dtype).bits < 32 else ROUNDING_PER_LAYER


def within_spread(limit: float, spread: float) -> float:
    """A limit that says something: at most half of the spread between the outputs for different inputs.

    A model that passes does not change its output as much as another input would, however coarse its numbers are.

    Args:
      limit: of relative errors.
      spread: ‖f(x) − f(x')‖ / ‖f(x)‖.

    >>> within_spread(0.1, 1.0), within_spread(0.1, 0.05)
    (0.1, 0.025)
    """
    return min(limit, spread / 2)


def rounded_spread(dtype: DTypeLike, depth: int = 1) -> float:
    """The spread between the outputs for different inputs that rounding alone may leave of a constant function.

    In float32 and float64 that is the `tolerance`, and at least 10⁻⁶; in narrower types, in which numbers are rounded
    to one of few values, ε: what is constant is rounded to the same number or to its neighbour.

    Args:
      dtype: of the computation.
      depth: how many layers follow one another.

    >>> rounded_spread(jnp.bfloat16, 16)
    0.0078125
    """
    if jnp.finfo(dtype).bits < 32:
        return float(jnp.finfo(dtype).eps)
    return max(1e-6, tolerance(dtype, depth))
