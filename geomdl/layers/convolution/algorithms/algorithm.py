"""What an algorithm of a convolution is."""

import abc
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax

from geomdl.equivariance.contracts.contract import Size
from geomdl.layers.core.weights import KernelSpaces, expand
from geomdl.layers.core.window import Window
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class Convolution:
    """Static description of an equivariant convolution, or linear map of each pixel: all of it but the weights.

    Attributes:
      spaces: ``spaces[i][o]``, the kernels from block i of the input type to block o of the output type.
      in_type: what comes in.
      out_type: what goes out.
      window: its geometry; None for a linear map of each pixel by itself, or of fields without base space.
      groups: groups of fields that are kept apart.

    >>> from flax import nnx
    >>> from geomdl.layers import Conv
    >>> layer = Conv(FieldType("C4", "1 trivial"), FieldType("C4", "2 regular"), 3, rngs=nnx.Rngs(0))
    >>> layer.convolution.dense_kernel([w[...] for w in layer.kernel]).shape
    (3, 3, 1, 8)
    """

    spaces: KernelSpaces
    in_type: FieldType
    out_type: FieldType
    window: Window | None
    groups: int = 1

    def dense_kernel(self, weights: Sequence[jax.Array]) -> jax.Array:
        """The expanded kernel ``[k, k, in_channels / groups, out_channels]``; without window ``[in, out]``."""
        kernel = expand(weights, self.spaces)
        return kernel[0, 0] if self.window is None else kernel


class Algorithm(abc.ABC):
    """A way of computing convolutions: from the same weights, to rounding, to the same result.

    `geomdl.layers.convolution.algorithms.register` makes it a ``method`` of `geomdl.layers.Conv`: it is then known to
    `geomdl.layers.with_method`, the config's ``training.convolutions``, `geomdl.models.summarize`, ``geomdl autotune``
    and `geomdl.layers.freeze` by its name.

    Subclasses have a ``name``, `multiply_adds` and `apply`, and replace what else is not as here.

    Attributes:
      name: of the method.
      overhead: what compiling it takes more than the others, as MACs of the dense convolution for each image; see
        `geomdl.layers.convolution.algorithms.registry.chosen`.
      instead: the name of the algorithm that takes its place where it is asked of all convolutions and cannot compute
        one; None for the first that is registered.

    >>> from geomdl.layers.convolution.algorithms import named
    >>> class Slower(Algorithm):
    ...     name = "slower"
    ...
    ...     def multiply_adds(self, convolution, size):
    ...         return 2 * named("dense").multiply_adds(convolution, size)
    ...
    ...     def apply(self, convolution, prepared, x):
    ...         return named("dense").apply(convolution, prepared, x)
    >>> Slower().is_practical(), Slower().overhead
    (True, 0.0)
    """

    name: ClassVar[str]
    overhead: ClassVar[float] = 0.0
    instead: ClassVar[str | None] = None

    def obstacle(self, convolution: Convolution) -> str | None:
        """Why it cannot compute a convolution, as in "it cannot, for …"; None where it can.

        By default it computes all that have a window.
        """
        return "a linear layer has no window" if convolution.window is None else None

    def missing(self) -> str | None:
        """What the installed packages lack for it, whatever is to be computed; None where nothing is missing."""
        return None

    def is_practical(self) -> bool:
        """Whether it is of use on the devices here, so that its cost is shown and measured beside the others'."""
        return True

    @abc.abstractmethod
    def multiply_adds(self, convolution: Convolution, size: Size) -> int:
        """Multiply-accumulate operations (MACs) for one image of a size."""

    def expected_cost(self, convolution: Convolution, size: Size) -> float:
        """CPU time for one image of a size, gradients included, in units of a MAC of the dense convolution.

        By default infinite: ``"auto"`` never takes an algorithm that does not say.
        """
        return math.inf

    def prepare(self, convolution: Convolution, weights: Sequence[jax.Array]) -> dict[str, jax.Array]:
        """What is computed of the weights alone, by name: all that a frozen convolution keeps.

        Args:
          convolution: what is computed.
          weights: ``[dimension, fields_in / groups, fields_out]`` for each pair of blocks.

        Returns:
          By default the dense kernel, as ``"kernel"``.
        """
        return {"kernel": convolution.dense_kernel(weights)}

    @abc.abstractmethod
    def apply(self, convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
        """The convolution, without bias, in the dtype of x.

        Args:
          convolution: what is computed.
          prepared: what `prepare` gives.
          x: ``[batch, height, width, in_channels]``; ``[batch, ..., in_channels]`` without window.

        Raises:
          ValueError: when the window does not fit.
        """

    def scaled(self, prepared: Mapping[str, jax.Array], scale: jax.Array) -> dict[str, jax.Array] | None:
        """What is prepared for the convolution whose outputs are multiplied by ``[out_channels]``.

        None, by default, where batch norm after a frozen convolution stays a layer of its own.
        """
        return None
