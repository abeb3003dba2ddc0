"""A table of a network's layers: types, shapes, parameters, multiply-adds, promises."""

import dataclasses
import io
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers import Conv, Layer, Sequential
from geomdl.layers.convolution.algorithms.registry import practical
from geomdl.models.core.config import count_parameters
from geomdl.models.core.exactness import exact_sizes_near


@dataclasses.dataclass(frozen=True)
class SummaryRow:
    """One layer: its path in the model, class, output type and shape, parameters, and multiply-adds for one image.

    Multiply-adds are multiply-accumulate operations (MACs). Of convolutions also the method that computes images of
    this size, and the multiply-adds of every method that can and is of use here; see `geomdl.layers.Conv`.
    """

    path: str
    layer: str
    out_type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    method: str = ""
    by_method: tuple[tuple[str, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class Summary:
    """What `summarize` returns; ``str`` gives a printable table.

    Attributes:
      rows: one for each layer.
      contract: of the model.
      image_size: height and width in pixels, for which sizes and multiply-adds are given.
    """

    rows: tuple[SummaryRow, ...]
    contract: Contract
    image_size: Size

    @property
    def parameters(self) -> int:
        """Trainable parameters in all."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds in all, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        table = Table(box=SIMPLE_HEAD, show_footer=True)
        table.add_column("path", "total")
        table.add_column("layer")
        table.add_column("output type")
        table.add_column("output shape")
        table.add_column("parameters", f"{self.parameters:,}", justify="right")
        table.add_column("multiply-adds (MACs)", f"{self.multiply_adds:,}", justify="right")
        methods = list(dict.fromkeys(method for row in self.rows for method, _ in row.by_method))
        several = len(methods) > 1
        for title in ("method", *(f"if {method}" for method in methods)) if several else ():
            table.add_column(title, justify="left" if title == "method" else "right")
        for row in self.rows:
            shape = " × ".join(map(str, row.output_shape))
            cells = [row.path, row.layer, row.out_type, shape, f"{row.parameters:,}", f"{row.multiply_adds:,}"]
            counts = dict(row.by_method)
            by_method = [row.method, *(f"{counts[m]:,}" if m in counts else "" for m in methods)]
            table.add_row(*cells, *(by_method if several else ()))
        console = Console(file=io.StringIO(), width=120, color_system=None, highlight=False)
        console.print(table)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        size = " × ".join(map(str, self.image_size))
        points, shifts = self.contract.points.at(self.image_size), self.contract.shifts.at(self.image_size)
        promises = f"{self.contract.group}: {points}; circular shifts: {shifts}"
        return f"{text}promised for {size} images: {promises}\n{self.contract}{self._exact_sizes()}"

    def _exact_sizes(self) -> str:
        """Where exactness depends on the size: the nearest sizes that have it."""
        if self.contract.points.level != "exact" or not self.contract.points.conditions or len(self.image_size) != 2:
            return ""
        sizes = ", ".join(f"{h} × {w}" for h, w in exact_sizes_near(self.contract, self.image_size))
        return f"\nexact on the pixel grid at sizes such as: {sizes or 'none near this one'}"


def summarize(model: Layer, image_shape: tuple[int, int, int]) -> Summary:
    """Lists the layers of a model for images of one shape.

    Args:
      model: a layer, or layers in sequence (nested ones are listed one by one, and so are those inside layers that
        hold others, see `geomdl.layers.Layer.children`, before the layer that is around them).
      image_shape: (height, width, channels).

    Raises:
      ValueError: when the images do not fit the model.

    >>> from flax import nnx
    >>> from geomdl.models import GCNNConfig
    >>> model = GCNNConfig(group="C4", width=2, depth=2).build((8, 8, 1), 10, rngs=nnx.Rngs(0))
    >>> summary = summarize(model, (8, 8, 1))
    >>> summary.rows[0].layer, summary.rows[0].output_shape, summary.rows[0].parameters
    ('Conv 5x5', (8, 8, 8), 50)
    """
    model.in_type.require_channels(image_shape[2], "the image")
    size: Size = tuple(image_shape[:2])
    return Summary(tuple(_rows(model, "", size)), model.contract, tuple(image_shape[:2]))


def _rows(layer: Layer, path: str, size: Size) -> Iterator[SummaryRow]:
    """The row of a layer; of layers in sequence their rows, of layers around others first the rows of those."""
    parameters, multiply_adds = count_parameters(layer), layer.multiply_adds(size)
    for name, inner, inner_size in layer.children(size):
        for row in _rows(inner, f"{path}.{name}" if path else name, inner_size):
            parameters, multiply_adds = parameters - row.parameters, multiply_adds - row.multiply_adds
            yield row
    if isinstance(layer, Sequential):
        return
    shape = (*layer.contract.output_size(size), layer.out_type.size)
    fields = layer.out_type.fields + f" of {layer.out_type.group}"
    row = SummaryRow(path or "0", _describe(layer), fields, shape, parameters, multiply_adds)
    yield _with_methods(row, layer, size) if isinstance(layer, Conv) else row


def _with_methods(row: SummaryRow, layer: Conv, size: Size) -> SummaryRow:
    counts = ((a.name, a.multiply_adds(layer.convolution, size)) for a in practical(layer.convolution))
    return dataclasses.replace(row, method=layer.method_for(size), by_method=tuple(counts))


def _describe(layer: Layer) -> str:
    name = type(layer).__name__
    window = getattr(layer, "window", None)
    if window is not None:
        name += f" {window.label(layer.in_type.space.dimension)}"
    return name + "".join(
        f" {getattr(layer, a)}" for a in ("activation", "reduce", "halving", "rate") if hasattr(layer, a)
    )
