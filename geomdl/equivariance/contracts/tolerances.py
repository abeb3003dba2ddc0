"""How large a rounding error may be: the only place where tolerances are set."""

import jax.numpy as jnp
from jax.typing import DTypeLike

ROUNDING_PER_LAYER = 24.0
"""Relative rounding error of one layer, in units of machine epsilon; see `tolerance`."""


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

    In bfloat16 (ε = 2⁻⁷, as `jnp.finfo` counts) it is 0.19 for one layer, which says little: it is a bound for networks
    that round every sum. Layers here expand kernels in float32 and pool in float32, and XLA's convolutions on CPUs sum
    in float32 and round once, alike at turned pixels: there exactly equivariant C4 and D4 networks of 6 and 10 layers
    in bfloat16 showed no error at all on 8 random images. Devices that sum in another order may round differently.

    Args:
      dtype: of the computation.
      depth: how many layers follow one another.

    >>> f"{tolerance(jnp.float32):.1e} {tolerance(jnp.float64, 4):.1e}"
    '2.9e-06 1.5e-14'
    """
    own, tables = float(jnp.finfo(dtype).eps), float(jnp.finfo(jnp.float64).eps)
    return ROUNDING_PER_LAYER * (own**2 + tables**2) ** 0.5 * max(depth, 1) ** 0.5
