"""Freezes an equivariant network to the plain dense network that it equals at evaluation."""

from geomdl.equivariance.contracts.contract import Size
from geomdl.layers.convolution.algorithms.registry import AUTO, Method, reference
from geomdl.layers.core.layer import Layer
from geomdl.layers.transforms.conv_inputs import conv_inputs
from geomdl.layers.transforms.frozen import Frozen
from geomdl.layers.transforms.with_method import convolutions, has_a_choice, with_method


def freeze(layer: Layer, image_size: Size | None = None) -> Frozen:
    """The plain network that computes what a layer or model computes at evaluation.

      freeze(f)(x) = f(x)   to rounding.

    Kernels are expanded, so no basis is left; batch norm is folded into the dense linear map before it, or becomes one
    factor and one summand for each channel where there is none (after a residual sum, say); dropout goes away. Pooling,
    nonlinearities and the norms that depend on the input stay what they are. A convolution keeps its method, with what
    the algorithm prepares of the weights made. One of ``"auto"`` takes the method that is chosen for images of the size
    that is given, and becomes dense without one: for other runtimes, freeze ``with_method(layer, "dense")``. The
    contract stays too. The original is not changed. How a layer is frozen is its own business: see
    `geomdl.layers.Layer.frozen`.

    Args:
      layer: any layer of `geomdl.layers`, or a model made of them.
      image_size: rows and columns of the images that it will be given, for convolutions of ``method="auto"``.

    Returns:
      A network without trainable parameters; its arrays are `geomdl.layers.core.constants.Weight` variables, by
      name in ``.weights``. Calling it with ``train=True`` raises ValueError.

    Raises:
      ValueError: when images of ``image_size`` do not fit the layer.

    >>> from flax import nnx
    >>> from geomdl.layers import BatchNorm, Conv, Pointwise, Sequential
    >>> from geomdl.representations import FieldType
    >>> image, features = FieldType("C8", "1 trivial"), FieldType("C8", "2 regular")
    >>> lift = Conv(image, features, 3, rngs=nnx.Rngs(0))
    >>> frozen = freeze(Sequential([lift, BatchNorm(features), Pointwise(features)]))
    >>> {name: array.shape for name, array in frozen.weights.items()}
    {'layers.0.bias': (16,), 'layers.0.kernel': (3, 3, 1, 16)}
    """
    if isinstance(layer, Frozen):
        return layer
    return Frozen((layer if image_size is None else _decided(layer, image_size)).frozen())


def _decided(layer: Layer, image_size: Size) -> Layer:
    """A copy whose convolutions of ``method="auto"`` have the method that they take for images of a size."""
    if not any(conv.method == AUTO and has_a_choice(conv) for conv in convolutions(layer).values()):
        return layer
    methods: dict[str, Method] = {}
    for inputs in conv_inputs(layer, (*image_size, layer.in_type.size), 1):
        taken = {inputs.layer.method_for(shape[1:-1]) for shape in inputs.shapes}
        methods[inputs.path] = taken.pop() if len(taken) == 1 else reference().name
    return with_method(layer, methods)
