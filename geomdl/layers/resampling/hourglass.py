"""Downsampling and upsampling around a layer, with every pixel put back at the position that it was taken from."""

import dataclasses
from fractions import Fraction

import jax
import jax.numpy as jnp

from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import Contract, Promise, Size
from geomdl.equivariance.contracts.promise import OnCentredGrid, by_group
from geomdl.equivariance.contracts.redundancy import Redundancy
from geomdl.errors import invalid
from geomdl.layers.core.layer import Child, Field, Layer, Resampled
from geomdl.layers.resampling.polyphase import Polyphase


class PolyphaseUpsample(Layer):
    """Puts pixels S apart, where `Polyphase` took them, and applies a layer to the result, such as a low-pass filter.

      y = f(z),   z[S k + i, S l + j] = S² x[k, l],   z = 0 elsewhere,   (i, j) the phase.

    On volumes the phase has three numbers and the factor is S³. It keeps the mean: with the binomial filter of 3 taps
    and S = 2, y is linear interpolation.

    Args:
      layer: f: a `Conv`, or a `BlurPool` with ``stride=1``; ``padding="same"``, ``padding_mode="circular"`` to commute
        with shifts.
      stride: S.

    Raises:
      ValueError: for a stride that is not a whole number ≥ 2, or a layer with a stride.

    References:
      Rojas-Gomez, Lim, Schwing, Do & Yeh, NeurIPS 2022, §4.2. Chaman & Dokmanić, Truly shift-equivariant convolutional
      neural networks with adaptive polyphase upsampling, 2021.

    >>> from geomdl.layers.resampling.pooling import BlurPool
    >>> from geomdl.representations import FieldType
    >>> blur = BlurPool(FieldType("C1", "1 trivial"), 3, stride=1, padding="same", padding_mode="circular")
    >>> up = PolyphaseUpsample(blur)
    >>> up(jnp.array([1.0, 3.0, 1.0]).reshape(1, 1, 3, 1))[0, 0, :, 0]
    Array([1., 2., 3., 2., 1., 1.], dtype=float32)
    """

    def __init__(self, layer: Layer, stride: int = 2) -> None:
        if isinstance(stride, bool) or not isinstance(stride, int) or stride < 2:
            raise invalid("stride of PolyphaseUpsample", stride, "a whole number ≥ 2", 2)
        if layer.contract.stride != 1:
            raise invalid("stride of the layer in PolyphaseUpsample", str(layer.contract.stride), "1", 1)
        layer.in_type.require_base_space("PolyphaseUpsample")
        self.layer, self.stride = layer, stride
        self.in_type, self.out_type = layer.in_type, layer.out_type

    @property
    def contract(self) -> Contract:
        """Without a given phase: exact for grid symmetries if the stride is odd; for shifts as the layer."""
        even = Promise("none", why="an even stride has no middle pixel")
        return compose([self._placing(self._turns if self.stride % 2 else even), self.layer.contract])

    @property
    def contract_at_phase(self) -> Contract:
        """With the phase of a `Polyphase`, which turns with the image: exact for grid symmetries at every stride."""
        return compose([self._placing(self._turns), self.layer.contract])

    @property
    def _turns(self) -> Promise:
        return by_group(OnCentredGrid(self.in_type.space), self.in_type.group)

    def _placing(self, points: Promise) -> Contract:
        """The contract of putting pixels apart; which of S they lie on isn't fixed, so neither is the reach."""
        stride = Fraction(1, self.stride)
        return Contract(
            self.in_type,
            self.in_type,
            points,
            Promise("exact"),
            self._enlarged,
            stride=stride,
            redundancy=Redundancy(self.stride, ties_from=3),  # of two components each is its own mirror image
        )

    def _enlarged(self, size: Size) -> Size:
        return tuple(n * self.stride for n in size)

    def children(self, size: Size) -> list[Child]:
        """The layer at the larger size."""
        return [Child("layer", self.layer, self._enlarged(size))]

    def place(self, x: Field, phase: jax.Array) -> jax.Array:
        """z, for the weights ``[batch, S, S]`` of the phases: 1 at (i, j) and 0 elsewhere; one S for each axis."""
        s, (batch, *sizes, channels) = self.stride, x.shape
        weights = s ** len(sizes) * phase.astype(x.dtype)
        weights = weights.reshape(batch, *(n for _ in sizes for n in (1, s)), 1)
        apart = x.reshape(batch, *(part for n in sizes for part in (n, 1)), channels)
        return (apart * weights).reshape(batch, *(n * s for n in sizes), channels)

    def __call__(
        self, x: Field, *, train: bool = False, key: jax.Array | None = None, phase: jax.Array | None = None
    ) -> Resampled:
        """Maps ``[batch, height, width, channels]``, or volumes.

        Without a phase the middle pixel (the one before it) is taken.
        """
        self.in_type.require_layout(x.shape, "the input of PolyphaseUpsample")
        if phase is None:
            middle = (self.stride - 1) // 2
            dimension = x.ndim - 2
            phase = jnp.zeros((x.shape[0], *(self.stride,) * dimension), x.dtype)
            phase = phase.at[:, *(middle,) * dimension].set(1.0)
        return self.layer(self.place(x, phase), train=train, key=key)


class Hourglass(Layer):
    """Down, a layer at the small size, and up: y = U(f(D x)).

    With `Polyphase` as D and `PolyphaseUpsample` as U the pixels go back to the phase (i, j) where D took them. Then
    where D x moves by r whole strides because x moves by s, and the phase from (i, j) to (i', j'), the pixels put back
    move by S r + (i', j') − (i, j) = s: y commutes with every whole shift, and with grid symmetries, if f and the layer
    of U do. Hourglasses may lie within one another.

    With other layers for D and U it is what they are in turn, and commutes with shifts by their stride.

    Args:
      down: D.
      inner: f; with `Polyphase`, of stride 1.
      up: U.

    Raises:
      ValueError: for types that do not match, strides that differ, or an inner layer with a stride.

    References:
      Rojas-Gomez, Lim, Schwing, Do & Yeh, Learnable polyphase sampling for shift invariant and equivariant
      convolutional networks, NeurIPS 2022, claim 3.

    >>> from geomdl.layers import BlurPool, Identity, Pool
    >>> from geomdl.representations import FieldType
    >>> t = FieldType("C4", "1 trivial")
    >>> blur = BlurPool(t, 3, stride=1, padding="same", padding_mode="circular")
    >>> down = Polyphase(Pool(t, 1, stride=2, remainder="drop"))
    >>> print(Hourglass(down, Identity(t), PolyphaseUpsample(blur)).contract)
    C4: exact, given a square input and sides that 2 divides
    circular shifts: exact, given sides that 2 divides and an output of the same size (module 2.1)
    """

    def __init__(self, down: Layer, inner: Layer, up: Layer) -> None:
        self.in_type, self.out_type = down.in_type, up.out_type
        for name, first, second in (("down", down, inner), ("inner", inner, up)):
            if first.out_type != second.in_type:
                raise ValueError(
                    f"{type(second).__name__} in Hourglass takes {second.in_type}, but {name} gives {first.out_type}"
                )
        self.down, self.inner, self.up = down, inner, up
        if isinstance(down, Polyphase) and isinstance(up, PolyphaseUpsample):
            if down.stride != up.stride:
                raise invalid("stride of up in Hourglass", up.stride, "that of down", down.stride)
            if inner.contract.stride != 1:
                raise invalid("stride of inner in Hourglass", str(inner.contract.stride), "1, to go back", 1)

    @property
    def contract(self) -> Contract:
        """Exact for every whole shift if the small image is shifted by whole pixels, and for grid symmetries."""
        if not (isinstance(self.down, Polyphase) and isinstance(self.up, PolyphaseUpsample)):
            return compose([self.down.contract, self.inner.contract, self.up.contract])
        inner, up = self.inner.contract, self.up.contract_at_phase
        whole = compose([self.down.contract, inner, up])
        every = inner.step == 1 and self.up.layer.contract.step == 1
        return dataclasses.replace(whole, step=1 if every else whole.step, up_to_shift=None)

    def children(self, size: Size) -> list[Child]:
        """The three in turn."""
        small = self.down.contract.output_size(size)
        back = self.inner.contract.output_size(small)
        return [Child("down", self.down, size), Child("inner", self.inner, small), Child("up", self.up, back)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Maps ``[batch, height, width, channels]``, or volumes; each part gets a key of its own."""
        keys = [None if key is None else jax.random.fold_in(key, i) for i in range(3)]
        if isinstance(self.down, Polyphase) and isinstance(self.up, PolyphaseUpsample):
            y, phase = self.down.sample(x, train=train, key=keys[0])
            y = self.inner(y, train=train, key=keys[1])
            return self.up(y, train=train, key=keys[2], phase=phase)
        for layer, k in zip((self.down, self.inner, self.up), keys, strict=True):
            x = layer(x, train=train, key=k)
        return x
