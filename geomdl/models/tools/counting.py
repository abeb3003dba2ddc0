r"""Counting weights and multiplications: dense, locally connected and convolutional layers beside one another.

Three ways to connect ``in`` channels on a grid to ``out`` channels at P output positions, with windows of K pixels:

===================  ======================  ==========================  ====================
layer                weights                 biases                      multiplications
===================  ======================  ==========================  ====================
dense                n_in · n_out            n_out                       n_in · n_out
locally connected    P · K · in · out        P · out                     P · K · in · out
convolution          K · in · out            out                         P · K · in · out
===================  ======================  ==========================  ====================

Each step gives something up. Locality makes a dense layer cheaper to store and to compute; sharing makes a locally
connected layer cheaper to store only. Plain Python integers throughout, so no count overflows.

>>> dense_parameters(200 * 200, 40_000, bias=False)
1600000000
>>> local_parameters(10, 1, 1, (200, 200), bias=False)
4000000
>>> conv_parameters(10, 1, 1, bias=False)
100
"""

import math
import operator
from collections.abc import Sequence

from geomdl.errors import invalid

Size = int | Sequence[int]
"""A number of pixels along each of the two axes of the plane, or one number for both."""


def _count(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise invalid(name, value, "a positive integer") from None
    if number < 1:
        raise invalid(name, value, "a positive integer")
    return number


def _area(name: str, size: Size) -> int:
    sizes = tuple(size) if isinstance(size, Sequence) else (size, size)
    if not sizes:
        raise invalid(name, size, "a positive integer, or one per axis")
    return math.prod(_count(name, s) for s in sizes)


def dense_parameters(in_features: int, out_features: int, bias: bool = True) -> int:
    """Parameters of a dense layer: (n_in + 1) · n_out.

    Args:
      in_features: number of inputs, all pixels and channels counted.
      out_features: number of outputs.
      bias: whether each output has one.

    Raises:
      ValueError: if a size is not a positive integer.

    >>> dense_parameters(6 * 6 * 256, 4096)  # the first dense layer of AlexNet
    37752832
    """
    inputs, outputs = _count("in_features", in_features), _count("out_features", out_features)
    return (inputs + bool(bias)) * outputs


def conv_parameters(kernel_size: Size, in_channels: int, out_channels: int, bias: bool = True) -> int:
    """Parameters of a convolution: (K · in + 1) · out, however large the image.

    Args:
      kernel_size: rows and columns of the window in pixels (one number: the same along both axes).
      in_channels: channels of the input.
      out_channels: number of filters.
      bias: whether each filter has one.

    Raises:
      ValueError: if a size is not a positive integer.

    >>> conv_parameters(5, 3, 10)
    760
    >>> conv_parameters((1, 3), 1, 1, bias=False)
    3
    """
    inputs, outputs = _count("in_channels", in_channels), _count("out_channels", out_channels)
    return (_area("kernel_size", kernel_size) * inputs + bool(bias)) * outputs


def local_parameters(
    kernel_size: Size, in_channels: int, out_channels: int, output_size: Size, bias: bool = True
) -> int:
    """Parameters of a locally connected layer: a convolution whose filters differ from place to place.

    Args:
      kernel_size: rows and columns of the window in pixels.
      in_channels: channels of the input.
      out_channels: channels of the output.
      output_size: rows and columns of the output, which is the number of places.
      bias: whether each output value has one.

    Raises:
      ValueError: if a size is not a positive integer.

    >>> local_parameters(5, 1, 6, 28) == 28 * 28 * conv_parameters(5, 1, 6)
    True
    """
    return _area("output_size", output_size) * conv_parameters(kernel_size, in_channels, out_channels, bias)


def dense_multiplications(in_features: int, out_features: int) -> int:
    """Multiplications of a dense layer for one input: n_in · n_out.

    Args:
      in_features: n_in.
      out_features: n_out.

    Raises:
      ValueError: if a size is not a positive integer.

    >>> dense_multiplications(1000 * 1000 * 3, 1000)
    3000000000
    """
    return dense_parameters(in_features, out_features, bias=False)


def conv_multiplications(kernel_size: Size, in_channels: int, out_channels: int, output_size: Size) -> int:
    """Multiplications of a convolution for one image: K · in per output value.

    Products with padding are counted too, as is usual.

    Args:
      kernel_size: rows and columns of the window in pixels.
      in_channels: channels of the input.
      out_channels: number of filters.
      output_size: rows and columns of the output.

    Raises:
      ValueError: if a size is not a positive integer.

    A 1×1 convolution to 16 channels first makes a 5×5 convolution ten times cheaper (Szegedy et al. 2015, "Going deeper
    with convolutions", section 4):

    >>> conv_multiplications(5, 192, 32, 28)
    120422400
    >>> conv_multiplications(1, 192, 16, 28) + conv_multiplications(5, 16, 32, 28)
    12443648
    """
    weights = conv_parameters(kernel_size, in_channels, out_channels, bias=False)
    return _area("output_size", output_size) * weights


def local_multiplications(kernel_size: Size, in_channels: int, out_channels: int, output_size: Size) -> int:
    """Multiplications of a locally connected layer: as many as of the convolution, for sharing saves memory only.

    Args:
      kernel_size: see `conv_parameters`.
      in_channels: channels of the input.
      out_channels: number of filters.
      output_size: rows and columns of the output in pixels.

    Raises:
      ValueError: if a size is not a positive integer.

    >>> local_multiplications(3, 8, 8, 16) == conv_multiplications(3, 8, 8, 16)
    True
    """
    return conv_multiplications(kernel_size, in_channels, out_channels, output_size)
