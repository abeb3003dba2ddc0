"""The base class of layers: input and output type, contract, and how a layer is called."""

import abc
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.core.boundary import taking_fields, taking_numbers
from geomdl.layers.core.constants import constant_copy
from geomdl.layers.core.modes import ModeWarning, warn_of_mode
from geomdl.representations import FieldType

Field = Float[Array, "batch *space channels"]
"""Fields over any base space: pixels, or none."""
Fields = Float[Array, "batch *space channels_out"]
"""Fields over the same base space, with other channels."""
Resampled = Float[Array, "batch *space_out channels_out"]
"""Fields over another grid of the base space, with other channels."""
Image = Float[Array, "batch height width channels"]
Images = Float[Array, "batch height_out width_out channels_out"]
Vector = Float[Array, "batch channels_out"]
"""Fields without base space."""


class Child(NamedTuple):
    """A layer inside another, as `Layer.children` gives it.

    Attributes:
      name: the attributes that lead to it, joined by dots, without the name of lists of layers; see `path_of`.
      layer: the layer.
      size: the spatial size of its input.

    >>> from geomdl.layers import Pool, Sequential
    >>> scalar = FieldType("C4", "1 trivial")
    >>> [(child.name, child.size) for child in Sequential([Pool(scalar, 2), Pool(scalar, 3)]).children((12, 6))]
    [('0', (12, 6)), ('1', (6, 3))]
    """

    name: str
    layer: "Layer"
    size: Size


class Layer(nnx.Module, abc.ABC):
    """A Flax NNX module from fields of ``in_type`` to fields of ``out_type``, with a contract on its equivariance.

    Fields are arrays ``[batch, height, width, channels]``, or ``[batch, channels]`` without base space. Whether the
    layer trains is an argument of the call, and so is the random key, so that a call is a function of its arguments;
    only the running statistics of batch norm change, and they are `nnx.BatchStat` variables.

    Every layer, also one of one's own, takes what users have, and looks at types and shapes alone: arrays of NumPy and
    PyTorch and lists, float16 to float64, and bool as 0 and 1. Whole and complex numbers are refused, and fields with
    other axes than ``in_type`` says; see `geomdl.arrays.as_floating`. Where ``rngs`` are asked for to initialise
    weights, a JAX random key or a seed stands for ``nnx.Rngs`` of it. Arguments of the constructor that are annotated
    as whole numbers have to be: of Python or NumPy.

    A layer of one's own has ``in_type``, ``out_type`` and `contract`, and

    * `apply` where it is the same map in training and evaluation, as most are; otherwise ``__call__``;
    * `multiply_adds` where it multiplies;
    * `children` where it holds other layers. Then these are listed by `geomdl.models.summarize`, counted, frozen,
      recorded and computed by other methods as they are anywhere else.

    >>> from geomdl.equivariance import exact_everywhere
    >>> class Double(Layer):
    ...     def __init__(self, in_type: FieldType) -> None:
    ...         self.in_type = self.out_type = in_type
    ...
    ...     @property
    ...     def contract(self) -> Contract:
    ...         return exact_everywhere(self.in_type, linear=True)
    ...
    ...     def apply(self, x: Field) -> Field:
    ...         return 2 * x
    >>> Double(FieldType("C4", "1 regular"))(jax.numpy.ones((1, 4)), train=True)
    Array([[2., 2., 2., 2.]], dtype=float32)
    """

    in_type: FieldType
    out_type: FieldType

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, taking in (("__call__", taking_fields), ("apply", taking_fields), ("__init__", taking_numbers)):
            if name in vars(cls):
                setattr(cls, name, taking(vars(cls)[name]))

    @property
    @abc.abstractmethod
    def contract(self) -> Contract:
        """What the layer promises; see `geomdl.equivariance.Contract`."""

    def apply(self, x: Field) -> jax.Array:
        """The map of a layer that neither training nor randomness changes: ``[batch, ..., channels]``."""
        raise NotImplementedError(
            f"{type(self).__name__} has no map; a layer has apply(x), or __call__(x, *, train, key) where it differs in"
            f" training"
        )

    @taking_fields
    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Applies the layer.

        Args:
          x: a field of ``in_type``.
          train: whether to use batch statistics and to drop out.
          key: a random key, for layers that draw random numbers when training.
        """
        return self.apply(x)

    def train(self, **attributes: Any) -> None:
        """Flax's switch of modules that hold a mode; ours hold none, so that it warns: say ``layer(x, train=True)``.

        Modules of Flax inside are switched. ``eval()`` is as everywhere: without ``train=True`` a call is evaluation.
        """
        warn_of_mode(stacklevel=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ModeWarning)  # of layers inside: it has been said
            super().train(**attributes)

    def children(self, size: Size) -> Sequence[Child]:
        """The layers inside this one in the order in which they are called, and the sizes that they are given.

        Args:
          size: the spatial size of the input; () without base space.

        Raises:
          NotImplementedError: for a layer that holds others and does not say so.
        """
        if not any(isinstance(value, nnx.Module) for value in vars(self).values()):
            return ()
        held = [path_of(path) for path, _ in inner_layers(self)]
        if held:
            raise NotImplementedError(
                f"{type(self).__name__} holds layers ({', '.join(held)}), but does not say what sizes they are given;"
                f" define children(size)"
            )
        return ()

    def multiply_adds(self, size: Size) -> int:
        """Multiply-accumulate operations (MACs) for one input of a spatial size; () without base space.

        By default those of the layers inside, so none where there are none: comparisons, additions and what is done
        once for each field are not counted.
        """
        return sum(child.layer.multiply_adds(child.size) for child in self.children(size))

    def frozen(self) -> "Layer":
        """A layer that computes what this one computes at evaluation, with constants in place of parameters.

        By default a copy whose parameters are constants and whose layers are frozen; see `geomdl.layers.freeze`.
        """
        return constant_copy(self, lambda part: part.frozen() if isinstance(part, Layer) else None)

    def followed_by(self, scale: jax.Array, shift: jax.Array) -> "Layer | None":
        """Of a frozen layer f that is linear in weights of its own: scale · f + shift as one layer.

        Args:
          scale: ``[out_channels]``.
          shift: ``[out_channels]``.

        Returns:
          The layer; None where there is none, so that the affine map stays a layer of its own.
        """
        return None


def inner_layers(module: nnx.Module) -> Iterator[tuple[tuple[object, ...], Layer]]:
    """Every layer inside an NNX module, at every depth, with the attributes that lead to it; without the module itself.

    >>> from geomdl.layers import Pointwise, Residual
    >>> [path for path, _ in inner_layers(Residual(Pointwise(FieldType("C4", "1 regular"))))]
    [('body',), ('shortcut',)]
    """
    parts = nnx.iter_modules(module)
    return ((path, part) for path, part in parts if isinstance(part, Layer) and part is not module)


def path_of(keys: Sequence[object]) -> str:
    """The name of a layer from the attributes that lead to it; ``"0"`` for the module itself.

    >>> path_of(("layers", 3, "body", "layers", 0)), path_of(())
    ('3.body.0', '0')
    """
    return ".".join(str(key) for key in keys if key != "layers") or "0"


def walk(layer: Layer, size: Size, path: str = "") -> Iterator[Child]:
    """A layer and all those inside it, each before its own, in the order of the calls, named by their whole paths.

    The name of the layer itself is empty.

    >>> from geomdl.layers import Pointwise, Pool, Sequential
    >>> t = FieldType("C4", "1 regular")
    >>> [(child.name, child.size) for child in walk(Sequential([Pool(t, 2), Sequential([Pointwise(t)])]), (6, 6))]
    [('', (6, 6)), ('0', (6, 6)), ('1', (3, 3)), ('1.0', (3, 3))]
    """
    yield Child(path, layer, size)
    for name, inner, inner_size in layer.children(size):
        yield from walk(inner, inner_size, f"{path}.{name}" if path else name)
