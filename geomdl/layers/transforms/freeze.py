"""From an equivariant network to the plain network that it is at evaluation."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.contract import Size
from geomdl.layers.containers.sequential import Sequential
from geomdl.layers.convolution.algorithms.factored import Method, mixing_matrices
from geomdl.layers.convolution.conv import Conv, Dense, TransposedConv
from geomdl.layers.convolution.locally_connected import LocallyConnected
from geomdl.layers.core.layer import Layer
from geomdl.layers.core.weights import add_bias
from geomdl.layers.field_types.rearranging import Identity
from geomdl.layers.normalization.batch_norm import BatchNorm, Dropout
from geomdl.layers.transforms.conv_inputs import conv_inputs
from geomdl.layers.transforms.frozen import (
    Affine,
    Frozen,
    PlainConv,
    PlainDense,
    PlainFactoredConv,
    PlainTransposedConv,
    Weight,
)
from geomdl.layers.transforms.with_method import convolutions, has_two_methods, with_method

_Linear = PlainConv | PlainTransposedConv | PlainDense | LocallyConnected


def freeze(layer: Layer, image_size: Size | None = None) -> Frozen:
    """The plain network that computes what a layer or model computes at evaluation.

      freeze(f)(x) = f(x)   to rounding.

    Kernels are expanded, so no basis is left; batch norm is folded into the dense linear map before it, or becomes one
    factor and one summand for each channel where there is none (after a residual sum, say); dropout goes away. Pooling,
    nonlinearities and the norms that depend on the input stay what they are. So does a convolution of
    ``method="factored"``, with its matrices made. One of ``"auto"`` stays factored where that is faster for images of
    the size that is given, and becomes dense otherwise, as those of ``"dense"`` do: for other runtimes, freeze
    ``with_method(layer, "dense")``. The contract stays too. The original is not changed.

    Args:
      layer: any layer of `geomdl.layers`, or a model made of them.
      image_size: rows and columns of the images that it will be given, for convolutions of ``method="auto"``.

    Returns:
      A network without trainable parameters; its arrays are `geomdl.layers.transforms.frozen.Weight` variables, by
      name in ``.weights``. Calling it with ``train=True`` raises ValueError.

    Raises:
      ValueError: when images of ``image_size`` do not fit the layer.

    >>> from geomdl.layers import Pointwise
    >>> from geomdl.representations import FieldType
    >>> image, features = FieldType("C8", "1 trivial"), FieldType("C8", "2 regular")
    >>> lift = Conv(image, features, 3, rngs=nnx.Rngs(0))
    >>> frozen = freeze(Sequential([lift, BatchNorm(features), Pointwise(features)]))
    >>> {name: array.shape for name, array in frozen.weights.items()}
    {'layers.0.bias': (16,), 'layers.0.kernel': (3, 3, 1, 16)}
    """
    if isinstance(layer, Frozen):
        return layer
    return Frozen(_plain(layer if image_size is None else _decided(layer, image_size)))


def _decided(layer: Layer, image_size: Size) -> Layer:
    """A copy whose convolutions of ``method="auto"`` have the method that they take for images of a size."""
    if not any(conv.method == "auto" and has_two_methods(conv) for conv in convolutions(layer).values()):
        return layer
    methods: dict[str, Method] = {}
    for inputs in conv_inputs(layer, (*image_size, layer.in_type.size), 1):
        taken = {inputs.layer.method_for(shape[1:-1]) for shape in inputs.shapes}
        methods[inputs.path] = "factored" if taken == {"factored"} else "dense"
    return with_method(layer, methods)


@functools.singledispatch
def _plain(layer: Layer) -> Layer:
    """Any other layer: itself, with its parameters made constants and its layers frozen."""
    copy = nnx.clone(layer)
    for name, value in list(vars(copy).items()):
        if isinstance(value, nnx.Variable | Layer):
            setattr(copy, name, _constant(value))
        elif isinstance(value, nnx.List):
            setattr(copy, name, nnx.List([_constant(part) for part in value]))
    return copy


def _constant(part: object) -> object:
    if isinstance(part, nnx.Variable):
        return Weight(part[...])
    return _plain(part) if isinstance(part, Layer) else part


@_plain.register
def _(layer: Conv) -> Layer:
    if layer.method in ("factored", "fused"):
        kernels = mixing_matrices(layer.spaces, [w[...] for w in layer.kernel], layer.groups)
        about = layer.window, layer.spaces, layer.groups, layer.contract
        return PlainFactoredConv(kernels, _bias(layer), *about, fused=layer.method == "fused")
    return PlainConv(layer.dense_kernel(), _bias(layer), layer.window, layer.groups, layer.contract)


@_plain.register
def _(layer: TransposedConv) -> Layer:
    return PlainTransposedConv(layer.dense_kernel(), _bias(layer), layer.window, layer.contract)


@_plain.register
def _(layer: Dense) -> Layer:
    return PlainDense(layer.dense_kernel(), _bias(layer), layer.contract)


@_plain.register
def _(layer: LocallyConnected) -> Layer:
    copy = nnx.clone(layer)
    bias = jnp.zeros(layer.out_type.size) if layer.bias is None else layer.bias[...]
    for name, value in (("kernel", layer.kernel[...]), ("bias", bias)):
        setattr(copy, name, nnx.data(Weight(value)))
    return copy


@_plain.register
def _(layer: BatchNorm) -> Layer:
    return Affine(*layer.affine(layer.mean[...], layer.variance[...]), layer.contract)


@_plain.register
def _(layer: Dropout) -> Layer:
    return Identity(layer.in_type)


@_plain.register
def _(layer: Frozen) -> Layer:
    return layer.network


@_plain.register
def _(layer: Sequential) -> Layer:
    layers: list[Layer] = []
    for piece in _flat(layer.layers):
        plain = _plain(piece)
        if isinstance(plain, Affine) and layers and isinstance(layers[-1], _Linear):
            _fold(layers[-1], plain)
        elif not isinstance(plain, Identity):
            layers.append(plain)
    return Sequential(layers or [Identity(layer.in_type)])


def _flat(layers: Sequence[Layer]) -> list[Layer]:
    """The layers of nested sequences, in turn."""
    flat: list[Layer] = []
    for layer in layers:
        flat += _flat(layer.layers) if isinstance(layer, Sequential) else [layer]
    return flat


def _fold(linear: _Linear, affine: Affine) -> None:
    """Makes a linear map a (W x + b) + c of it, channel by channel."""
    scale, shift = affine.scale[...], affine.shift[...]
    linear.kernel[...] = linear.kernel[...] * scale
    if linear.bias is not None:  # `_plain` gives every linear map one
        linear.bias[...] = linear.bias[...] * scale + shift


def _bias(layer: Conv | TransposedConv | Dense) -> jax.Array:
    """The bias of every channel; zeros where there is none."""
    zero = jnp.zeros(layer.out_type.size, layer.kernel[0][...].dtype)
    return add_bias(zero, layer.bias, layer.out_type)
