"""Initial weights of a layer's kernels, and the check that every output field gets some."""

import math
from collections.abc import Sequence

import numpy as np

from geomdl.kernels.select import KernelSpace
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.representations import FieldType


def initial_variances(
    in_type: FieldType, out_type: FieldType, spaces: Sequence[Sequence[KernelSpace]], gain: float = 2.0
) -> list[np.ndarray]:
    """Generalized He initialisation in closed form: the variance of every weight of a layer.

    For independent weights of these variances and inputs of independent channels with second moment m, outputs have
    the second moment gain · m in every irrep of every field that any kernel reaches. A channel's fan-in counts only the
    input fields that reach it. Of pixel kernels every weight has the variance gain / fan-in. Of steerable kernels every
    type of input irrep has an equal share, however many weights it has (escnn's rule): irreps of dimension 2 have twice
    the weights, and would let high frequencies in, which the grid turns least well.

    Args:
      in_type: what comes in.
      out_type: what goes out.
      spaces: ``spaces[i][o]`` maps block i of ``in_type`` to block o of ``out_type``.
      gain: 2 before a ReLU, 1 before nothing.

    Returns:
      One array ``[dimension]`` for each space, row by row.

    References:
      He et al., Delving deep into rectifiers, 2015. Weiler, Hamprecht & Storath, Learning steerable filters for
      rotation equivariant CNNs, CVPR 2018, section 3.

    >>> from geomdl.groups import C4
    >>> from geomdl.kernels import kernel_space
    >>> image, features = FieldType(C4, "1 trivial"), FieldType(C4, "8 regular")
    >>> space = kernel_space(image.blocks[0].representation, features.blocks[0].representation, 5)
    >>> initial_variances(image, features, [[space]])[0][:2]  # 2 over 25 pixels
    array([0.08, 0.08])
    """
    columns = [_column(in_type, column, gain) for column in zip(*spaces, strict=True)]
    return [variances for row in zip(*columns, strict=True) for variances in row]


def _column(in_type: FieldType, column: Sequence[KernelSpace], gain: float) -> list[np.ndarray]:
    """The variances of the weights of the spaces that map each block of ``in_type`` to one block."""
    pixels = [
        math.prod(s.shape) * i.multiplicity * i.representation.size * s.reached
        for i, s in zip(in_type.blocks, column, strict=True)
    ]
    fan_in = np.maximum(np.sum(pixels, 0), 1)
    types = {
        label: t for t, label in enumerate(dict.fromkeys(a for i in in_type.blocks for a in i.representation.labels))
    }
    moments = np.zeros((len(types), len(fan_in)))  # of the outputs, by input type and output irrep, for variances 1
    sources: list[np.ndarray] = []
    for reaching, space in zip(pixels, column, strict=True):
        numbers = np.array([types[a] for a in space.in_representation.labels])
        sources.append(numbers[space.source] if isinstance(space, SteerableKernelSpace) else np.zeros(0, int))
        if isinstance(space, SteerableKernelSpace):
            weights = np.bincount(space.target, minlength=len(fan_in))
            np.add.at(moments, (sources[-1], space.target), (reaching / np.maximum(weights, 1))[space.target])
    shares = moments.sum(0) / np.maximum((moments > 0).sum(0), 1) / fan_in  # what each type contributes
    return [
        gain * shares[space.target] / moments[source, space.target]
        if isinstance(space, SteerableKernelSpace)
        else gain / fan_in[space.target]
        for source, space in zip(sources, column, strict=True)
    ]


def require_kernels(in_type: FieldType, out_type: FieldType, spaces: Sequence[Sequence[KernelSpace]]) -> None:
    """Refuses a layer some of whose output fields no kernel maps to: they would always be zero.

    Args:
      in_type: of the layer.
      out_type: of the layer.
      spaces: the kernel space of each pair of an output and an input block.

    Raises:
      ValueError: names the pair, the frequency it needs and what the rings carry.

    >>> from geomdl.groups import SO2
    >>> from geomdl.kernels import kernel_space
    >>> image, features = FieldType(SO2, "1 trivial"), FieldType(SO2, "4 irrep(3)")
    >>> space = kernel_space(image.blocks[0].representation, features.blocks[0].representation, 3)
    >>> require_kernels(image, features, [[space]])
    Traceback (most recent call last):
    ...
    ValueError: no kernel maps FieldType(SO2, "1 trivial") to 4 irrep(3), which would always be zero: kernels from
    trivial to irrep(3) need frequency 3 or more, but the rings of a 3 × 3 window carry up to 2; allowed: a larger
    kernel_size, a higher frequencies_cutoff, or other fields
    """
    for o, column in zip(out_type.blocks, zip(*spaces, strict=True), strict=True):
        if all(s.dimension == 0 for s in column):
            reasons = "; ".join(s.why_empty() for s in column)
            raise ValueError(
                f"no kernel maps {in_type} to {o}, which would always be zero: {reasons}; allowed: a larger"
                " kernel_size, a higher frequencies_cutoff, or other fields"
            )
