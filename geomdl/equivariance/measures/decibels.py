"""Equivariance in decibels: EQ-T, EQ-T with fractional shifts, EQ-R and EQ-scale."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.grid import shift_crop
from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.warp import warp
from geomdl.arrays import wide_dtype, widened
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, over_elements, require_finite
from geomdl.errors import invalid, unknown
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True)
class Decibels:
    """What `eq_t`, `eq_t_frac`, `eq_r` or `eq_scale` found.

    Attributes:
      model: its name.
      measure: ``"EQ-T"``, ``"EQ-T_frac"``, ``"EQ-R"`` or ``"EQ-scale"``.
      elements: the transformations: (rows down, columns right) in pixels, degrees, or factors.
      mses: the mean squared error of each, over the pixels that count.
      mse: the same over all transformations.
      baseline_mse: of moving the images there and back: interpolation alone.
      value_range: the range of the outputs, with which the error is compared.
      image_range: the range of the images.
      alive: whether the outputs differ between images or pixels; False for a constant function.
    """

    model: str
    measure: str
    elements: tuple[tuple[float, ...], ...]
    mses: tuple[float, ...]
    mse: float
    baseline_mse: float
    value_range: float
    image_range: float
    alive: bool

    @property
    def decibels(self) -> float:
        """20 log₁₀(range) − 10 log₁₀(mse); infinite without error, and −∞ for a constant function."""
        return to_decibels(self.mse, self.value_range) if self.alive else -np.inf

    @property
    def baseline(self) -> float:
        """The decibels of moving the images there and back. What lies far below is the model's doing."""
        return to_decibels(self.baseline_mse, self.image_range)

    def rows(self) -> list[dict[str, object]]:
        """One row per transformation: element, mse, decibels."""
        return [
            {"element": g, "mse": mse, "decibels": to_decibels(mse, self.value_range) if self.alive else -np.inf}
            for g, mse in zip(self.elements, self.mses, strict=True)
        ]

    def __str__(self) -> str:
        text = f"{self.model}: {self.measure} {self.decibels:.2f} dB over {len(self.mses)} transformations"
        text += f" (images there and back {self.baseline:.2f} dB)"
        return text if self.alive else text + ": CONSTANT, there is no signal"


def to_decibels(mse: float, value_range: float) -> float:
    """20 log₁₀(range) − 10 log₁₀(mse): the peak signal-to-noise ratio; infinite for mse = 0.

    >>> to_decibels(4e-6, 2.0)
    60.0
    """
    with np.errstate(divide="ignore"):
        return float(np.round(20 * np.log10(value_range) - 10 * np.log10(mse), 10))


def eq_t(
    model: Any,
    x: ArrayLike,
    output: str = "field",
    *,
    max_shift: float = 0.125,
    margin: float = 0.0,
    value_range: float | None = None,
    count: int = 16,
    seed: int = 0,
) -> Decibels:
    """EQ-T: equivariance to translations T_t by whole pixels, in decibels; high is good:

      EQ-T = 20 log₁₀(range) − 10 log₁₀ E[(T_t f(x) − f(T_t x))²],

    the mean being over images, channels, shifts t drawn uniformly up to ``max_shift`` of the image, and the pixels that
    come from within the frame. (In StyleGAN3 the range is 2, as images lie in [−1, 1].)

    A constant function makes no error. It gets −∞ dB, `Decibels.alive` is False, and the printed result says so.

    Departs from the paper in that f maps images, where theirs is a generator whose input can be moved: what enters the
    frame of the moved image is zero. Let pixels at the frame not count (``margin``) to see the inside alone.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes.
      x: images ``[batch, height, width, channels]``.
      output: ``"field"`` for outputs ``[batch, height, width, channels]`` that move like the image (shifts are then
        multiples of the stride), in another layout ``"channels-first"`` or ``"tokens"``; or ``"invariant"``.
      max_shift: the greatest shift as a fraction of the image, at most 1/2.
      margin: how many pixels of the input at the frame do not count, such as half the receptive field.
      value_range: the range of the outputs; by default greatest minus least of f(x).
      count: how many shifts.
      seed: of their draw.

    Raises:
      ValueError: for an output that does not fit, shifts of less than a pixel, or a margin that leaves no pixel.

    References:
      Karras et al., Alias-Free Generative Adversarial Networks, NeurIPS 2021, appendix E.1.

    >>> x = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    >>> eq_t(lambda x: x**2, x).decibels > 150
    True
    """
    _require_shift(max_shift)
    x = image_batch(x)
    model, output = _in_plain_layout(model, output)
    stride = _stride(model, x, output)
    most = np.floor(max_shift * np.array(x.shape[1:3]) / stride).astype(int)
    if not most.any():
        raise invalid("max_shift", max_shift, f"at least {stride.min()} pixels of {x.shape[1]}x{x.shape[2]}", 0.5)
    shifts = _generator(seed, count).integers(-most, most + 1, (count, 2)) * stride
    return _measure(model, x, output, "EQ-T", shifts, *_translations(shifts), margin, value_range, exact=True)


def eq_t_frac(
    model: Any,
    x: ArrayLike,
    output: str = "field",
    *,
    max_shift: float = 0.125,
    margin: float = 3.0,
    value_range: float | None = None,
    count: int = 16,
    seed: int = 0,
) -> Decibels:
    """EQ-T_frac: equivariance to translations by fractions of a pixel, in decibels; see `eq_t`.

    Departs from the paper in the interpolation: cubic B-splines instead of a windowed sinc of six taps. Compare with
    `Decibels.baseline`, and use images with little energy at the highest frequencies. Args as in `eq_t`; a margin of 3
    pixels is about the reach of the splines.

    References:
      Karras et al., Alias-Free Generative Adversarial Networks, NeurIPS 2021, appendix E.2.
    """
    _require_shift(max_shift)
    x = image_batch(x)
    shifts = _generator(seed, count).uniform(-1, 1, (count, 2)) * max_shift * np.array(x.shape[1:3])
    return _measure(model, x, output, "EQ-T_frac", shifts, *_translations(shifts), margin, value_range)


def eq_r(
    model: Any,
    x: ArrayLike,
    output: str = "field",
    *,
    max_degrees: float = 180.0,
    margin: float = 3.0,
    value_range: float | None = None,
    count: int = 16,
    seed: int = 0,
) -> Decibels:
    """EQ-R: equivariance to rotations about the centre by up to ``max_degrees`` either way, in decibels; see `eq_t`.

    The pixels that count are those whose source lies within the frame. Departs from the paper in the resampling: cubic
    B-splines, without the low-pass filter that the paper applies to both sides; compare with `Decibels.baseline`.
    Other args as in `eq_t`.

    References:
      Karras et al., Alias-Free Generative Adversarial Networks, NeurIPS 2021, appendix E.3.
    """
    if not 0 < max_degrees <= 180:
        raise invalid("max_degrees", max_degrees, "an angle in (0, 180]", 180)
    degrees = _generator(seed, count).uniform(-1, 1, (count, 1)) * max_degrees
    cos, sin = np.cos(np.deg2rad(degrees[:, 0])), np.sin(np.deg2rad(degrees[:, 0]))
    matrices = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    return _measure(model, x, output, "EQ-R", degrees, matrices, np.zeros((count, 2)), margin, value_range)


def eq_scale(
    model: Any,
    x: ArrayLike,
    output: str = "field",
    *,
    max_factor: float = 1.25,
    margin: float = 3.0,
    value_range: float | None = None,
    count: int = 16,
    seed: int = 0,
) -> Decibels:
    """EQ-scale: equivariance to scaling about the centre, in decibels, defined as `eq_r` is for rotations.

    Factors are drawn between 1/``max_factor`` and ``max_factor``, uniformly in the logarithm. Other args as in `eq_t`.
    """
    if not 1 < max_factor < math.inf:
        raise invalid("max_factor", max_factor, "a factor above 1", 1.25)
    factors = np.exp(_generator(seed, count).uniform(-1, 1, (count, 1)) * np.log(max_factor))
    return _measure(
        model, x, output, "EQ-scale", factors, factors[..., None] * np.eye(2), np.zeros((count, 2)), margin, value_range
    )


def _translations(shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows down, columns right) as p ↦ p + t in coordinates x right, y up."""
    return np.tile(np.eye(2), (len(shifts), 1, 1)), np.stack([shifts[:, 1], -shifts[:, 0]], -1).astype(float)


def _generator(seed: int, count: int) -> np.random.Generator:
    """Draws that many transformations."""
    whole_number("count", count)
    return np.random.default_rng(whole_number("seed", seed, least=0))


def _require_shift(max_shift: float) -> None:
    if not 0 < max_shift <= 0.5:
        raise invalid("max_shift", max_shift, "a fraction of the image in (0, 1/2]", 0.125)


def _in_plain_layout(model: Any, output: str) -> tuple[Model, str]:
    """The model, with ``[batch, height, width, channels]`` where outputs are fields, and the kind of its output."""
    f, law = in_plain_layout(as_function(model), output_law(output, None))
    if not isinstance(law, OutputLaw) or law.kind not in ("field", "invariant") or law.field_type is not None:
        raise unknown("output", output, ("field", "channels-first", "tokens", "invariant"))
    return f, law.kind


def _stride(model: Any, x: jax.Array, output: str) -> np.ndarray:
    """How many input pixels make up an output pixel, where that is a whole number."""
    shape = output_shape(as_function(model), x)[0].shape
    if output != "field" or len(shape) != 4 or np.any(np.array(x.shape[1:3]) % np.array(shape[1:3])):
        return np.ones(2, int)
    return np.array(x.shape[1:3]) // np.array(shape[1:3])


def _measure(
    model: Any,
    x: ArrayLike,
    output: str,
    name: str,
    elements: np.ndarray,
    matrices: np.ndarray,
    offsets: np.ndarray,
    margin: float,
    value_range: float | None,
    exact: bool = False,
) -> Decibels:
    """The decibels of the maps p ↦ A p + t, on the pixels that come from within the frame."""
    (f, output), x = _in_plain_layout(model, output), image_batch(x)
    shape, computed = output_shape(f, x)
    _require_measurable(f.name, shape.shape, output, value_range)
    size = np.array(x.shape[1:3])
    out_size = np.array(shape.shape[1:3]) if output == "field" else size
    maps = _Maps(matrices, offsets, exact)
    seen, kept = maps.seen(size, out_size, margin), maps.inverse.seen(size, size, margin)
    if not seen.any((1, 2)).all() or not kept.any((1, 2)).all():
        raise invalid(f"margin of {name}", margin, "few enough pixels to leave some of every moved image", 0)

    def squares_of(f: Any, g: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The squared errors of the output, and of the images moved there and back; averaged but over pixels."""
        g, y = jnp.asarray(g, wide_dtype(x.dtype)), widened(y)
        forth, back = (g[:4].reshape(2, 2), g[4:6]), (g[6:10].reshape(2, 2), g[10:12])
        moved = maps.move(*forth, x, size, size)
        expected = maps.move(*forth, y, size, out_size) if output == "field" else y
        resampled = ((widened(maps.move(*back, moved, size, size)) - widened(x)) ** 2).mean((0, 3))
        squares = (expected - widened(f(moved))) ** 2
        return (squares.mean((0, 3)) if output == "field" else squares.mean()), resampled

    y, (squares, resampled) = over_elements(f, squares_of, maps.numbers(), x, computed)
    require_finite(f, squares, "for some moved image")
    squares, resampled = squares.astype(np.float64), resampled.astype(np.float64)
    if output == "field":
        mses, mse = (squares * seen).sum((1, 2)) / seen.sum((1, 2)), (squares * seen).sum() / seen.sum()
    else:
        mses, mse = squares, squares.mean()
    y = np.asarray(y, np.float64)
    found = float(np.ptp(y))
    return Decibels(
        model=f.name,
        measure=name,
        elements=tuple(tuple(map(float, g)) for g in elements),
        mses=tuple(map(float, mses)),
        mse=float(mse),
        baseline_mse=float((resampled * kept).sum() / kept.sum()),
        value_range=found if value_range is None else float(value_range),
        image_range=float(np.ptp(np.asarray(x, np.float64))),
        alive=found > 1e-6 * float(np.abs(y).max()),
    )


def _require_measurable(name: str, shape: tuple[int, ...], output: str, value_range: float | None) -> None:
    if value_range is not None and not 0 < value_range < math.inf:
        raise invalid("value_range", value_range, "a positive number, or None for that of f(x)")
    if output == "field" and len(shape) != 4:
        allowed = "an output [batch, height, width, channels] for 'field'"
        raise invalid(f"output of shape {shape} of {name}", output, allowed, "'invariant'")


@dataclasses.dataclass(frozen=True, eq=False)
class _Maps:
    """Maps p ↦ A p + t of the plane about the centre of an image, in coordinates x to the right, y up.

    Args:
      matrices: A of each, ``[n, 2, 2]``.
      offsets: t of each in pixels of the input, ``[n, 2]``.
      exact: whether they are shifts by whole pixels, which need no resampling.
    """

    matrices: np.ndarray
    offsets: np.ndarray
    exact: bool = False

    @functools.cached_property
    def inverse(self) -> "_Maps":
        """p ↦ A⁻¹ (p − t)."""
        inverses = [np.linalg.inv(a) for a in self.matrices]
        offsets = [-b @ t for b, t in zip(inverses, self.offsets, strict=True)]
        return _Maps(np.stack(inverses), np.stack(offsets), self.exact)

    def seen(self, size: np.ndarray, to: np.ndarray, margin: float) -> np.ndarray:
        """For each map which pixels of a grid ``to`` have their source within the frame; see `_seen`."""
        return np.stack([_seen(a, t, size, to, margin) for a, t in zip(self.matrices, self.offsets, strict=True)])

    def numbers(self) -> np.ndarray:
        """Each map and its inverse as twelve numbers: A, t, A⁻¹, −A⁻¹ t; ``[n, 12]`` float32."""
        parts = (self.matrices, self.offsets, self.inverse.matrices, self.inverse.offsets)
        return np.concatenate([part.reshape(len(part), -1) for part in parts], 1).astype(np.float32)

    def move(self, a: Any, t: Any, y: jax.Array, size: np.ndarray, to: np.ndarray) -> jax.Array:
        """An array on a grid ``to``, moved by one map given in pixels of a grid ``size``."""
        t = t * jnp.asarray((to / size)[::-1], t.dtype)
        if self.exact:
            rows, columns = -jnp.round(t[1]).astype(jnp.int32), jnp.round(t[0]).astype(jnp.int32)
            return shift_crop(y, (rows, columns))
        return warp(y, a, t)


def _seen(matrix: np.ndarray, offset: np.ndarray, size: np.ndarray, to: np.ndarray, margin: float) -> np.ndarray:
    """Which pixels of a grid ``to`` have their source within the frame of ``size`` pixels, ``margin`` pixels inside."""
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in to)
    x, y = np.meshgrid(columns * size[1] / to[1], -rows * size[0] / to[0])
    source = (np.stack([x, y], -1) - offset) @ np.linalg.inv(matrix).T
    here = np.stack([x, y], -1)  # also in the moved image the surroundings must lie within the frame
    inner = size[::-1] / 2 - margin + 1e-6
    return np.all((np.abs(source) <= inner - 0.5) & (np.abs(here) <= inner), -1)
