"""A table of a network's layers: types, shapes, parameters, multiply-adds, promises."""

import dataclasses
import io
import math
from collections.abc import Iterator
from typing import Any

from flax import nnx
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.groups import along
from geomdl.layers import Conv, Dense, Layer, Sequential
from geomdl.layers.convolution.algorithms.registry import practical
from geomdl.models.core.config import count_parameters
from geomdl.models.core.exactness import exact_sizes_near


@dataclasses.dataclass(frozen=True)
class SummaryRow:
    """One layer of a network, for one image of a size.

    Multiply-adds are multiply-accumulate operations (MACs). Of convolutions also the method that computes images of
    this size, and the multiply-adds of every method that can and is of use here; see `geomdl.layers.Conv`.

    Attributes:
      path: of the layer in the model.
      layer: its class, and what it was made with.
      out_type: the fields that go out.
      output_shape: (height, width, channels); (channels,) without base space.
      parameters: with biases.
      multiply_adds: MACs.
      method: of a convolution.
      by_method: the multiply-adds of each method.
      window: (size, stride, padding) of a layer with a window, as they are printed; otherwise empty.
      weights: parameters without biases.
      is_dense: whether it is a dense layer: one without base space, or a convolution whose window is the whole map.
    """

    path: str
    layer: str
    out_type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    method: str = ""
    by_method: tuple[tuple[str, int], ...] = ()
    window: tuple[str, str, str] = ("", "", "")
    weights: int = 0
    is_dense: bool = False


@dataclasses.dataclass(frozen=True)
class Summary:
    """What `summarize` returns; ``str`` gives a printable table, as papers and lectures have it.

    Attributes:
      rows: one for each layer.
      contract: of the model.
      image_size: (height, width), or (depth, height, width), in pixels, for which sizes and multiply-adds are given.
    """

    rows: tuple[SummaryRow, ...]
    contract: Contract
    image_size: Size

    @property
    def parameters(self) -> int:
        """Trainable parameters in all."""
        return sum(row.parameters for row in self.rows)

    @property
    def weights(self) -> int:
        """Trainable parameters without biases."""
        return sum(row.weights for row in self.rows)

    @property
    def dense_parameters(self) -> int:
        """Trainable parameters of dense layers."""
        return sum(row.parameters for row in self.rows if row.is_dense)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds in all, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        table = Table(box=SIMPLE_HEAD, show_footer=True)
        table.add_column("layer", "total", overflow="fold")
        table.add_column("filters", overflow="fold")
        table.add_column("size")
        table.add_column("stride", justify="right")
        table.add_column("pad", justify="right")
        table.add_column("output volume")
        table.add_column("weights", f"{self.weights:,}", justify="right")
        table.add_column("with biases", f"{self.parameters:,}", justify="right")
        table.add_column("multiply-adds (MACs)", f"{self.multiply_adds:,}", justify="right")
        for row in self.rows:
            volume = " × ".join(map(str, row.output_shape))
            counts = (row.weights, row.parameters, row.multiply_adds)
            cells = [f"{row.path} {row.layer}", row.out_type, *row.window, volume]
            table.add_row(*cells, *(f"{n:,}" if n else "" for n in counts))
        size = " × ".join(map(str, self.image_size))
        points, shifts = self.contract.points.at(self.image_size), self.contract.shifts.at(self.image_size)
        promises = f"{self.contract.group}: {points}; circular shifts: {shifts}"
        return (
            f"{_printed(table)}{self._shares()}promised for {size} {self.contract.in_type.space.fields}: {promises}\n"
            f"{self.contract}{self._exact_sizes()}"
        )

    def methods(self) -> str:
        """A table of the multiply-adds of every convolution by each method; empty where there is only one method."""
        totals = self._totals()
        if len(totals) < 2:
            return ""
        table = Table(box=SIMPLE_HEAD, show_footer=True)
        table.add_column("layer", "total")
        table.add_column("method")
        for name, total in totals.items():
            table.add_column(f"MACs if {name}", f"{total:,}", justify="right")
        for row in (row for row in self.rows if row.by_method):
            counts = dict(row.by_method)
            table.add_row(
                f"{row.path} {row.layer}", row.method, *(f"{counts[m]:,}" if m in counts else "" for m in totals)
            )
        return _printed(table)

    def _shares(self) -> str:
        """How many of the parameters are in dense layers, and what the other methods would cost."""
        dense = self.dense_parameters
        words = f"in dense layers: {dense:,} parameters ({100 * dense / self.parameters:.1f} %)\n" if dense else ""
        totals = self._totals()
        if len(totals) > 1:
            words += f"multiply-adds by method: {', '.join(f'{name} {total:,}' for name, total in totals.items())}\n"
        return words

    def _totals(self) -> dict[str, int]:
        """The multiply-adds in all, if every convolution that can were computed by a method, for each of them."""
        names = dict.fromkeys(method for row in self.rows for method, _ in row.by_method)
        return {name: sum(dict(row.by_method).get(name, row.multiply_adds) for row in self.rows) for name in names}

    def _exact_sizes(self) -> str:
        """Where exactness depends on the size: the nearest sizes that have it."""
        if self.contract.points.level != "exact" or not self.contract.points.conditions or len(self.image_size) < 2:
            return ""
        sizes = ", ".join(" × ".join(map(str, size)) for size in exact_sizes_near(self.contract, self.image_size))
        return f"\nexact on the pixel grid at sizes such as: {sizes or 'none near this one'}"


def _printed(table: Table) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None, highlight=False)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def summarize(model: Layer, image_shape: tuple[int, ...]) -> Summary:
    """Lists the layers of a model for images of one shape.

    Args:
      model: a layer, or layers in sequence (nested ones are listed one by one, and so are those inside layers that
        hold others, see `geomdl.layers.Layer.children`, before the layer that is around them).
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes.

    Raises:
      ValueError: when the images do not fit the model.

    >>> from geomdl.models import GCNNConfig
    >>> model = GCNNConfig(group="C4", width=2, depth=2).build((8, 8, 1), 10, rngs=nnx.Rngs(0))
    >>> summary = summarize(model, (8, 8, 1))
    >>> summary.rows[0].layer, summary.rows[0].output_shape, summary.rows[0].parameters
    ('Conv', (8, 8, 8), 50)
    >>> summary.rows[0].window, summary.rows[0].weights
    (('5 × 5', '1', '2'), 50)
    """
    model.in_type.require_channels(image_shape[-1], "the image")
    size: Size = tuple(image_shape[:-1])
    axes = model.in_type.space.axes
    if axes and len(size) != len(axes):
        raise invalid("image_shape", tuple(image_shape), f"({', '.join((*axes, 'channels'))}), as {model.in_type} lies")
    return Summary(tuple(_rows(model, "", size)), model.contract, size)


def _rows(layer: Layer, path: str, size: Size) -> Iterator[SummaryRow]:
    """The row of a layer; of layers in sequence their rows, of layers around others first the rows of those."""
    parameters, multiply_adds = count_parameters(layer), layer.multiply_adds(size)
    biases = _biases(layer)
    for name, inner, inner_size in layer.children(size):
        for row in _rows(inner, f"{path}.{name}" if path else name, inner_size):
            parameters, multiply_adds = parameters - row.parameters, multiply_adds - row.multiply_adds
            yield row
    if isinstance(layer, Sequential):
        return
    shape = (*layer.contract.output_size(size), layer.out_type.size)
    fields = layer.out_type.fields + ("" if layer.out_type.group.order == 1 else f" of {layer.out_type.group}")
    window = _window(layer)
    row = SummaryRow(
        path or "0",
        _describe(layer),
        fields,
        shape,
        parameters,
        multiply_adds,
        window=window,
        weights=parameters - biases,
        is_dense=isinstance(layer, Dense) or (isinstance(layer, Conv) and _covers(layer, size)),
    )
    yield _with_methods(row, layer, size) if isinstance(layer, Conv) else row


def _biases(layer: Layer) -> int:
    """The numbers of a layer's own biases."""
    held: Any = getattr(layer, "bias", None)
    variables = [held] if isinstance(held, nnx.Param) else list(held) if isinstance(held, nnx.List) else []
    return sum(math.prod(variable.shape) for variable in variables)


def _window(layer: Layer) -> tuple[str, str, str]:
    """Size, stride and padding as they are printed; empty for a layer without window."""
    window = getattr(layer, "window", None)
    if window is None or not layer.in_type.space.dimension:
        return "", "", ""
    dimension = layer.in_type.space.dimension
    stride, padding = along(window.stride, dimension), along(window.pixels_of_padding, dimension)
    one = [str(n[0]) if len(set(n)) == 1 else " × ".join(map(str, n)) for n in (stride, padding)]
    dilation = "" if window.dilation == 1 else f" dilated by {window.dilation}"
    return " × ".join(map(str, along(window.size, dimension))) + dilation, one[0], one[1]


def _covers(layer: Conv, size: Size) -> bool:
    """Whether the window is the whole map."""
    return tuple(along(layer.window.size, len(size))) == tuple(size) and layer.window.pixels_of_padding == 0


def _with_methods(row: SummaryRow, layer: Conv, size: Size) -> SummaryRow:
    counts = ((a.name, a.multiply_adds(layer.convolution, size)) for a in practical(layer.convolution))
    return dataclasses.replace(row, method=layer.method_for(size), by_method=tuple(counts))


def _describe(layer: Layer) -> str:
    return type(layer).__name__ + "".join(
        f" {getattr(layer, a)}" for a in ("activation", "reduce", "halving", "rate", "survival") if hasattr(layer, a)
    )
