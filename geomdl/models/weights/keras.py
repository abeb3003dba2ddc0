"""What networks of Keras have that ours lack, moved into what ours have, so that evaluation is the same."""

import dataclasses
import itertools

import numpy as np

from geomdl.layers import BatchNorm, Conv
from geomdl.models.weights.files import Stored
from geomdl.models.weights.layout import Entry


def folded(found: Stored, entries: list[Entry], epsilon: float | None) -> Stored:
    """The arrays of a file of Keras without biases in front of batch norm, and with the ε of batch norm here.

    γ (x + b − μ) / √(σ² + ε) + β is the same with μ − b in place of μ, and with σ² + ε − ε′ for another ε′.

    Args:
      found: the arrays of the file.
      entries: those that the network has.
      epsilon: of batch norm there; None: as here.
    """
    names = {entry.name for entry in entries}
    behind: dict[str, str] = {}
    for entry, after in itertools.pairwise(entries):
        bias = entry.name.removesuffix(".0") + ".1"
        normalised = isinstance(entry.layer, Conv) and isinstance(after.layer, BatchNorm)
        if normalised and bias in found.shapes and bias not in names:
            behind[after.name.removesuffix(".0") + ".2"] = bias
    variances = {e.name: e.layer for e in entries if isinstance(e.layer, BatchNorm) and e.name.endswith(".3")}

    def read(name: str) -> np.ndarray:
        array = found.read(name)
        if name in behind:
            return array - found.read(behind[name])
        layer = variances.get(name)
        if isinstance(layer, BatchNorm) and epsilon is not None:
            return (array.astype(np.float64) + (epsilon - layer.epsilon)).astype(array.dtype)
        return array

    notes = list(found.notes)
    if behind:
        notes.append(f"{len(behind)} biases of convolutions were taken off the running means behind them")
    shapes = {name: shape for name, shape in found.shapes.items() if name not in behind.values()}
    return dataclasses.replace(found, shapes=shapes, read=read, notes=tuple(notes))
