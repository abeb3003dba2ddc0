"""Adaptive polyphase sampling: strides that commute with every whole shift."""

import dataclasses
from fractions import Fraction
from typing import Literal, get_args

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contract import Condition, Contract, Promise, Size, compose, square
from geomdl.errors import invalid, unknown
from geomdl.groups import require_planar
from geomdl.layers.layer import Image, Images, Layer

Choose = Literal["norm", "learned"]


class Polyphase(Layer):
    """A strided layer that samples the polyphase component of the largest norm, so that shifts don't change what it sees.

      y = f(T_{−(i, j)} x),   (i, j) = argmax ‖x[i::S, j::S]‖_p,   S the stride of f.

    f samples the pixels 0, S, 2S, … of each axis; x is moved so that these are the chosen component.
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
        self.layer, self.norm, self.temperature = layer, norm, temperature
        self.choose: Choose = choose
        self.in_type, self.out_type = layer.in_type, layer.out_type
        self.stride = int(layer.contract.stride)

    @property
    def contract(self) -> Contract:
        inner = self.layer.contract
        fits = _divides(self.stride)
        turns = (square,) if require_planar(self.in_type.group, "Polyphase").swaps_axes else ()
        return dataclasses.replace(
            inner,
            points=Promise("exact", (*turns, fits)),
            shifts=Promise("exact", (fits,)),
            up_to_shift=Promise("exact", (fits,)),
            fractional=Promise("none"),
            reach=None,
            output_size=self.output_size,
            depth=inner.depth + 1,
        )

    def output_size(self, size: Size) -> Size:
        """n / S along each axis. Raises ValueError where S does not divide n."""
        if any(n % self.stride for n in size):
            raise invalid(
                "image in Polyphase", "x".join(map(str, size)), f"sides that the stride {self.stride} divides"
            )
        return self.layer.contract.output_size(size)

    def multiply_adds(self, size: Size) -> int:
        return self.layer.multiply_adds(size)

    def sample(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The output, and which component it saw: ``[batch, S, S]``, 1 at (i, j) and 0 elsewhere."""
        self.in_type.require_channels(x.shape[-1], "the input of Polyphase")
        self.output_size(x.shape[1:3])
        s = self.stride
        b, h, w, c = x.shape
        norms = (jnp.abs(x) ** self.norm).reshape(b, h // s, s, w // s, s, c).sum((1, 3, 5))
        chosen = norms.reshape(b, -1).argmax(-1)
        phase = jax.nn.one_hot(chosen, s * s, dtype=x.dtype).reshape(b, s, s)
        wide = jnp.pad(x, ((0, 0), (0, s - 1), (0, s - 1), (0, 0)), mode="wrap")
        move = jax.vmap(lambda image, i, j: jax.lax.dynamic_slice(image, (i, j, 0), (h, w, c)))
        zero = jnp.zeros_like(chosen)
        del zero
        return self.layer(move(wide, chosen // s, chosen % s), train=train, key=key), phase

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        return self.sample(x, train=train, key=key)[0]


class PolyphaseUpsample(Layer):
    """Puts pixels back where `Polyphase` took them, with zeros between them, and applies a layer of stride 1."""

    def __init__(self, layer: Layer, stride: int = 2) -> None:
        self.layer, self.stride = layer, stride
        self.in_type, self.out_type = layer.in_type, layer.out_type

    @property
    def contract(self) -> Contract:
        odd = self.stride % 2
        turns = (square,) if require_planar(self.in_type.group, "PolyphaseUpsample").swaps_axes else ()
        points = Promise("exact", turns) if odd else Promise("none", why="an even stride has no middle pixel")
        place = Contract(
            self.in_type, self.in_type, points, Promise("exact"), self._enlarged, stride=Fraction(1, self.stride)
        )
        return compose([place, self.layer.contract])

    def _enlarged(self, size: Size) -> Size:
        return tuple(n * self.stride for n in size)

    def multiply_adds(self, size: Size) -> int:
        return self.layer.multiply_adds(self._enlarged(size))

    def place(self, x: Image, phase: jax.Array) -> jax.Array:
        """z[S k + i, S l + j] = S² · phase[i, j] · x[k, l]."""
        b, h, w, c = x.shape
        s = self.stride
        z = x[:, :, None, :, None] * (s * s * phase.astype(x.dtype))[:, None, :, None, :, None]
        return z.reshape(b, h * s, w * s, c)

    def __call__(
        self, x: Image, *, train: bool = False, key: jax.Array | None = None, phase: jax.Array | None = None
    ) -> Images:
        self.in_type.require_channels(x.shape[-1], "the input of PolyphaseUpsample")
        if phase is None:
            middle = (self.stride - 1) // 2
            phase = jnp.zeros((x.shape[0], self.stride, self.stride), x.dtype).at[:, middle, middle].set(1.0)
        return self.layer(self.place(x, phase), train=train, key=key)


class Hourglass(Layer):
    """Down, a layer, and up again: y = U(f(D x), phase of D)."""

    def __init__(self, down: Layer, inner: Layer, up: Layer) -> None:
        self.down, self.inner, self.up = down, inner, up
        self.in_type, self.out_type = down.in_type, up.out_type

    @property
    def contract(self) -> Contract:
        parts = [self.down.contract, self.inner.contract, self.up.contract]
        if not (isinstance(self.down, Polyphase) and isinstance(self.up, PolyphaseUpsample)):
            return compose(parts)
        turns = (square,) if require_planar(self.in_type.group, "PolyphaseUpsample").swaps_axes else ()
        parts[2] = dataclasses.replace(parts[2], points=Promise("exact", turns))
        whole = compose(parts)
        return dataclasses.replace(
            whole,
            step=1 if self.inner.contract.step == 1 else self.down.stride * self.inner.contract.step,
            up_to_shift=None,
        )

    def multiply_adds(self, size: Size) -> int:
        small = self.down.contract.output_size(size)
        back = self.inner.contract.output_size(small)
        return self.down.multiply_adds(size) + self.inner.multiply_adds(small) + self.up.multiply_adds(back)

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        keys = [None] * 3 if key is None else list(jax.random.split(key, 3))
        if not (isinstance(self.down, Polyphase) and isinstance(self.up, PolyphaseUpsample)):
            for layer, k in zip((self.down, self.inner, self.up), keys, strict=True):
                x = layer(x, train=train, key=k)
            return x
        y, phase = self.down.sample(x, train=train, key=keys[0])
        return self.up(self.inner(y, train=train, key=keys[1]), train=train, key=keys[2], phase=phase)


def _divides(stride: int) -> Condition:
    return Condition(f"sides that {stride} divides", lambda size: all(n % stride == 0 for n in size))
