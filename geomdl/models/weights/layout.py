r"""The arrays of one layer as other libraries lay them out, and back: transposes are here, and nowhere else.

============================  =================================  ================================================
\                             there (PyTorch)                    here
============================  =================================  ================================================
convolution                   ``[O, I/g, height, width]``        free weights ``[height·width, I/g, O]``
dense layer                   ``[O, I]``                         ``[1, I, O]``
dense layer behind a flatten  ``[O, C·height·width]``            a convolution whose window is the map
batch norm                    weight, bias, running_mean, …_var  scale, bias, mean, variance
============================  =================================  ================================================
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from flax import nnx

from geomdl.groups import along
from geomdl.layers import BatchNorm, Conv, Dense, Layer

Form = Literal["conv", "linear"]
"""How the kernel is written there: with the axes of a window, or as a matrix."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One array there and the variables here that hold its numbers.

    Attributes:
      name: there.
      shape: there.
      variables: here.
      to_ours: the values of the variables, from the array there.
      to_theirs: the inverse.
      layer: that the variables belong to.
    """

    name: str
    shape: tuple[int, ...]
    variables: tuple[nnx.Variable, ...]
    to_ours: Callable[[np.ndarray], list[np.ndarray]]
    to_theirs: Callable[[list[np.ndarray]], np.ndarray]
    layer: Layer


def entries_of(name: str, layer: Layer, form: Form, *, keras: bool = False) -> list[Entry]:
    """The arrays that a layer of scalar fields has in a state dict of PyTorch, or in a file of Keras.

    Args:
      name: of the module there.
      layer: a convolution, a dense layer or batch norm.
      form: of its kernel.
      keras: whether it is a file of Keras, whose arrays are numbered, and which has the axes of kernels as here.
    """
    if isinstance(layer, BatchNorm):
        pairs = {"weight": layer.scale, "bias": layer.bias, "running_mean": layer.mean, "running_var": layer.variance}
        ends = range(4) if keras else pairs
        return [_vector(f"{name}.{end}", [ours], layer) for end, ours in zip(ends, pairs.values(), strict=True)]
    if not isinstance(layer, Conv | Dense):
        raise TypeError(f"{type(layer).__name__} has no counterpart")
    kernel = _kernel(f"{name}.{0 if keras else 'weight'}", layer, form, keras)
    bias = [_vector(f"{name}.{1 if keras else 'bias'}", list(layer.bias), layer)] if len(layer.bias) else []
    return [kernel, *bias]


def _vector(name: str, variables: list[nnx.Variable], layer: Layer) -> Entry:
    shapes = [tuple(v.shape) for v in variables]
    counts = [math.prod(shape) for shape in shapes]

    def to_ours(array: np.ndarray) -> list[np.ndarray]:
        parts = np.split(array, np.cumsum(counts)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def to_theirs(values: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([value.ravel() for value in values])

    return Entry(name, (sum(counts),), tuple(variables), to_ours, to_theirs, layer)


def _kernel(name: str, layer: Conv | Dense, form: Form, keras: bool) -> Entry:
    space, groups = layer.in_type.space, layer.groups if isinstance(layer, Conv) else 1
    window = along(layer.window.size, space.dimension) if isinstance(layer, Conv) else (1, 1)
    inputs = [block.multiplicity // groups for block in layer.in_type.blocks]
    outputs = [block.multiplicity for block in layer.out_type.blocks]
    dense = (sum(outputs), sum(inputs), *window)
    if keras:
        shape = (*window, dense[1], dense[0]) if form == "conv" else (math.prod(dense[1:]), dense[0])
    else:
        shape = dense if form == "conv" else (dense[0], math.prod(dense[1:]))

    def to_ours(array: np.ndarray) -> list[np.ndarray]:
        kernel = array if keras else array.reshape(dense).transpose(2, 3, 1, 0)
        kernel = kernel.reshape(-1, dense[1], dense[0])
        rows = np.split(kernel, np.cumsum(inputs)[:-1], axis=1)
        return [part for row in rows for part in np.split(row, np.cumsum(outputs)[:-1], axis=2)]

    def to_theirs(values: list[np.ndarray]) -> np.ndarray:
        columns = len(outputs)
        rows = [np.concatenate(values[i : i + columns], 2) for i in range(0, len(values), columns)]
        kernel = np.concatenate(rows, 1).reshape(*window, dense[1], dense[0])
        return (kernel if keras else kernel.transpose(3, 2, 0, 1)).reshape(shape)

    return Entry(name, shape, tuple(layer.kernel), to_ours, to_theirs, layer)
