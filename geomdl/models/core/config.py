"""The base classes of model configs: `build` makes the network, widths can be matched to a number of parameters."""

import abc
import dataclasses
import functools
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Self

import jax
import numpy as np
from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import BASE_SPACES
from geomdl.layers import Layer, Sequential
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.memory import require_memory
from geomdl.models.core.exactness import warn_if_inexact
from geomdl.numbers import check_numbers, whole_number
from geomdl.random_keys import OneKey, as_rngs

ImageShape = tuple[int, ...]
"""(height, width, channels) of images, or (depth, height, width, channels) of volumes."""

WIDEST = 100_000
"""The largest ``width``: a search for one ends there."""

MOST_PARAMETERS = 2_000_000_000
"""The most parameters of a network: 8 GB of float32, which one machine can draw and hold."""

DEEPEST = 2000
"""The most layers, blocks or stages that a config may ask for."""

_SHAPES = {name: (*BASE_SPACES[name].axes, "channels") for name in ("plane", "volume")}
_EXAMPLES = {3: (28, 28, 1), 4: (28, 28, 28, 1)}

_WIDE = 256  # from here on it is asked whether the parameters fit into memory, before they are made


@dataclasses.dataclass(frozen=True)
class ModelConfig(abc.ABC):
    """The size and kind of a network; `build` makes it for given images and classes.

    ``spaces`` names the base spaces on which the network can lie: those of images, volumes or both.

    Raises:
      ValueError: for a field annotated as a number that is none, 2.5 where a whole number is wanted, NaN; or as True
        or False that is neither.
    """

    spaces: ClassVar[tuple[str, ...]] = ("plane",)

    def __post_init__(self) -> None:
        check_numbers(self, "model")

    @abc.abstractmethod
    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """The layers, from images ``[batch, height, width, channels]`` to class scores ``[batch, classes]``."""

    def build(self, image_shape: ImageShape, num_classes: int, *, rngs: nnx.Rngs) -> Sequential:
        """The network, initialised.

        Warns (`geomdl.models.core.exactness.InexactSizeWarning`) when images of this size break the exact symmetry
        that the network has at other sizes, and names the nearest of those.

        Args:
          image_shape: (height, width, channels), or (depth, height, width, channels) of volumes.
          num_classes: class scores at the output.
          rngs: initialises the weights; a JAX random key or a seed stands for ``nnx.Rngs`` of it.

        Raises:
          ValueError: when the images do not suit the network: too small, or not square for quarter turns.
        """
        image_shape = self._image_shape(image_shape)
        num_classes, rngs = whole_number("num_classes", num_classes), as_rngs(rngs)
        _largest(self)  # raises
        config = self.matched(image_shape, num_classes) if isinstance(self, ScalableConfig) else self
        name, number = _largest(config)
        if number > _WIDE:
            count = config.parameter_count(image_shape, num_classes)
            if count > MOST_PARAMETERS:
                allowed = f"a network of at most {MOST_PARAMETERS:,} parameters; this one has {count:,}"
                raise invalid(name, number, allowed)
            require_memory(name, number, (2, count))  # parameters and their gradient
        model = Sequential(config.layers(image_shape, num_classes, rngs))
        contract, size = model.contract, image_shape[:-1]
        contract.output_size(size)  # raises where a window does not fit
        warn_if_inexact(contract, size)
        return model

    def _image_shape(self, image_shape: ImageShape) -> ImageShape:
        """The shape in whole numbers; raises a ValueError where the network does not lie on such a space."""
        shapes = {len(shape): shape for shape in (_SHAPES[name] for name in self.spaces)}
        if not isinstance(image_shape, Sequence | np.ndarray) or len(image_shape) not in shapes:
            allowed = " or ".join(f"({', '.join(shape)})" for shape in shapes.values())
            near = next(_EXAMPLES[len(shape)] for shape in shapes.values())
            raise invalid(f"image_shape for {type(self).__name__}", image_shape, f"{allowed}, all positive", near)
        return tuple(whole_number("image_shape", n) for n in image_shape)

    def shapes(self, image_shape: ImageShape, num_classes: int) -> Sequential:
        """The network with the shapes of its arrays in place of the arrays: nothing is allocated.

        It has a contract, can be summarised and counted, and cannot be called.

        Args:
          image_shape: (height, width, channels), or (depth, height, width, channels) of volumes.
          num_classes: class scores at the output.
        """
        return nnx.eval_shape(lambda: self.build(image_shape, num_classes, rngs=OneKey(0)))

    def parameter_count(self, image_shape: ImageShape, num_classes: int) -> int:
        """The number of trainable parameters, without allocating them."""
        return count_parameters(nnx.eval_shape(lambda: Sequential(self.layers(image_shape, num_classes, OneKey(0)))))


@dataclasses.dataclass(frozen=True)
class ScalableConfig(ModelConfig):
    """The config of a network whose width can be chosen, or matched to a number of parameters.

    Args:
      width: how wide the network is; each model says what it counts. Need not be an integer: a layer's number of fields
        is ``max(1, round(width · multiplier))``, so that widths can be matched finely.
      match_parameters: if given, ``width`` is ignored and chosen such that the number of parameters comes closest.
      activation: of the hidden layers: a name in `geomdl.layers.core.functional.ACTIVATIONS`, or ``"maxout"``.
      dropout: rate before the last dense layer.

    Raises:
      ValueError: for a value out of range, naming it.
    """

    width: float = 16
    match_parameters: int | None = None
    activation: str = "relu"
    dropout: float = 0.0

    unit: ClassVar[float] = 1.0
    """The width that `matched` starts from; it finds widths to a hundredth of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.width <= WIDEST:
            raise invalid("model.width", self.width, f"a positive number, at most {WIDEST:,}", 16)
        if self.match_parameters is not None and not 1 <= self.match_parameters <= MOST_PARAMETERS:
            allowed = f"a positive number of parameters, at most {MOST_PARAMETERS:,}, or None"
            raise invalid("model.match_parameters", self.match_parameters, allowed)
        if self.activation not in (*ACTIVATIONS, "maxout"):
            raise unknown("model.activation", self.activation, sorted({*ACTIVATIONS, "maxout"}))
        if not 0 <= self.dropout < 1:
            raise invalid("model.dropout", self.dropout, "a number in [0, 1)", 0.5)

    def fields(self, multiplier: float = 1) -> int:
        """``max(1, round(width · multiplier))``."""
        return max(1, round(self.width * multiplier))

    def matched(self, image_shape: ImageShape, num_classes: int) -> Self:
        """This configuration with ``match_parameters`` resolved to a width.

        The count grows with the width in small steps; bisection finds the step nearest to the target. Counts that
        others imply are not taken.

        Raises:
          ValueError: when even the narrowest network has more than twice the parameters asked for.

        >>> from geomdl.models import MLPConfig
        >>> config = MLPConfig(match_parameters=5_000).matched((8, 8, 1), 10)
        >>> config.match_parameters, round(config.width), config.parameter_count((8, 8, 1), 10)
        (None, 42, 4966)
        """
        if self.match_parameters is None:
            return self
        search = _Search(self, image_shape, num_classes, self.match_parameters)
        low, high = 0.1 * self.unit, self.unit
        search.approach(high)
        if search.exceeds(low, 2 * search.target):
            narrowest = search.count(low)
            allowed = f"at least {narrowest}, the narrowest such network"
            raise invalid("model.match_parameters", search.target, allowed, narrowest)
        while not search.exceeds(high, search.target - 1):
            if 2 * high > WIDEST:
                count = search.count(high)
                allowed = f"at most {count:,}, as this network has at width {high:,.0f}"
                raise invalid("model.match_parameters", search.target, allowed, count)
            low, high = high, 2 * high
        while high - low > 0.01 * max(self.unit, low / 20):
            middle = (low + high) / 2
            low, high = (low, middle) if search.exceeds(middle, search.target - 1) else (middle, high)
        return search.at(min((low, high), key=lambda width: abs(search.count(width) - search.target)))


class _Search:
    """Counts of parameters by width. Counting means to trace a network, so that no count is taken that others imply."""

    def __init__(self, config: ScalableConfig, image_shape: ImageShape, num_classes: int, target: int):
        self.target = target
        self._config, self._images = config, (image_shape, num_classes)
        self._counts: dict[float, int] = {}

    def at(self, width: float) -> Any:
        """The config of a width."""
        return dataclasses.replace(self._config, width=width, match_parameters=None)

    def count(self, width: float) -> int:
        """The parameters at a width."""
        if width not in self._counts:
            config = self.at(width)
            count = _counted if isinstance(config, Hashable) else type(config).parameter_count
            self._counts[width] = count(config, *self._images)
        return self._counts[width]

    def exceeds(self, width: float, number: int) -> bool:
        """Whether there are more parameters than a number at a width. A wider network does not have fewer."""
        if any(count > number for known, count in self._counts.items() if known <= width):
            return True
        if any(count <= number for known, count in self._counts.items() if known >= width):
            return False
        return self.count(width) > number

    def approach(self, width: float) -> None:
        """Counts at widths that come near to the wanted one: as if the count were a power of the width."""
        power, known = 2.0, (width, self.count(width))
        for _ in range(3):
            factor = (self.target / known[1]) ** (1 / power)
            width = min(max(known[0] * factor, 0.1 * self._config.unit), WIDEST)
            if abs(width / known[0] - 1) < 1e-3:
                return
            found = width, self.count(width)
            if found[1] != known[1]:
                power = min(max(np.log(found[1] / known[1]) / np.log(found[0] / known[0]), 1.0), 2.0)
            known = found


@functools.lru_cache(maxsize=4096)
def _counted(config: ModelConfig, image_shape: ImageShape, num_classes: int) -> int:
    """Programs build a network of one config again and again: to train it, to evaluate it, to load it."""
    return config.parameter_count(image_shape, num_classes)


def _largest(config: ModelConfig) -> tuple[str, float]:
    """The key of a config's largest number, and the number; raises ValueError for one that no machine could build."""
    found: tuple[str, float] = "model", 0.0
    for key, value in vars(config).items():
        if key == "match_parameters":
            continue
        most = DEEPEST if key in ("depth", "blocks", "stages") else WIDEST
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, int | float) or isinstance(number, bool):
                continue
            if number > most:
                raise invalid(f"model.{key}", value, f"at most {most:,}")
            found = max(found, (f"model.{key}", float(number)), key=lambda pair: pair[1])
    return found


def count_parameters(model: nnx.Module) -> int:
    """The number of trainable parameters of a module.

    Args:
      model: a layer or network.

    >>> from geomdl.layers import Dense
    >>> from geomdl.representations import FieldType
    >>> count_parameters(Dense(FieldType("C1", "3 trivial"), FieldType("C1", "2 trivial"), rngs=nnx.Rngs(0)))
    8
    """
    leaves: list[Any] = jax.tree.leaves(nnx.state(model, nnx.Param))
    return int(sum(np.prod(leaf.shape) for leaf in leaves))
