"""Consistency: how often a classifier gives the same answer for two shifts or crops of an image."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.grid import roll, shift_crop
from geomdl.actions.volume_warp import warp_volume
from geomdl.actions.warp import Padding, warp
from geomdl.arrays import wide_dtype
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, over_elements, require_finite
from geomdl.errors import invalid, unknown
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True)
class Consistency:
    """How often two predictions for the same image agree.

    Attributes:
      model: its name.
      measure: what was compared.
      elements: the transformations of each comparison.
      agreements: the fraction of images with equal predictions, for each comparison.
      predicted: how often each predicted class was predicted for the unmoved images (or the first crops).
    """

    model: str
    measure: str
    elements: tuple[tuple[float, ...], ...]
    agreements: tuple[float, ...]
    predicted: tuple[float, ...]

    @property
    def consistency(self) -> float:
        """The fraction of equal predictions; 1 for a constant function."""
        return float(np.mean(self.agreements))

    @property
    def change_rate(self) -> float:
        """1 − consistency: the probability that the prediction changes."""
        return 1 - self.consistency

    @property
    def chance(self) -> float:
        """Σ p²: how often the predictions for two unrelated images agree; 1 for a constant function."""
        return float(np.sum(np.square(self.predicted)))

    @property
    def above_chance(self) -> float:
        """(consistency − chance)/(1 − chance): 1 at best, 0 for predictions unrelated to the image or constant."""
        return (self.consistency - self.chance) / (1 - self.chance) if self.alive else 0.0

    @property
    def alive(self) -> bool:
        """Whether more than one class is ever predicted."""
        return len(self.predicted) > 1

    def rows(self) -> list[dict[str, object]]:
        """One row per comparison: element, agreement."""
        return [{"element": g, "agreement": a} for g, a in zip(self.elements, self.agreements, strict=True)]

    def __str__(self) -> str:
        text = f"{self.model}: {self.measure} {self.consistency:.2%}, chance {self.chance:.2%}"
        return text if self.alive else text + ": CONSTANT, always the same class"


def crop_consistency(
    model: Any, x: ArrayLike, crop: int | tuple[int, ...], *, pairs: int = 8, seed: int = 0
) -> Consistency:
    """The probability that the predictions for two random crops a, b of a larger image agree:

      P(argmax f(crop_a(x)) = argmax f(crop_b(x))).

    The offsets are drawn uniformly for each pair (and shared by the batch, as in the authors' evaluation, where crops
    of 224 pixels are taken from 256). A constant function scores 1; `Consistency.above_chance` is 0 for it.

    Args:
      model: a classifier, anything that `geomdl.equivariance.as_function` takes: logits ``[batch, classes]`` or
        integer classes ``[batch]``.
      x: images, or volumes, larger than the crops.
      crop: the size of the crops in pixels, (height, width) or one number; of volumes (depth, height, width).
      pairs: how many pairs of crops.
      seed: of the offsets.

    Raises:
      ValueError: for crops that are not smaller than the images, or an output that is no classification.

    References:
      Zhang, Making Convolutional Networks Shift-Invariant Again, ICML 2019.

    >>> x = np.random.default_rng(0).normal(size=(4, 8, 8, 1))
    >>> crop_consistency(lambda x: jnp.stack([x.mean((1, 2, 3)), 0 * x[:, 0, 0, 0]], -1), x, 7).consistency > 0.5
    True
    """
    x = _images_or_volumes(x)
    size, n = x.shape[1:-1], x.ndim - 2
    sides = tuple(whole_number("crop", n) for n in (crop if isinstance(crop, tuple | list) else (crop,) * n))
    room = np.subtract(size, sides) if len(sides) == n else np.full(1, -1)
    if min(sides) < 1 or room.min() < 0 or not room.any():
        allowed = f"smaller than the images, which are {'x'.join(map(str, size))}"
        raise invalid("crop", crop, allowed, int(min(size) - 1))
    pairs, seed = whole_number("pairs", pairs), whole_number("seed", seed, least=0)
    offsets = np.random.default_rng(seed).integers(0, room + 1, (pairs, 2, n)).reshape(pairs, 2 * n)

    def crop_at(corner: Any, x: jax.Array) -> jax.Array:
        corner = jnp.asarray(corner).astype(jnp.int32)
        zero = jnp.zeros((), jnp.int32)
        return jax.lax.dynamic_slice(x, (zero, *corner, zero), (len(x), *sides, x.shape[-1]))

    reference = crop_at(np.zeros(n, np.int32), x)
    return _compare(
        model, "crop consistency", reference, offsets, lambda g, _: crop_at(g[:n], x), lambda g, _: crop_at(g[n:], x)
    )


def circular_consistency(model: Any, x: ArrayLike, *, max_shift: int = 3, pairs: int = 8, seed: int = 0) -> Consistency:
    """The probability that the predictions for two circular shifts of an image agree.

    Shifts are drawn from −``max_shift``, …, ``max_shift`` − 1 pixels (−3, …, 2 in the paper) in both directions. No
    pixel is lost, so 1 can be reached exactly. A constant function scores 1; `Consistency.above_chance` is 0 for it.

    Args:
      model: a classifier; see `crop_consistency`.
      x: images ``[batch, height, width, channels]``, or volumes ``[batch, depth, height, width, channels]``.
      max_shift: in pixels, at least 1.
      pairs: how many pairs of shifts.
      seed: of the shifts.

    References:
      Chaman & Dokmanić, Truly Shift-Invariant Convolutional Neural Networks, CVPR 2021.

    >>> x = np.random.default_rng(0).normal(size=(4, 8, 8, 1))
    >>> circular_consistency(lambda x: jnp.stack([(x**3).mean((1, 2, 3)), 0 * x[:, 0, 0, 0]], -1), x).consistency
    1.0
    """
    x = _images_or_volumes(x)
    n, axes = x.ndim - 2, range(x.ndim - 2)
    max_shift, pairs = whole_number("max_shift", max_shift), whole_number("pairs", pairs)
    seed = whole_number("seed", seed, least=0)
    shifts = np.random.default_rng(seed).integers(-max_shift, max_shift, (pairs, 2 * n))

    def first(g: Any, x: jax.Array) -> jax.Array:
        return roll(x, [g[a] for a in axes])

    return _compare(model, "circular consistency", x, shifts, first, lambda g, x: first(g[n:], x))


def top1_change_rate(
    model: Any,
    x: ArrayLike,
    transformation: str = "shift",
    *,
    strength: float | None = None,
    padding: Padding = "zeros",
) -> Consistency:
    """The probability that the predicted class changes when the image moves by the least amount,

      P(argmax f(g x) ≠ argmax f(x)),

    over the images and the transformations g: one pixel up, down, left or right (``"shift"``), larger or smaller by
      one pixel
    (``"scale"``), turned by 1° either way (``"rotation"``). The result is `Consistency.change_rate`. A constant
    function never changes its prediction; it is told by `Consistency.alive`.

    Departs from the paper, which embeds images in a larger black frame; here the frame stays, and pixels that leave it
    are lost.

    Args:
      model: a classifier; see `crop_consistency`.
      x: images ``[batch, height, width, channels]``, or volumes ``[batch, depth, height, width, channels]``, which are
        turned about each of the axes x, y and z.
      transformation: ``"shift"``, ``"scale"`` or ``"rotation"``.
      strength: whole pixels (shift), pixels (scale) or degrees (rotation); 1 by default.
      padding: what comes in: ``"zeros"`` or ``"wrap"`` for shifts, and ``"mirror"`` too for the others.

    References:
      Azulay & Weiss, Why do deep convolutional networks generalize so poorly to small image transformations?, JMLR 20
      (2019).

    >>> x = np.zeros((1, 4, 4, 1)); x[0, 0, 0] = 1.0
    >>> top1_change_rate(lambda x: jnp.stack([x[:, 0, 0, 0], 0 * x[:, 0, 0, 0] + 0.5], -1), x).change_rate
    1.0
    """
    x, by = _images_or_volumes(x), 1.0 if strength is None else float(strength)
    n = x.ndim - 2
    resample = warp if n == 2 else warp_volume
    if not 0 < by < np.inf or (transformation == "shift" and by != int(by)):
        raise invalid("strength", strength, "a positive number; whole pixels for shifts", 1)
    if transformation == "shift":
        if padding == "mirror":
            raise invalid("padding of shifts", padding, "zeros or wrap", "zeros")
        shift = shift_crop if padding == "zeros" else roll
        shifts = np.concatenate([np.stack([-e, e]) for e in np.eye(n, dtype=int)]) * int(by)
        name = f"{by:g}-pixel shift consistency"
        return _compare(model, name, x, shifts, lambda g, x: shift(x, [g[a] for a in range(n)]))
    if transformation == "scale":
        size = min(x.shape[1:-1])
        factors = np.array([[(size + by) / size], [(size - by) / size]])
        if by >= size:
            raise invalid("strength", strength, f"fewer pixels than the image has, {size}", 1)

        def rescale(g: Any, x: jax.Array) -> jax.Array:
            dtype = wide_dtype(x.dtype)
            return resample(x, jnp.asarray(g, dtype)[0] * jnp.eye(n, dtype=dtype), padding=padding)

        return _compare(model, f"{by:g}-pixel scale consistency", x, factors, rescale)
    if transformation == "rotation":
        axes = [(0, 1)] if n == 2 else [(0, 1), (1, 2), (2, 0)]
        matrices = np.array([_rotation(n, *plane, np.deg2rad(t)) for plane in axes for t in (by, -by)])

        def turn(g: Any, x: jax.Array) -> jax.Array:
            matrix = jnp.asarray(matrices, wide_dtype(x.dtype))[jnp.asarray(g)[0]]
            return resample(x, matrix, padding=padding)

        result = _compare(model, f"{by:g}° rotation consistency", x, np.arange(len(matrices))[:, None], turn)
        return dataclasses.replace(result, elements=tuple((t,) for _ in axes for t in (by, -by)))
    raise unknown("transformation", transformation, ("shift", "scale", "rotation"))


def _images_or_volumes(x: ArrayLike) -> jax.Array:
    return image_batch(x, dimension=3 if np.ndim(x) == 5 else 2)


def _rotation(dimension: int, i: int, j: int, angle: float) -> np.ndarray:
    """The rotation that takes axis i towards axis j."""
    matrix = np.eye(dimension)
    matrix[[i, j], [i, j]] = np.cos(angle)
    matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
    return matrix


def require_classes(model: Model, x: jax.Array) -> Any:
    """f(x) where it had to be computed; raises a ValueError when the output is no classification."""
    shape, computed = output_shape(model, x)
    integers = not jnp.issubdtype(shape.dtype, jnp.inexact)
    if len(shape.shape) != (1 if integers else 2) or (not integers and shape.shape[1] < 2):
        allowed = "logits [batch, classes] of two classes or more, or integer classes [batch]"
        raise invalid(f"output of {model.name}", f"{shape.dtype} of shape {tuple(shape.shape)}", allowed)
    return computed


def predicted_class(y: Any) -> jax.Array:
    """argmax of logits; integers are taken as they are."""
    y = jnp.asarray(y)
    return jnp.argmax(y, -1) if y.ndim == 2 else y


def _compare(model: Any, name: str, x: jax.Array, elements: np.ndarray, first: Any, second: Any = None) -> Consistency:
    f = as_function(model)
    computed = require_classes(f, x)

    def measure(f: Any, g: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        one = jnp.asarray(f(first(g, x)))
        other = y if second is None else jnp.asarray(f(second(g, x)))
        finite = jnp.isfinite(one).all() & jnp.isfinite(other).all()
        return (
            jnp.mean((predicted_class(one) == predicted_class(other)).astype(jnp.float32)),
            predicted_class(other),
            finite,
        )

    _, (agreements, classes, finite) = over_elements(f, measure, elements, x, computed)
    if not finite.all():
        require_finite(f, np.array(np.nan), "for some moved image")
    _, counts = np.unique(classes, return_counts=True)
    return Consistency(
        f.name,
        name,
        tuple(tuple(map(float, g)) for g in elements),
        tuple(map(float, agreements)),
        tuple(map(float, counts / counts.sum())),
    )
