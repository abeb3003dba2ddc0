"""Resampling without aliasing, and nonlinearities that keep fractional shifts."""

import dataclasses
import functools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import (
    NOTHING,
    Condition,
    Contract,
    Promise,
    Size,
    exact_everywhere,
)
from geomdl.equivariance.contracts.promise import Divides
from geomdl.equivariance.contracts.redundancy import Redundancy
from geomdl.errors import invalid
from geomdl.layers.core.field_channels import per_channel
from geomdl.layers.core.layer import Child, Field, Fields, Layer, Resampled
from geomdl.layers.resampling.upsampling import centred_points, size_on
from geomdl.representations import FieldType


class IdealResample(Layer):
    """Resampling without aliasing: the trigonometric polynomial through the pixels, at the places of another grid.

      y(i) = Σ_j D(p_i − j) x(j),   p_i = (i + ½) n/m − ½,   D(t) = (1 + 2 Σ_{k=1}^{K} cos(2π k t / n)) / n,

    along each axis, K the largest integer below min(n, m) / 2. Frequencies that the smaller grid cannot hold are
    removed, its Nyquist frequency among them; all others are kept as they are. The centres of both grids lie on one
    another and D is even, so it commutes with flips and quarter turns at every size; and with circular shifts by any
    real number of pixels, f(T_s x) = T_{s m/n} f(x), up or down.

    Args:
      in_type: what comes in and goes out; any representations.
      factor: m / n, a whole number or fraction, such as ``Fraction(1, 2)``; or
      size: (height, width) of the output, or as the base space has axes; or one number for all.

    Raises:
      ValueError: unless exactly one of factor and size is given; for one that is not positive; at the call for sides
        that the factor does not make whole.

    References:
      Karras et al., Alias-free generative adversarial networks, NeurIPS 2021. Michaeli, Michaeli & Soudry, Alias-free
      convnets, CVPR 2023, §3.

    >>> from fractions import Fraction
    >>> half = IdealResample(FieldType("C1", "1 trivial"), Fraction(1, 2))
    >>> wave = jnp.cos(jnp.arange(8.0) * 2 * jnp.pi / 8).reshape(1, 1, 8, 1) * jnp.ones((1, 2, 1, 1))
    >>> [f"{value:.3f}" for value in half(wave).ravel().tolist()]  # between the pixels: cos 22.5°, cos 112.5°, …
    ['0.924', '-0.383', '-0.924', '0.383']
    """

    def __init__(
        self,
        in_type: FieldType,
        factor: int | Fraction | None = None,
        *,
        size: int | tuple[int, ...] | None = None,
    ) -> None:
        if (factor is None) == (size is None):
            raise invalid("factor and size of IdealResample", (factor, size), "one of them", "factor=2")
        if factor is not None and (not isinstance(factor, int | Fraction) or factor <= 0):
            raise invalid("factor of IdealResample", factor, "a positive whole number or Fraction", "Fraction(1, 2)")
        space = in_type.require_base_space("IdealResample")
        self.in_type = self.out_type = in_type
        self.factor = None if factor is None else Fraction(factor)
        self.size = None if size is None else size_on(space, "size of IdealResample", size)

    def output_size(self, size: Size) -> Size:
        """n · factor along each axis, or the given size. Raises ValueError when it is not whole."""
        if self.factor is None:
            return self.size or ()
        q = self.factor.denominator
        if any(n % q for n in size):
            nearest = "x".join(str(max(1, round(n / q)) * q) for n in size)
            raise invalid("image in IdealResample", "x".join(map(str, size)), f"sides that {q} divides", nearest)
        return tuple(int(n * self.factor) for n in size)

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries at every size; shifts by a factor, fractional ones included."""
        if self.factor is None:
            points = centred_points(self.in_type, self.size)
            varies = dataclasses.replace(NOTHING, why="the factor varies")
            fine = Redundancy(math.inf)  # where the output is the larger
            return Contract(
                self.in_type, self.out_type, points, varies, self.output_size, fractional=varies, redundancy=fine
            )
        q = self.factor.denominator
        fits = Condition(f"sides that {q} divides", Divides(q))
        exact = Promise("exact", (fits,) if q > 1 else ())
        points = centred_points(self.in_type, self.size, *exact.conditions)
        return Contract(
            self.in_type,
            self.out_type,
            points,
            exact,
            self.output_size,
            step=q,
            stride=1 / self.factor,
            fractional=exact,
            offset=(1 / self.factor - 1) / 2,
        )

    def multiply_adds(self, size: Size) -> int:
        """Channels · (new rows · rows · columns + new rows · new columns · columns), one axis after the other."""
        large = self.output_size(size)
        products = (math.prod(large[: axis + 1]) * math.prod(size[axis:]) for axis in range(len(size)))
        return self.in_type.size * sum(products)

    def apply(self, x: Field) -> Resampled:
        """Resamples ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes."""
        self.in_type.require_layout(x.shape, "the input of IdealResample")
        axes = "bdhwc"[: x.ndim]
        for axis, m in enumerate(self.output_size(x.shape[1:-1]), 1):
            matrix, old = jnp.asarray(_ideal(x.shape[axis], m), x.dtype), axes[axis]
            x = jnp.einsum(f"i{old},{axes}->{axes.replace(old, 'i')}", matrix, x, precision="highest")
        return x


class Polynomial(Layer):
    """A polynomial of each channel, with learnt coefficients for each field: y = Σ_k a_k x^k.

    It makes no frequencies above degree times those of x, so at a high enough resolution nothing aliases: see
    `BandLimited`. The coefficients start as those of the polynomial nearest to GELU, x Φ(x), in the mean square over
    x ∼ N(0, 1); for degree 2 this is 0.0705 + 0.5 x + 0.2116 x².

    Args:
      in_type: fields whose channels the group permutes.
      degree: at least 1.

    Raises:
      ValueError: for fields that are not permuted, or a degree that is not a whole number ≥ 1.

    References:
      Michaeli, Michaeli & Soudry, Alias-free convnets: fractional shift invariance via polynomial activations, CVPR
      2023, §3.2.

    >>> y = Polynomial(FieldType("C4", "1 regular"))(jnp.array([[-1.0, 0.0, 1.0, 2.0]]))
    >>> [f"{value:.3f}" for value in y[0].tolist()]
    ['-0.218', '0.071', '0.782', '1.917']
    """

    def __init__(self, in_type: FieldType, degree: int = 2) -> None:
        in_type.require_permutation("Polynomial")
        if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
            raise invalid("degree of Polynomial", degree, "a whole number ≥ 1", 2)
        self.in_type = self.out_type = in_type
        self.degree = degree
        start = np.repeat(_gelu_fit(degree)[:, None], in_type.num_fields, 1)
        self.coefficients = nnx.Param(jnp.asarray(start, jnp.float32))

    @property
    def contract(self) -> Contract:
        """Exact for every element and every whole shift; alone it aliases."""
        return exact_everywhere(self.in_type, linear=self.degree < 2)

    def multiply_adds(self, size: Size) -> int:
        """Degree · pixels · channels."""
        return self.degree * math.prod(size) * self.in_type.size

    def apply(self, x: Field) -> Field:
        """Applies the polynomials to ``[..., channels]``, by Horner's rule."""
        self.in_type.require_channels(x.shape[-1], "the input of Polynomial")
        coefficients = per_channel(self.coefficients[...].astype(x.dtype), self.in_type)
        y = coefficients[-1]
        for k in range(self.degree - 1, -1, -1):
            y = y * x + coefficients[k]
        return y


class BandLimited(Layer):
    """A pointwise nonlinearity at a higher resolution: y = D(σ(U x)), U and D ideal resampling by a factor and back.

    Where σ is a polynomial of degree d ≤ 2 · factor − 1, y commutes with circular shifts by any real number of pixels.
    For then σ(U x) has frequencies up to d K, K < n/2 the highest of U x; on its grid of factor · n pixels they appear
    at no less than factor · n − d K > K, where D removes them. Other functions make every frequency, so some aliasing
    is left, the less the larger the factor. Whole shifts are exact in any case.

    Args:
      pointwise: σ, such as `Polynomial` or `Pointwise`: a layer that acts on every pixel by itself.
      factor: of the resolution, a whole number or Fraction, at least 1. 3/2 is enough for squares.

    Raises:
      ValueError: for a layer that looks at other pixels, or a factor below 1.

    References:
      Karras et al., NeurIPS 2021, §3.2. Michaeli, Michaeli & Soudry, CVPR 2023, §3.2.

    >>> layer = BandLimited(Polynomial(FieldType("C4", "1 regular")))
    >>> print(layer.contract)
    C4: exact, given a square input
    circular shifts: exact
    fractional circular shifts: exact
    """

    def __init__(self, pointwise: Layer, factor: int | Fraction = 2) -> None:
        if not isinstance(factor, int | Fraction) or factor < 1:
            raise invalid("factor of BandLimited", factor, "a whole number or Fraction ≥ 1", 2)
        contract = pointwise.contract
        if contract.reach != 0 or contract.stride != 1 or contract.shifts.level != "exact":
            raise invalid(
                "layer in BandLimited",
                type(pointwise).__name__,
                "a layer that acts on every pixel by itself",
                "Polynomial",
            )
        self.pointwise, self.factor = pointwise, Fraction(factor)
        self.in_type, self.out_type = pointwise.in_type, pointwise.out_type
        self.up, self.down = IdealResample(self.in_type, self.factor), IdealResample(self.out_type, 1 / self.factor)

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries and whole shifts; for fractional ones if the degree is at most 2 · factor − 1."""
        up = self.up.contract
        whole = compose([up, self.pointwise.contract, self.down.contract])
        same = self.pointwise.contract.points == Promise("exact")  # where U can be applied, so can D
        same = same and self.pointwise.contract.group == up.group
        whole = dataclasses.replace(whole, points=up.points if same else whole.points, shifts=up.shifts)
        if isinstance(self.pointwise, Polynomial) and self.pointwise.degree <= 2 * self.factor - 1:
            return dataclasses.replace(whole, fractional=up.fractional)
        return whole

    def children(self, size: Size) -> list[Child]:
        """Both resamplings, and the nonlinearity between them at the larger size."""
        large = self.up.output_size(size)
        return [Child("up", self.up, size), Child("pointwise", self.pointwise, large), Child("down", self.down, large)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Fields:
        """Maps ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes."""
        return self.down(self.pointwise(self.up(x), train=train, key=key))


@functools.lru_cache(maxsize=64)
def _ideal(n: int, m: int) -> np.ndarray:
    """The matrix ``[m, n]`` of ideal resampling from n to m pixels, in double precision."""
    p = (np.arange(m) + 0.5) * n / m - 0.5
    t = p[:, None] - np.arange(n)
    k = np.arange(1, (min(n, m) - 1) // 2 + 1)
    return (1 + 2 * np.cos(2 * np.pi * t[..., None] * k / n).sum(-1)) / n


def _gelu_fit(degree: int) -> np.ndarray:
    """The coefficients, lowest first, of the polynomial nearest to GELU in the mean square over N(0, 1)."""
    x, w = np.polynomial.hermite_e.hermegauss(64)
    gelu = x * np.array([0.5 * (1 + math.erf(v / 2**0.5)) for v in x])
    powers = np.vander(x, degree + 1, increasing=True)
    return np.linalg.solve(powers.T @ (w[:, None] * powers), powers.T @ (w * gelu))
