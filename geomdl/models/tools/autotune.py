"""Measuring, layer by layer, which method computes the convolutions of a network fastest."""

import dataclasses
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from geomdl.errors import invalid
from geomdl.layers import Layer, with_method
from geomdl.layers.convolution.algorithms.registry import AUTO, practical, reference
from geomdl.layers.transforms.conv_inputs import ConvInputs, conv_inputs


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What was measured of a convolution: its values and gradients, those of the input included except of images.

    Attributes:
      path: of the layer.
      conv: window and types in words.
      size: of its input in pixels.
      batch: of its input.
      taken: by each method, in seconds of the clock, turn by turn; all methods took every turn.
      compile_s: time to compile each, once.
      auto: the choice of the cost model.
    """

    path: str
    conv: str
    size: tuple[int, ...]
    batch: int
    taken: Mapping[str, tuple[float, ...]]
    compile_s: Mapping[str, float]
    auto: str

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that were measured."""
        return tuple(self.taken)

    def seconds(self, method: str) -> float:
        """The median time of a method."""
        return float(np.median(self.taken[method]))

    def ratio(self, method: str, other: str) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the time of one method over that of another, turn by turn."""
        low, middle, high = np.quantile(np.divide(self.taken[method], self.taken[other]), (0.25, 0.5, 0.75))
        return float(low), float(middle), float(high)

    @property
    def faster(self) -> str | None:
        """The fastest method; None when quartiles lie on either side of 1, so that it cannot be told from another."""
        best = min(self.methods, key=self.seconds)
        told = all(self.ratio(best, other)[2] < 1 for other in self.methods if other != best)
        return best if told else None

    @property
    def chosen(self) -> str:
        """The fastest method, that of the cost model where it cannot be told."""
        return self.faster or self.auto

    @property
    def disagrees(self) -> bool:
        """Whether the cost model takes a slower one."""
        return self.chosen != self.auto


def autotune(
    model: Layer, image_shape: tuple[int, ...], batch: int, *, rounds: int = 5, dtype: DTypeLike = jnp.float32
) -> Iterator[Tuned]:
    """Measures the convolutions of a model that have several methods, in turn; layers that are alike are measured once.

    Each is compiled and timed by itself, the methods taking turns, so what XLA gains by fusing neighbours is not seen.

    Args:
      model: a layer or network.
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes.
      batch: images at once.
      rounds: turns of each method; one more goes before them and is not counted.
      dtype: of the images.

    Raises:
      ValueError: for a batch or rounds below 1, images that do not fit the model, or a model that is no layer.
    """
    if not isinstance(model, Layer):
        raise invalid("model", type(model).__name__, "a geomdl.layers.Layer, whose convolutions have methods")
    for name, value in (("batch", batch), ("rounds", rounds)):
        if value < 1:
            raise invalid(name, value, "a positive whole number", 1)
    known: dict[Hashable, Tuned] = {}
    for inputs in conv_inputs(model, image_shape, batch, dtype=dtype):
        methods = tuple(algorithm.name for algorithm in practical(inputs.layer.convolution))
        if len(methods) < 2:
            continue
        alike = (nnx.graphdef(with_method(inputs.layer, reference().name)), inputs.shapes, inputs.takes_images)
        if alike not in known:
            known[alike] = _measured(inputs, methods, rounds, dtype)
        yield dataclasses.replace(known[alike], path=inputs.path)


def _measured(inputs: ConvInputs, methods: tuple[str, ...], rounds: int, dtype: DTypeLike) -> Tuned:
    layer = inputs.layer
    programs = {method: _program(inputs, method, dtype) for method in methods}
    taken: dict[str, list[float]] = {method: [] for method in methods}
    for turn in range(rounds + 1):
        for method in methods if turn % 2 else reversed(methods):
            started = time.perf_counter()
            jax.block_until_ready(programs[method][0]())
            taken[method].append(time.perf_counter() - started)
    batch, *size = inputs.shapes[0][:3]
    window = layer.window.label(layer.in_type.space.dimension)
    return Tuned(
        path=inputs.path,
        conv=f"{window} {layer.in_type.fields} → {layer.out_type.fields}",
        size=tuple(size),
        batch=batch,
        taken={method: tuple(seconds[1:]) for method, seconds in taken.items()},
        compile_s={method: seconds for method, (_, seconds) in programs.items()},
        auto=with_method(layer, AUTO).method_for(tuple(size)),
    )


def _program(inputs: ConvInputs, method: str, dtype: DTypeLike) -> tuple[Callable[[], Any], float]:
    """Values and gradients of a convolution, compiled, and the seconds that took."""
    structure, state = nnx.split(with_method(inputs.layer, method))
    xs = [jax.random.normal(jax.random.key(i), shape, dtype) for i, shape in enumerate(inputs.shapes)]

    def total(state: Any, xs: list[jax.Array]) -> jax.Array:
        layer = nnx.merge(structure, state)
        return sum((jnp.square(layer(x).astype(jnp.float32)).sum() for x in xs), jnp.zeros(()))

    of = 0 if inputs.takes_images else (0, 1)
    lowered = jax.jit(jax.value_and_grad(total, argnums=of)).lower(state, xs)
    started = time.perf_counter()
    program = lowered.compile()
    return (lambda: program(state, xs)), time.perf_counter() - started
