"""Adaptive polyphase sampling: strided layers that commute with every shift by whole pixels."""

import dataclasses
import functools
import itertools
import math
from typing import Literal, cast, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contracts.contract import NOTHING, Condition, Contract, Promise, Size
from geomdl.equivariance.contracts.promise import OnCentredGrid, by_group
from geomdl.equivariance.contracts.redundancy import Choice
from geomdl.errors import invalid, unknown
from geomdl.groups import PerAxis
from geomdl.layers.containers.sequential import Sequential
from geomdl.layers.convolution.conv import Conv
from geomdl.layers.convolution.dense import Dense
from geomdl.layers.core.data_axis import per_example
from geomdl.layers.core.field_channels import num_invariants, wide
from geomdl.layers.core.layer import Child, Field, Layer, Resampled, inner_layers
from geomdl.layers.core.window import Window
from geomdl.layers.nonlinearities.pointwise import Pointwise
from geomdl.layers.resampling.pooling import GlobalPool
from geomdl.representations import FieldType

Choose = Literal["norm", "learned"]
_HIDDEN = 4
"""Channels of the network that scores the components."""


class Polyphase(Layer):
    """Applies a strided layer to the polyphase component that the image itself chooses.

      y = f(T_{−(i, j)} x),   (i, j) = argmax ‖x[i::S, j::S]‖_p,   S the stride of f.

    f looks at windows about the pixels 0, S, 2S, … of each axis; the image is moved so that these are the pixels of the
    chosen component. A plain stride always takes component (0, 0), which is another one after a shift by one pixel.

    *Shifts.* The components of a shifted image are those of the image in another order, each moved by whole pixels of
    its own, which no norm sees. So the same pixels are chosen, and y only moves: f(T_s x) = T_r f(x), where r is the
    number of whole strides in s + (i, j). After global pooling this is exact invariance; with `PolyphaseUpsample` the
    pixels go back where they were, and the whole commutes with every shift (`geomdl.layers.Hourglass`).

    *Quarter turns and flips.* Let S divide n. In the image turned by 90°, x'[r, c] = x[c, n − 1 − r], row S k + i and
    column S l + j hold x[S l + j, S (n/S − 1 − k) + (S − 1 − i)]. So component (i, j) of x' is component (j, S − 1 − i)
    of x, turned; and in the same way component (i, j) of x flipped up–down is component (S − 1 − i, j), flipped. The
    chosen pixels turn with the image, at every size that S divides, though no plain stride does so at even sizes.

    On volumes there are S³ components, numbered along depth, height and width, and the 48 symmetries of the cube move
    them in the same way: each reverses and exchanges the numbers as it does axes.

    *Ties.* Where two components have the same norm the first in reading order is taken. Their order changes with the
    image: if they are not the same up to a shift, as in a picture that is its own mirror image, the promises do not
    hold for it. Behind upsampling (`Upsample`, `IdealResample`, `TransposedConv`, `ReducedSize`) components can have
    the same norm whatever the image, and rounding chooses. There the contract of a network promises nothing about the
    group and shifts; a layer of as large a stride between them takes the redundancy away.

    Args:
      layer: f, with windows of odd extent, ``padding="same"``, ``padding_mode="circular"``, ``remainder="drop"`` and
        stride S ≥ 2: `Conv`, `BlurPool`, `Pool` (of window 1 it is plain subsampling), or a network of one of these and
        layers without stride, such as a residual block: then all its branches see the same component. It is copied.
      choose: ``"norm"``, or ``"learned"`` by a small network (a mixture of the channels, an invariant 3 × 3 convolution
        that goes round, ReLU, the mean over all pixels, one score): in training a component is drawn with the
        probabilities softmax(scores / temperature), and gradients go through these (straight through); in evaluation
        the highest score wins.
      norm: p, for ``"norm"``. The 2-norm is the same for ρ(g) x; others need fields that the group permutes up to sign.
      temperature: of the softmax, positive.
      rngs: initialises the scores, for ``"learned"``.

    Raises:
      ValueError: for a layer without stride or with other windows, a norm that ρ changes, a temperature that is not
        positive, or no rngs for ``"learned"``; at the call for sides that S does not divide, and without a key where
        one is drawn.

    References:
      Chaman & Dokmanić, Truly shift-invariant convolutional neural networks, CVPR 2021 ("norm"). Rojas-Gomez, Lim,
      Schwing, Do & Yeh, Learnable polyphase sampling for shift invariant and equivariant convolutional networks,
      NeurIPS 2022 ("learned"). Departs from both in choosing among the components of the input, not of a convolution at
      full resolution, so that it costs no more than a strided layer; and in scores that the group leaves alone.

    >>> from geomdl.layers.resampling.pooling import Pool
    >>> subsample = Polyphase(Pool(FieldType("C1", "1 trivial"), 1, stride=2, remainder="drop"))
    >>> x = jnp.array([1.0, 0.0, 3.0, 0.0]).reshape(1, 1, 4, 1) * jnp.array([1.0, 0.0]).reshape(1, 2, 1, 1)
    >>> subsample(x).ravel(), subsample(jnp.roll(x, 1, 2)).ravel(), subsample(jnp.roll(x, 2, 2)).ravel()
    (Array([1., 3.], dtype=float32), Array([1., 3.], dtype=float32), Array([3., 1.], dtype=float32))
    """

    def __init__(
        self,
        layer: Layer,
        choose: Choose = "norm",
        *,
        norm: float = 2.0,
        temperature: float = 1.0,
        rngs: nnx.Rngs | None = None,
    ) -> None:
        if choose not in get_args(Choose):
            raise unknown("choose of Polyphase", choose, get_args(Choose))
        if not temperature > 0:
            raise invalid("temperature of Polyphase", temperature, "a positive number", 1.0)
        layer.in_type.require_base_space("Polyphase")
        self.in_type, self.out_type = layer.in_type, layer.out_type
        self.stride, self.inner_contract = _require_strided(layer), layer.contract
        _require_norm(norm, layer.in_type)
        self.choose: Choose = choose
        self.norm, self.temperature = norm, temperature
        self.layer, self.border = nnx.clone(layer), 0
        window = getattr(layer, "window", None)
        if isinstance(window, Window):  # the border is taken along when the image is moved
            self.border = window.isotropic.padding
            self.layer.window = dataclasses.replace(window, padding=0)  # type: ignore[attr-defined]
        if choose == "learned" and rngs is None:
            raise ValueError("Polyphase with choose='learned' has weights: pass rngs=nnx.Rngs(…)")
        self.scores = _scores(layer.in_type, cast(nnx.Rngs, rngs)) if choose == "learned" else None

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries, for shifts by multiples of the stride, and for all others up to a shift."""
        inner, fits = self.inner_contract, Condition(f"sides that {self.stride} divides", self._fits)
        return dataclasses.replace(
            inner,
            points=by_group(OnCentredGrid(self.in_type.space, conditions=(fits,)), self.out_type.group),
            shifts=Promise("exact", (fits,)),
            up_to_shift=Promise("exact", (fits,)),
            fractional=dataclasses.replace(NOTHING, why="the choice is of whole pixels"),
            reach=None,
            choices=(Choice(self.stride), *inner.choices),
            output_size=self.output_size,
            depth=inner.depth + 1,
            random_in_training=inner.random_in_training or self.choose == "learned",
        )

    def output_size(self, size: Size) -> Size:
        """n / S along each axis. Raises ValueError where S does not divide n."""
        if not self._fits(size):
            nearest = tuple(max(1, round(n / self.stride)) * self.stride for n in size)
            raise invalid(
                "image in Polyphase", _times(size), f"sides that its stride {self.stride} divides", _times(nearest)
            )
        return self.inner_contract.output_size(size)

    def children(self, size: Size) -> list[Child]:
        """What scores the components, where it is learned, and the layer at the size of the image with its border."""
        scores = [] if self.scores is None else [Child("scores", self.scores, tuple(n // self.stride for n in size))]
        return [*scores, Child("layer", self.layer, tuple(n + 2 * self.border for n in size))]

    def multiply_adds(self, size: Size) -> int:
        """MACs of the layer, and pixels · channels for the norm, or those of the scores of every component."""
        *scores, layer = self.children(size)
        total = layer.layer.multiply_adds(layer.size)
        if not scores:
            return total + math.prod(size) * self.in_type.size
        return total + self.stride ** len(size) * scores[0].layer.multiply_adds(scores[0].size)

    def sample(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The output, and the component that it saw.

        Returns:
          y, and ``[batch, S, S]``: 1 at (i, j) and 0 elsewhere; one S for each axis. While ``"learned"`` trains,
          gradients with respect to this go on to the scores.
        """
        self.in_type.require_layout(x.shape, "the input of Polyphase")
        self.output_size(x.shape[1:-1])
        dimension = x.ndim - 2
        if self.scores is None:
            phase, draw = self._one(_energies(x, self.stride, self.norm), dimension), False
        else:
            components = self.scores(_components(x, self.stride), train=train)
            scores = components.reshape(x.shape[0], -1).astype(wide(x.dtype))
            phase, draw = self._drawn(scores, dimension, key) if train else self._one(scores, dimension), train
        moved = cast(jax.Array, _weighed(x, phase, self.border)) if draw else _moved(x, phase, self.border)
        return self.layer(moved, train=train, key=key), phase

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Maps ``[batch, height, width, channels]``, or volumes; ``key`` is needed while ``"learned"`` trains."""
        return self.sample(x, train=train, key=key)[0]

    def _fits(self, size: Size) -> bool:
        return all(n % self.stride == 0 for n in size)

    def _one(self, scores: jax.Array, dimension: int) -> jax.Array:
        """1 where the score is highest: ``[batch, S · S]`` to ``[batch, S, S]``."""
        best = jax.lax.stop_gradient(scores).argmax(-1)
        one = jax.nn.one_hot(best, self.stride**dimension, dtype=scores.dtype)
        return one.reshape(-1, *(self.stride,) * dimension)

    def _drawn(self, scores: jax.Array, dimension: int, key: jax.Array | None) -> jax.Array:
        """One component drawn with softmax probabilities, with their gradients (Gumbel-softmax, straight through)."""
        if key is None:
            raise ValueError("Polyphase(choose='learned') draws a component in training: pass key=jax.random.key(…)")
        draw_key, kind = jax.random.fold_in(key, 1), scores.dtype
        noise = per_example(lambda batch: jax.random.gumbel(draw_key, (batch, *scores.shape[1:]), kind), len(scores))
        noisy = (scores + noise) / self.temperature
        soft = jax.nn.softmax(noisy).reshape(-1, *(self.stride,) * dimension)
        return self._one(noisy, dimension) + soft - jax.lax.stop_gradient(soft)


def _moved(x: jax.Array, phase: jax.Array, border: int) -> jax.Array:
    """Each image moved so that its component lies on 0, S, 2S, …, with a border on each side."""
    stride = phase.shape[-1]
    chosen, dimension = phase.reshape(x.shape[0], -1).argmax(-1), x.ndim - 2
    index: list[jax.Array] = [jnp.arange(x.shape[0]).reshape(-1, *(1,) * dimension)]
    for axis, n in enumerate(x.shape[1:-1]):
        start = chosen // stride ** (dimension - 1 - axis) % stride
        places = (start[:, None] + np.arange(-border, n + border)) % n
        index.append(places.reshape(len(x), *(-1 if a == axis else 1 for a in range(dimension))))
    return x[tuple(index)]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _weighed(x: jax.Array, phase: jax.Array, border: int) -> jax.Array:
    """The sum over all components of phase[i, j] times the image moved to it, of which one has weight 1, others 0.

    So it is `_moved`, but has the sum's gradients with respect to the phase.
    """
    return _moved(x, phase, border)


def _weighed_forward(x: jax.Array, phase: jax.Array, border: int) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _moved(x, phase, border), (x, phase)


def _weighed_backward(
    border: int, kept: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, phase = kept
    stride, sizes = phase.shape[-1], cotangent.shape[1:-1]
    of_image = jax.vjp(lambda x: _moved(x, phase, border), x)[1](cotangent)[0]
    around, every = (border, border + stride - 1), tuple(range(1, x.ndim))
    large = jnp.pad(x, ((0, 0), *[around] * len(sizes), (0, 0)), mode="wrap")
    products = [
        jnp.sum(
            cotangent * large[:, *(slice(i, i + n) for i, n in zip(start, sizes, strict=True))],
            every,
            dtype=phase.dtype,
        )
        for start in itertools.product(range(stride), repeat=len(sizes))
    ]
    return of_image, jnp.stack(products, -1).reshape(phase.shape)


_weighed.defvjp(_weighed_forward, _weighed_backward)


def _energies(x: jax.Array, stride: int, norm: float) -> jax.Array:
    """‖·‖_p^p of every component, ``[batch, S · S]``.

    For p = ∞ ties are common, as behind a maximum over windows that overlap, or a function that saturates; so of the
    components with the largest entry those count by their 2-norm, others as −1.
    """
    x = jax.lax.stop_gradient(x).astype(wide(x.dtype))
    batch, *sizes, _ = x.shape
    shape = batch, *(part for n in sizes for part in (n // stride, stride))
    within = tuple(range(1, len(shape), 2))
    powers = x * x if norm in (2, math.inf) else jnp.abs(x) ** norm
    sums = powers.sum(-1).reshape(shape).sum(within).reshape(batch, -1)
    if norm < math.inf:
        return sums
    largest = jnp.abs(x).max(-1).reshape(shape).max(within).reshape(batch, -1)
    return jnp.where(largest == largest.max(-1, keepdims=True), sums, -1)


def _components(x: jax.Array, stride: int) -> jax.Array:
    """The components as images ``[batch · S · S, height / S, width / S, channels]``."""
    batch, *sizes, channels = x.shape
    small = [n // stride for n in sizes]
    parts = x.reshape(batch, *(part for n in small for part in (n, stride)), channels)
    last = parts.ndim - 1
    return parts.transpose(0, *range(2, last, 2), *range(1, last, 2), last).reshape(-1, *small, channels)


def _scores(in_type: FieldType, rngs: nnx.Rngs) -> Sequential:
    """An invariant number for each image: it is the same for turned, flipped and circularly shifted ones."""
    hidden = in_type.with_fields(f"{_HIDDEN} trivial")
    mix = Conv(in_type, hidden, 1 if num_invariants(in_type) else 3, padding="same", padding_mode="circular", rngs=rngs)
    look = Conv(hidden, hidden, 3, padding="same", padding_mode="circular", rngs=rngs)
    score = Dense(hidden, in_type.with_fields("1 trivial"), use_bias=False, rngs=rngs)
    return Sequential([mix, look, Pointwise(hidden, "relu"), GlobalPool(hidden), score])


def _require_strided(layer: Layer) -> int:
    """The stride of a layer whose windows are centred on every S-th pixel, and go round."""
    contract = layer.contract
    stride = contract.stride
    if isinstance(stride, PerAxis) or int(stride) != stride or stride < 2:
        raise invalid(f"stride of the {type(layer).__name__} in Polyphase", str(stride), "a whole number ≥ 2", 2)
    for part in (layer, *(inner for _, inner in inner_layers(layer))):
        if isinstance(window := getattr(part, "window", None), Window):
            _require_centred(type(part).__name__, window)
    whole = contract.step == stride and contract.offset == 0 and contract.up_to_shift is None
    if not whole or contract.points.level != "exact" or contract.shifts.level != "exact":
        raise ValueError(
            f"Polyphase takes a layer that commutes with shifts by its stride {stride} and looks at windows about the"
            f" pixels 0, {stride}, …; got {type(layer).__name__} with the contract:\n{contract}"
        )
    return int(stride)


def _require_centred(name: str, window: Window) -> None:
    extent = window.isotropic.extent
    if extent % 2 == 0:
        raise invalid(f"window of the {name} in Polyphase", extent, "an odd extent", extent + 1)
    if window.pixels_of_padding != (extent - 1) // 2:
        raise invalid(f"padding of the {name} in Polyphase", window.padding, "'same'", "'same'")
    if window.pixels_of_padding and window.padding_mode != "circular":
        raise invalid(f"padding_mode of the {name} in Polyphase", window.padding_mode, "'circular'", "'circular'")
    if window.stride != 1 and window.remainder != "drop":
        raise invalid(f"remainder of the {name} in Polyphase", window.remainder, "'drop'", "'drop'")


def _require_norm(norm: float, in_type: FieldType) -> None:
    if not norm > 0:
        raise invalid("norm of Polyphase", norm, "a positive number, or math.inf", 2)
    if norm == 2:
        return
    for block in in_type.blocks:
        rho = block.representation
        if not (rho.is_permutation or rho.is_trivial or rho.is_signed_permutation):
            raise invalid("norm of Polyphase", norm, f"2: the group changes any other norm of {rho}", 2)


def _times(size: Size) -> str:
    return "x".join(map(str, size))
