"""Measuring, layer by layer, which method computes the convolutions of a network faster."""

import dataclasses
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from geomdl.errors import invalid
from geomdl.layers import Layer, with_method
from geomdl.layers.convolution.algorithms.factored import Way
from geomdl.layers.transforms.conv_inputs import ConvInputs, conv_inputs
from geomdl.layers.transforms.with_method import has_two_methods

WAYS: tuple[Way, ...] = ("dense", "factored")


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What was measured of a convolution: its values and gradients, those of the input included except of images.

    Attributes:
      path: of the layer.
      conv: window and types in words.
      size: of its input in pixels.
      batch: of its input.
      dense_s: median time by the dense method, in seconds of the clock.
      factored_s: by the factored one.
      ratio: median of factored over dense, turn by turn.
      ratio_low: lower quartile.
      ratio_high: upper quartile.
      dense_compile_s: time to compile, once.
      factored_compile_s: likewise.
      auto: the choice of the cost model.
    """

    path: str
    conv: str
    size: tuple[int, ...]
    batch: int
    dense_s: float
    factored_s: float
    ratio: float
    ratio_low: float
    ratio_high: float
    dense_compile_s: float
    factored_compile_s: float
    auto: Way

    @property
    def faster(self) -> Way | None:
        """The faster method; None when the quartiles lie on either side of 1, so that it cannot be told."""
        if self.ratio_low <= 1 <= self.ratio_high:
            return None
        return "factored" if self.ratio < 1 else "dense"

    @property
    def chosen(self) -> Way:
        """The faster method, that of the cost model where it cannot be told."""
        return self.faster or self.auto

    @property
    def disagrees(self) -> bool:
        """Whether the cost model takes the slower one."""
        return self.chosen != self.auto

    def seconds(self, way: Way) -> float:
        """The median time by a method."""
        return self.dense_s if way == "dense" else self.factored_s


def autotune(
    model: Layer, image_shape: tuple[int, int, int], batch: int, *, rounds: int = 5, dtype: DTypeLike = jnp.float32
) -> Iterator[Tuned]:
    """Measures the convolutions of a model that have two methods, in turn; layers that are alike are measured once.

    Each is compiled and timed by itself, both methods taking turns, so what XLA gains by fusing neighbours is not seen.

    Args:
      model: a layer or network.
      image_shape: (height, width, channels).
      batch: images at once.
      rounds: turns of each method; one more goes before them and is not counted.
      dtype: of the images.

    Raises:
      ValueError: for a batch or rounds below 1, or images that do not fit the model.
    """
    for name, value in (("batch", batch), ("rounds", rounds)):
        if value < 1:
            raise invalid(name, value, "a positive whole number", 1)
    known: dict[Hashable, Tuned] = {}
    for inputs in conv_inputs(model, image_shape, batch, dtype=dtype):
        if not has_two_methods(inputs.layer):
            continue
        alike = (nnx.graphdef(with_method(inputs.layer, "dense")), inputs.shapes, inputs.takes_images)
        if alike not in known:
            known[alike] = _measured(inputs, rounds, dtype)
        yield dataclasses.replace(known[alike], path=inputs.path)


def _measured(inputs: ConvInputs, rounds: int, dtype: DTypeLike) -> Tuned:
    layer = inputs.layer
    programs = {way: _program(inputs, way, dtype) for way in WAYS}
    taken: dict[Way, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way in WAYS if turn % 2 else reversed(WAYS):
            started = time.perf_counter()
            jax.block_until_ready(programs[way][0]())
            taken[way].append(time.perf_counter() - started)
    dense, factored = (np.array(taken[way][1:]) for way in WAYS)
    low, middle, high = np.quantile(factored / dense, (0.25, 0.5, 0.75))
    batch, *size = inputs.shapes[0][:3]
    window = layer.window.label(layer.in_type.space.dimension)
    return Tuned(
        path=inputs.path,
        conv=f"{window} {layer.in_type.fields} → {layer.out_type.fields}",
        size=tuple(size),
        batch=batch,
        dense_s=float(np.median(dense)),
        factored_s=float(np.median(factored)),
        ratio=float(middle),
        ratio_low=float(low),
        ratio_high=float(high),
        dense_compile_s=programs["dense"][1],
        factored_compile_s=programs["factored"][1],
        auto=with_method(layer, "auto").method_for(tuple(size)),
    )


def _program(inputs: ConvInputs, way: Way, dtype: DTypeLike) -> tuple[Callable[[], Any], float]:
    """Values and gradients of a convolution, compiled, and the seconds that took."""
    structure, state = nnx.split(with_method(inputs.layer, way))
    xs = [jax.random.normal(jax.random.key(i), shape, dtype) for i, shape in enumerate(inputs.shapes)]

    def total(state: Any, xs: list[jax.Array]) -> jax.Array:
        layer = nnx.merge(structure, state)
        return sum((jnp.square(layer(x).astype(jnp.float32)).sum() for x in xs), jnp.zeros(()))

    of = 0 if inputs.takes_images else (0, 1)
    lowered = jax.jit(jax.value_and_grad(total, argnums=of)).lower(state, xs)
    started = time.perf_counter()
    program = lowered.compile()
    return (lambda: program(state, xs)), time.perf_counter() - started
