"""The input sizes of all convolutions of a network for a given image size."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from geomdl.layers.convolution.conv import Conv
from geomdl.layers.core.layer import Layer
from geomdl.layers.transforms.with_method import convolutions


@dataclasses.dataclass(frozen=True)
class ConvInputs:
    """One convolution and the inputs that it sees.

    Attributes:
      path: of the layer, as `geomdl.models.summarize` prints it.
      layer: the convolution.
      shapes: of its inputs ``(batch, height, width, channels)``, one for each call.
      takes_images: whether its input is the image itself, whose gradient training does not need.
    """

    path: str
    layer: Conv
    shapes: tuple[tuple[int, ...], ...]
    takes_images: bool


def conv_inputs(
    model: Layer, image_shape: tuple[int, ...], batch: int, *, dtype: DTypeLike = jnp.float32
) -> tuple[ConvInputs, ...]:
    """The convolutions of a model that are called, in the order of their first calls; nothing is computed.

    Args:
      model: a layer or network; layers inside layers of any kind are found.
      image_shape: (height, width, channels).
      batch: images at once.
      dtype: of the images.

    Raises:
      ValueError: when the images do not fit the model.

    >>> from geomdl.layers import Pool, Sequential
    >>> from geomdl.representations import FieldType
    >>> image, features = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
    >>> convs = [Conv(t, features, 3, padding=1, rngs=nnx.Rngs(0)) for t in (image, features)]
    >>> model = Sequential([convs[0], Pool(features, 2), convs[1]])
    >>> [(c.path, c.shapes) for c in conv_inputs(model, (8, 8, 1), 3)]
    [('0', ((3, 8, 8, 1),)), ('2', ((3, 4, 4, 8),))]
    """
    model.in_type.require_channels(image_shape[-1], "the image")
    originals, (structure, state) = convolutions(model), nnx.split(model)
    calls: dict[str, list[Any]] = {}
    first: set[str] = set()

    def run(state: nnx.State, images: jax.Array) -> None:
        copy = nnx.merge(structure, state)
        for path, conv in convolutions(copy).items():
            _tell(conv, path, calls)
        copy(images)
        first.update(path for path, inputs in calls.items() if any(x is images for x in inputs))

    jax.eval_shape(run, state, jax.ShapeDtypeStruct((batch, *image_shape), dtype))
    return tuple(
        ConvInputs(path, originals[path], tuple(x.shape for x in inputs), path in first)
        for path, inputs in calls.items()
    )


def _tell(conv: Conv, path: str, calls: dict[str, list[Any]]) -> None:
    """Gives a convolution a subclass that notes its inputs."""

    def call(self: Conv, x: jax.Array, **options: Any) -> jax.Array:
        calls.setdefault(path, []).append(x)
        return Conv.__call__(self, x, **options)

    metaclass: Any = type(Conv)
    telling = metaclass("Conv", (Conv,), {"__call__": call, "__module__": Conv.__module__})
    object.__setattr__(conv, "__class__", telling)
