"""A layer applied at half the image size: downsampling, the layer, upsampling to the original size."""

import dataclasses
import math
from fractions import Fraction
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import ALIASED, NOTHING, Condition, Contract, Promise, Size
from geomdl.equivariance.contracts.promise import Divides, OnCentredGrid, by_group, same_size
from geomdl.equivariance.contracts.redundancy import NO_REDUNDANCY
from geomdl.errors import invalid, unknown
from geomdl.layers.core.layer import Child, Field, Layer, Resampled
from geomdl.layers.core.maximum import Sliding, maximum_over
from geomdl.layers.resampling.pooling import require_permutation
from geomdl.representations import FieldType

Halving = Literal["max", "average", "blur"]
_TAPS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "max": ((1, 1), (1, 1, 1)),
    "average": ((1, 1), (1, 1, 1)),
    "blur": ((1, 3, 3, 1), (1, 2, 1)),
}
"""The window on an even and on an odd side."""


class ReducedSize(Layer):
    """Applies a layer to the image at half its size: y = U f(D x), n → ⌈n/2⌉ → n along each axis.

    Both grids are centred on one another, on even sides and on odd ones; which it is, is seen when it is called:

    * even n: pixel i of the small image lies between pixels 2i and 2i + 1; D takes windows of two (``"blur"``: four);
    * odd n: it lies on pixel 2i; D takes windows of three.

    U interpolates linearly at the places of the n pixels, so nothing is moved, and y has the size of x. D and U are
    symmetric, so y commutes with flips and quarter turns at every size, if f does.

    Args:
      inner: f, which keeps size and scale.
      halving: D: ``"max"`` of a window (of permuted channels), ``"average"``, or ``"blur"``: binomial weights.
      circular: whether the image goes round. Else pixels beyond the border do not count, and U repeats the border.

    Raises:
      ValueError: for another halving, a maximum over fields that are not permuted, or a layer that changes the scale;
        at the call for one that changes the size.

    >>> from geomdl.layers import Identity
    >>> layer = ReducedSize(Identity(FieldType("C4", "1 trivial")), "average")
    >>> layer(jnp.arange(4.0).reshape(1, 1, 4, 1)).ravel()
    Array([0.5, 1. , 2. , 2.5], dtype=float32)
    >>> print(layer.contract)
    C4: exact, given a square input
    circular shifts: none (the image has a border)
    crops: exact, with a field of view of ±2 pixels
    """

    def __init__(self, inner: Layer, halving: Halving = "max", *, circular: bool = False) -> None:
        if halving not in get_args(Halving):
            raise unknown("halving of ReducedSize", halving, get_args(Halving))
        if halving == "max":
            require_permutation(inner.in_type, "a maximum (halving='max')", "halving='average', 'blur'")
        if inner.contract.stride != 1:
            raise invalid("stride of the layer in ReducedSize", str(inner.contract.stride), "1: it keeps the scale", 1)
        self.inner, self.circular = inner, circular
        self.halving: Halving = halving
        self.in_type, self.out_type = inner.in_type, inner.out_type

    @property
    def contract(self) -> Contract:
        """That of the layer inside; circular shifts by twice its step, where the image goes round and is even.

        The reach is that of even sides; on odd ones D reaches further and U less.
        """
        if self.circular:
            shifts = Promise("exact", (Condition("even sides", Divides(2)),))
            fractional = dataclasses.replace(ALIASED, conditions=shifts.conditions)
        else:
            shifts = fractional = dataclasses.replace(NOTHING, why="the image has a border")
        down = Contract(
            self.in_type,
            self.in_type,
            _points(self.in_type),
            shifts,
            _halved,
            step=2,
            stride=2,
            fractional=fractional,
            reach=Fraction(3 if self.halving == "blur" else 1, 2),
        )
        up = Contract(
            self.out_type,
            self.out_type,
            _points(self.out_type),
            Promise("exact") if self.circular else shifts,
            same_size,
            stride=Fraction(1, 2),
            fractional=ALIASED if self.circular else shifts,
            reach=Fraction(3, 4),
            redundancy=None if self.circular else NO_REDUNDANCY,
        )
        whole = compose([down, self.inner.contract, up])
        return dataclasses.replace(whole, output_size=self.output_size)

    def inner_size(self, size: Size) -> Size:
        """The size of the small image: ⌈n/2⌉."""
        return _halved(size)

    def output_size(self, size: Size) -> Size:
        """The size of the input. Raises ValueError when the layer inside changes it."""
        small = _halved(size)
        found = tuple(self.inner.contract.output_size(small))
        if found != small:
            raise invalid(
                "size that the layer in ReducedSize gives", found, f"the one it takes, {small}", "padding='same'"
            )
        return size

    def children(self, size: Size) -> list[Child]:
        """The layer inside, at half the size."""
        return [Child("inner", self.inner, _halved(size))]

    def multiply_adds(self, size: Size) -> int:
        """Those of the layer inside, of the blur, and of the interpolation: one axis after the other."""
        small, down, up = _halved(size), 0, 0
        for axis, n in enumerate(size):
            taps = len(_TAPS["blur"][n % 2]) if self.halving == "blur" else 0
            down += taps * math.prod((*small[: axis + 1], *size[axis + 1 :]))
            up += 2 * math.prod((*size[: axis + 1], *small[axis + 1 :]))
        return self.in_type.size * down + self.inner.multiply_adds(small) + self.out_type.size * up

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Maps ``[batch, height, width, channels]``, or as the base space has axes, to the same size."""
        self.in_type.require_layout(x.shape, "the input of ReducedSize")
        size = tuple(x.shape[1:-1])
        self.output_size(size)
        if self.halving == "max":
            x = _halved_maximum(x, self.circular)
        else:
            for axis in range(1, len(size) + 1):
                x = _weighted(x, axis, self.halving, self.circular)
        y = self.inner(x, train=train, key=key)
        for axis, n in enumerate(size, 1):
            y = _back(y, axis, n, self.circular)
        return y


def _points(field_type: FieldType) -> Promise:
    return by_group(OnCentredGrid(field_type.require_base_space("ReducedSize")), field_type.group)


def _halved(size: Size) -> Size:
    return tuple(-(-n // 2) for n in size)


def _halved_maximum(x: jax.Array, circular: bool) -> jax.Array:
    """D along all axes: the maximum of every second window of two or three pixels."""
    windows = []
    for axis in range(1, x.ndim - 1):
        n = x.shape[axis]
        border = n % 2
        x = _padded(x, axis, border, "wrap") if circular else x
        windows.append(Sliding(axis, 2 + n % 2, 2, -(-n // 2), 0 if circular else border))
    return maximum_over(x, *windows)


def _weighted(x: jax.Array, axis: int, halving: Halving, circular: bool) -> jax.Array:
    """D along one axis: the mean of every second window, with weights."""
    n = x.shape[axis]
    taps = _TAPS[halving][n % 2]
    margin = (len(taps) - 1) // 2
    wide = _padded(x, axis, margin, "wrap" if circular else "constant")
    count = -(-n // 2)
    parts = [jax.lax.slice_in_dim(wide, t, t + 2 * count - 1, 2, axis) for t in range(len(taps))]
    inside = np.pad(np.ones(n), margin, mode="wrap" if circular else "constant")
    weights = np.array([t * inside[k : k + 2 * count - 1 : 2] for k, t in enumerate(taps)])
    weights /= weights.sum(0)
    return sum(part * _along(w, axis, x) for part, w in zip(parts, weights, strict=True))  # type: ignore[return-value]


def _back(x: jax.Array, axis: int, n: int, circular: bool) -> jax.Array:
    """U along one axis, to n pixels."""
    wide = _padded(x, axis, 1, "wrap" if circular else "edge")
    before, after = (jax.lax.slice_in_dim(wide, k, k + x.shape[axis], axis=axis) for k in (0, 2))
    even, odd = (x, (x + after) / 2) if n % 2 else ((before + 3 * x) / 4, (3 * x + after) / 4)
    shape = (*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return jax.lax.slice_in_dim(jnp.stack([even, odd], axis + 1).reshape(shape), 0, n, axis=axis)


def _padded(x: jax.Array, axis: int, pixels: int, mode: str) -> jax.Array:
    if not pixels:
        return x
    widths = [(pixels, pixels) if k == axis else (0, 0) for k in range(x.ndim)]
    return jnp.pad(x, widths, mode=mode)


def _along(weights: np.ndarray, axis: int, x: jax.Array) -> jax.Array:
    return jnp.asarray(weights.reshape([-1 if k == axis else 1 for k in range(x.ndim)]), x.dtype)
