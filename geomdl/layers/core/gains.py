"""Gains: by how much a linear layer enlarges the mean square, so that the nonlinearity behind it brings it back."""

import math
from collections.abc import Sequence

import numpy as np

from geomdl.errors import invalid
from geomdl.kernels.initialization import default_gain
from geomdl.representations import FieldType

Gain = float | Sequence[float] | None
"""One number, one for each block of the output type, or None for `default_gain`."""


def gains(gain: Gain, out_type: FieldType, unless_given: float | None = None) -> tuple[float, ...]:
    """One gain for each block of ``out_type``.

    Args:
      gain: as a layer is given it.
      out_type: of the layer.
      unless_given: what None stands for, if not for `default_gain`.

    Raises:
      ValueError: for gains that are not positive, or not as many as there are blocks.
    """
    count = len(out_type.blocks)
    if gain is None:
        gain = default_gain(out_type) if unless_given is None else unless_given
    found = list(gain) if isinstance(gain, Sequence) else np.asarray(gain).tolist()
    found = found if isinstance(found, list) else [found] * count
    numbers = all(isinstance(g, int | float | np.number) and 0 < g < math.inf for g in found)
    if len(found) != count or not numbers:
        allowed = f"a positive number, one for each of the {count} blocks of {out_type}, or None for the usual one"
        raise invalid("gain", gain, allowed, "gain=gain_of(nonlinearity)")
    return tuple(float(g) for g in found)
