"""Findings of an audit beside its verdicts: layers that break a symmetry, and measures of the literature."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class LayerBreak:
    """The first layer that does not keep a symmetry exactly, and why, where that is known."""

    symmetry: str
    layer: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.symmetry}: first lost in {self.layer}" + (f" ({self.reason})" if self.reason else "")


@dataclasses.dataclass(frozen=True)
class LayerTable:
    """Errors of every layer under every element.

    Attributes:
      layers: paths of the layers, in the order of the calls.
      elements: the transformations in words.
      errors: ``[layers][elements]``; NaN where a layer has no comparable output.
      breaks: where the group and the circular shifts are first lost; nothing for what is kept throughout.
    """

    layers: tuple[str, ...]
    elements: tuple[str, ...]
    errors: tuple[tuple[float, ...], ...]
    breaks: tuple[LayerBreak, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measure:
    """One more number about the model: a name, its value, and what it says."""

    name: str
    value: float
    unit: str
    meaning: str
