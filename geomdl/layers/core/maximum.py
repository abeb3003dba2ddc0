"""Maxima whose gradient does not hang on how a compiler fuses: all that are largest share it equally.

A compiler may compute x once more, with other rounding, where the gradient compares x with its maximum. Then no entry
is equal to the maximum, or too many are, and the gradient is lost or doubled. Here nothing is compared with a maximum
that was computed elsewhere: one reduction carries, beside the maximum of each window, the set of the places where it
was found, as the bits of an unsigned integer. When two candidates meet, the larger keeps its set, and equal ones unite
theirs; so the set is never empty, and its size is the number of equal parts.

Windows of an image are compared along one axis after the other. The shares are those of the whole window: an entry's
part is divided by the number of entries of the window that are largest, which the second axis adds up.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

__all__ = ["Along", "Bins", "Sliding", "largest", "maximum_over", "shares_of_largest"]

WORD = 32
"""How many places one integer holds."""

Places = tuple[jax.Array, ...]
"""Sets of places, the bits of one integer or several for each window."""


class Candidates(Protocol):
    """Which entries compete with one another, along one axis. Hashable, as it is static where it is differentiated."""

    def maximum(self, x: jax.Array) -> jax.Array:
        """The largest entry of each window."""
        ...

    def winners(self, x: jax.Array) -> tuple[jax.Array, Places]:
        """The largest entry of each window, and where it was found."""
        ...

    def number(self, places: Places) -> jax.Array:
        """How many places there are in each window, as integers."""
        ...

    def total(self, t: jax.Array, places: Places) -> jax.Array:
        """The sum of t over the places of each window. Linear in t."""
        ...


@dataclasses.dataclass(frozen=True)
class Along:
    """All entries along an axis, which is left out of the result.

    Args:
      axis: counted from the first.
    """

    axis: int

    def maximum(self, x: jax.Array) -> jax.Array:
        """See `Candidates`."""
        return x.max(self.axis)

    def winners(self, x: jax.Array) -> tuple[jax.Array, Places]:
        """See `Candidates`. More entries than an integer has bits are compared in groups, then the groups."""
        n = x.shape[self.axis]
        if n > WORD:
            groups, first = Along(self.axis + 1).winners(self._in_groups(x, -np.inf))
            most, others = self.winners(groups)
            return most, (*first, *others)
        kind = _integer(n)
        bits = jnp.broadcast_to(self._upright(kind(1) << np.arange(n, dtype=kind), x.ndim), x.shape)
        nothing = np.array(-np.inf, x.dtype), kind(0)
        most, places = lax.reduce((x, bits), nothing, _united, (self.axis,))
        return most, (places,)

    def number(self, places: Places) -> jax.Array:
        """See `Candidates`."""
        first = lax.population_count(places[0]).astype(jnp.int32)
        return self.total(first, places[1:]) if places[1:] else first

    def total(self, t: jax.Array, places: Places) -> jax.Array:
        """See `Candidates`."""
        return jnp.where(self.among(places, t.shape[self.axis]), t, 0).sum(self.axis)

    def among(self, places: Places, n: int) -> jax.Array:
        """Whether each of the n entries is among the places."""
        if n > WORD:
            first, groups = Along(self.axis + 1).among(places[:1], WORD), self.among(places[1:], -(-n // WORD))
            both = first & lax.expand_dims(groups, [self.axis + 1])
            flat = both.reshape(*both.shape[: self.axis], -1, *both.shape[self.axis + 2 :])
            return lax.slice_in_dim(flat, 0, n, axis=self.axis)
        bits = lax.expand_dims(places[0], [self.axis])
        kind = bits.dtype.type
        return (bits >> self._upright(np.arange(n, dtype=kind), bits.ndim)) & kind(1) != 0

    def _in_groups(self, x: jax.Array, fill: float) -> jax.Array:
        """``[…, n, …]`` as ``[…, groups, WORD, …]``, filled up."""
        groups = -(-x.shape[self.axis] // WORD)
        x = _framed(x, self.axis, 0, groups * WORD, fill)
        return x.reshape(*x.shape[: self.axis], groups, WORD, *x.shape[self.axis + 1 :])

    def _upright(self, values: np.ndarray, ndim: int) -> np.ndarray:
        return values.reshape([-1 if axis == self.axis else 1 for axis in range(ndim)])


@dataclasses.dataclass(frozen=True)
class Sliding:
    """Windows that slide along an axis: y[i] = max_t x[i · stride + t · dilation − before]. Beyond x lies nothing.

    Args:
      axis: counted from the first.
      size: taps of a window, t = 0 … size − 1.
      stride: from one window to the next.
      count: how many windows.
      before: how far the first window reaches beyond the border.
      dilation: from one tap to the next.
    """

    axis: int
    size: int
    stride: int
    count: int
    before: int = 0
    dilation: int = 1

    def maximum(self, x: jax.Array) -> jax.Array:
        """See `Candidates`."""
        lowest = -np.inf if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
        beyond = (self.count - 1) * self.stride + self.dilation * (self.size - 1) + 1 - self.before - x.shape[self.axis]
        x = lax.slice_in_dim(x, 0, x.shape[self.axis] + min(beyond, 0), axis=self.axis)

        def along(value: int, other: int = 1) -> list[int]:
            return [value if axis == self.axis else other for axis in range(x.ndim)]

        return lax.reduce_window(
            x,
            np.asarray(lowest, x.dtype),
            lax.max,
            along(self.size),
            along(self.stride),
            [(self.before, max(beyond, 0)) if axis == self.axis else (0, 0) for axis in range(x.ndim)],
            window_dilation=along(self.dilation),
        )

    def winners(self, x: jax.Array) -> tuple[jax.Array, Places]:
        """See `Candidates`. In one reduction, so that every entry is computed by the same code and ties stay ties."""
        return Along(self.axis).winners(jnp.stack(self._taps(x, -np.inf), self.axis))

    def number(self, places: Places) -> jax.Array:
        """See `Candidates`."""
        return Along(self.axis).number(places)

    def total(self, t: jax.Array, places: Places) -> jax.Array:
        """See `Candidates`."""
        taps = self._taps(t, 0)
        if self.size > WORD:
            return Along(self.axis).total(jnp.stack(taps, self.axis), places)
        bits, kind = places[0], places[0].dtype.type  # tap by tap: the gradient of a stack takes longer
        return functools.reduce(jnp.add, [jnp.where(bits & kind(1 << k) != 0, tap, 0) for k, tap in enumerate(taps)])

    def _taps(self, x: jax.Array, fill: float) -> list[jax.Array]:
        """What all windows see through each tap, from blocks of ``stride`` pixels: such slices have a fast gradient."""
        axis, stride = self.axis, self.stride
        blocks = self.count + self.dilation * (self.size - 1) // stride
        x = _framed(x, axis, self.before, blocks * stride, fill)
        x = x.reshape(*x.shape[:axis], blocks, stride, *x.shape[axis + 1 :])
        phases = [lax.squeeze(phase, [axis + 1]) for phase in lax.split(x, [1] * stride, axis + 1)]
        starts = [divmod(tap * self.dilation, stride) for tap in range(self.size)]
        return [lax.slice_in_dim(phases[p], block, block + self.count, axis=axis) for block, p in starts]


@dataclasses.dataclass(frozen=True)
class Bins:
    """Intervals of an axis, which may overlap and differ in length.

    Args:
      axis: counted from the first.
      intervals: of each the first entry and the one after its last.
    """

    axis: int
    intervals: tuple[tuple[int, int], ...]

    def maximum(self, x: jax.Array) -> jax.Array:
        """See `Candidates`."""
        return jnp.stack([part.max(self.axis) for part in self._parts(x)], self.axis)

    def winners(self, x: jax.Array) -> tuple[jax.Array, Places]:
        """See `Candidates`. The longest bin decides into how many entries all are filled up."""
        return Along(self.axis + 1).winners(self._in_bins(x, -np.inf))

    def number(self, places: Places) -> jax.Array:
        """See `Candidates`."""
        return Along(self.axis + 1).number(places)

    def total(self, t: jax.Array, places: Places) -> jax.Array:
        """See `Candidates`."""
        return Along(self.axis + 1).total(self._in_bins(t, 0), places)

    def _parts(self, x: jax.Array) -> list[jax.Array]:
        return [lax.slice_in_dim(x, start, stop, axis=self.axis) for start, stop in self.intervals]

    def _in_bins(self, x: jax.Array, fill: float) -> jax.Array:
        """``[…, n, …]`` as ``[…, bins, entries of the longest, …]``, filled up."""
        longest = max(stop - start for start, stop in self.intervals)
        return jnp.stack([_framed(part, self.axis, 0, longest, fill) for part in self._parts(x)], self.axis)


def _integer(bits: int) -> type[np.unsignedinteger]:
    """The smallest unsigned integer of so many bits."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if np.iinfo(kind).bits >= bits)


def _framed(x: jax.Array, axis: int, before: int, size: int, fill: float) -> jax.Array:
    """Some entries before an axis, and so many behind it, or fewer, that it gets a size."""
    widths = [(before, size - before - n, 0) if a == axis else (0, 0, 0) for a, n in enumerate(x.shape)]
    return lax.pad(x, np.array(fill, x.dtype), widths) if any(map(any, widths)) else x


def _united(one: Sequence[jax.Array], other: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
    """The larger of two candidates with its set; of equal ones, and where one is no number, both sets."""
    (a, *mine), (b, *yours) = one, other
    sets = (lax.select(a > b, p, lax.select(a < b, q, p | q)) for p, q in zip(mine, yours, strict=True))
    return lax.max(a, b), *sets


def maximum_over(x: ArrayLike, *windows: Candidates) -> jax.Array:
    """The maximum over windows, given axis by axis; each entry that is largest has an equal share of the gradient.

      ∂y/∂x_i = 1/n for the n entries of the window with x_i = y, 0 for the others

    The set of these entries moves with the entries, so the gradient of an equivariant maximum is equivariant too.

    Args:
      x: numbers.
      *windows: applied one after the other, each to the result of those before.

    >>> rows = Sliding(axis=0, size=2, stride=1, count=2)
    >>> maximum_over(jnp.array([1.0, 3.0, 2.0]), rows)
    Array([3., 3.], dtype=float32)
    >>> jax.grad(lambda x: maximum_over(x, rows).sum())(jnp.array([1.0, 1.0, 0.0]))
    Array([0.5, 1.5, 0. ], dtype=float32)
    """
    x = jnp.asarray(x)
    return _maximum(x, windows) if jnp.issubdtype(x.dtype, jnp.inexact) else _values(x, windows)


def _values(x: jax.Array, windows: tuple[Candidates, ...]) -> jax.Array:
    for window in windows:
        x = window.maximum(x)
    return x


_maximum = jax.custom_jvp(_values, nondiff_argnums=(1,))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _winners(x: jax.Array, windows: tuple[Candidates, ...]) -> tuple[jax.Array, tuple[Places, ...]]:
    """The maximum, and the places of each of the windows; a function of its own, so that it has second derivatives."""
    found = []
    for window in windows:
        x, places = window.winners(x)
        found.append(places)
    return x, tuple(found)


def _shared(t: jax.Array, windows: tuple[Candidates, ...], found: tuple[Places, ...]) -> jax.Array:
    """The mean of t over the largest entries of each window."""
    number = windows[0].number(found[0])
    for window, places in zip(windows[1:], found[1:], strict=True):
        number = window.total(number, places)
    for window, places in zip(windows, found, strict=True):
        t = window.total(t, places)
    return t / number.astype(t.dtype)


@_winners.defjvp
def _winners_jvp(windows: tuple[Candidates, ...], primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple:
    most, found = _winners(primals[0], windows)
    still = jax.tree.map(lambda p: np.zeros(p.shape, jax.dtypes.float0), found)
    return (most, found), (_shared(tangents[0], windows, found), still)


@_maximum.defjvp
def _maximum_jvp(windows: tuple[Candidates, ...], primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple:
    most, found = _winners(primals[0], windows)
    return most, _shared(tangents[0], windows, found)


def largest(x: jax.Array, axis: int = -1) -> jax.Array:
    """The maximum along an axis. Its gradient goes to all that are largest in equal parts; see `maximum_over`.

    >>> print(largest(jnp.array([1.0, 3.0, 2.0])), jax.grad(largest)(jnp.array([1.0, 3.0, 3.0])))
    3.0 [0.  0.5 0.5]
    """
    return maximum_over(x, Along(axis % x.ndim))


def shares_of_largest(x: jax.Array, axis: int = -1) -> jax.Array:
    """1/n at the n largest entries along an axis, 0 elsewhere; equal up to rounding counts as equal.

    For values that are to be equivariant: entries that symmetry makes equal are added up in different orders. (Those
    where the maximum was found count whatever rounding does, so that there always is one.)

    >>> print(shares_of_largest(jnp.array([1.0, 3.0, 3.0, 2.0])))
    [0.  0.5 0.5 0. ]
    """
    axis %= x.ndim
    most, places = Along(axis).winners(lax.stop_gradient(x))
    bound = jnp.expand_dims(most - 4 * float(jnp.finfo(x.dtype).eps) * jnp.abs(most), axis)
    near = (x >= bound) | Along(axis).among(places, x.shape[axis])
    return near.astype(x.dtype) / near.sum(axis, keepdims=True).astype(x.dtype)
