"""A table of the parameters of any module: of networks that are no layers of geomdl, and promise nothing."""

import dataclasses
import io
import math

import jax
import jax.numpy as jnp
from flax import nnx
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from geomdl.errors import invalid


@dataclasses.dataclass(frozen=True)
class ParameterTable:
    """What `parameter_table` returns; ``str`` gives a printable table.

    Attributes:
      shapes: of every parameter, by its path in the model.
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes, or (points,
        channels) of clouds.
      output_shape: for one image.
      promises: what the module says that it keeps (its attribute ``promises``), in words; empty for nothing.
    """

    shapes: dict[str, tuple[int, ...]]
    image_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    promises: str = ""

    @property
    def parameters(self) -> int:
        """Trainable parameters in all."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def __str__(self) -> str:
        table = Table(box=SIMPLE_HEAD, show_footer=True)
        table.add_column("path", "total")
        table.add_column("shape")
        table.add_column("parameters", f"{self.parameters:,}", justify="right")
        for path, shape in self.shapes.items():
            table.add_row(path, " × ".join(map(str, shape)), f"{math.prod(shape):,}")
        console = Console(file=io.StringIO(), width=120, color_system=None, highlight=False)
        console.print(table)
        image, output = (" × ".join(map(str, shape)) for shape in (self.image_shape, self.output_shape))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        what = "clouds" if len(self.image_shape) == 2 else "images" if len(self.image_shape) == 3 else "volumes"
        if self.promises:
            return f"{text}{image} {what} to {output} outputs\npromised, to rounding: {self.promises}"
        return f"{text}{image} {what} to {output} outputs; no contract: geomdl audit measures what the network does"


def parameter_table(model: nnx.Module, image_shape: tuple[int, ...]) -> ParameterTable:
    """Lists the parameters of a module for images of one shape; nothing is computed.

    Args:
      model: called as ``model(images)``.
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes.

    Raises:
      ValueError: the module does not take such images.

    >>> table = parameter_table(nnx.Conv(1, 2, (3, 3), rngs=nnx.Rngs(0)), (8, 8, 1))
    >>> table.shapes, table.parameters, table.output_shape
    ({'bias': (2,), 'kernel': (3, 3, 1, 2)}, 20, (8, 8, 2))
    """
    images = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
    structure, state = nnx.split(model)
    try:
        outputs = jax.eval_shape(lambda state, images: nnx.merge(structure, state)(images), state, images)
    except (TypeError, ValueError) as error:
        message = " ".join(str(error).split())[:300]
        raise invalid("image_shape", image_shape, f"images that {type(model).__name__} takes ({message})") from error
    leaves = jax.tree_util.tree_flatten_with_path(nnx.to_pure_dict(nnx.state(model, nnx.Param)))[0]
    shapes = {".".join(str(key.key) for key in path): tuple(leaf.shape) for path, leaf in leaves}
    promises = getattr(getattr(model, "module", model), "promises", "")
    return ParameterTable(shapes, image_shape, tuple(outputs.shape[1:]), promises)
