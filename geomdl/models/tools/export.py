"""Networks as files that run without this library: a StableHLO program and the dense weights."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import export as jax_export
from jax.typing import DTypeLike

from geomdl.errors import invalid, unknown
from geomdl.layers import Layer
from geomdl.layers.transforms.freeze import freeze
from geomdl.layers.transforms.frozen import path_name
from geomdl.layers.transforms.with_method import with_method
from geomdl.models.tools.onnx import as_onnx
from geomdl.paths import local_path
from geomdl.version import __version__

Form = Literal["stablehlo", "onnx"]
PLATFORMS = ("cpu", "cuda", "tpu")


@dataclasses.dataclass(frozen=True)
class Exported:
    """The files of an exported network.

    Attributes:
      program: a serialized `jax.export` artefact, a function (weights, images) ↦ outputs; or an ONNX file, which holds
        its weights itself.
      weights: the dense arrays by name, as safetensors.
      about: what the network is, as JSON: sizes and dtype of its images, contract, and what `export` was told.
    """

    program: Path
    weights: Path
    about: Path


def export(
    model: nnx.Module,
    image_shape: tuple[int, ...],
    folder: Path | str,
    *,
    dtype: DTypeLike = jnp.float32,
    platforms: Sequence[str] = PLATFORMS,
    about: Mapping[str, Any] = MappingProxyType({}),
    form: Form = "stablehlo",
) -> Exported:
    """Freezes a network and writes it to files that need jax, flatbuffers and safetensors, but not geomdl.

      from jax import export
      from safetensors.numpy import load_file

      program = export.deserialize(open("network.stablehlo", "rb").read())
      outputs = program.call(load_file("weights.safetensors"), images)

    Images are ``[batch, height, width, channels]`` with any batch size, and with any height and width, or multiples of
    a number, where the network can be traced so: ``image_sizes`` of ``network.json`` says which. Other frameworks can
    read the weights: kernels are [height, width, in, out]. Convolutions are dense whatever their method, save those of
    a network that was frozen factored. A module that is no layer of geomdl is written as it is.

    Args:
      model: a layer or network, see `geomdl.layers.freeze`; or any NNX module that can be called with images.
      image_shape: (height, width, channels) of the images that it was made for.
      folder: gets ``network.stablehlo``, ``weights.safetensors`` and ``network.json``; made if it is not there.
      dtype: of the images.
      platforms: for which the program is lowered.
      about: further entries of ``network.json``: names of classes, preprocessing.
      form: ``"stablehlo"``; or ``"onnx"``: ``network.onnx`` in its place, for images of ``image_shape`` in float32,
        where jax2onnx can convert the network; see `geomdl.models.tools.onnx.as_onnx`.

    Returns:
      The three files.

    Raises:
      ValueError: when the images do not fit the network, or it is no module.
    """
    from safetensors.numpy import save

    if form not in get_args(Form):
        raise unknown("format", form, get_args(Form))
    layer = freeze(with_method(model, "dense")) if isinstance(model, Layer) else None
    network = model if layer is None else layer.network
    if layer is not None:
        layer.in_type.require_channels(image_shape[2], "the image")
    elif not isinstance(model, nnx.Module) or not callable(model):
        raise invalid("model", type(model).__name__, "a flax.nnx.Module that can be called with images")
    graph, state = nnx.split(network)
    with_paths, tree = jax.tree_util.tree_flatten_with_path(state)
    names = [path_name(path) for path, _ in with_paths]
    weights = dict(zip(names, (leaf for _, leaf in with_paths), strict=True))

    def apply(weights: dict[str, jax.Array], images: jax.Array) -> jax.Array:
        return nnx.merge(graph, jax.tree.unflatten(tree, [weights[name] for name in names]))(images)

    multiple = None
    if form == "stablehlo":
        program, multiple = _program(apply, weights, image_shape, dtype, platforms)
        content, of_form = bytes(program.serialize()), {"platforms": list(program.platforms)}
    else:
        content, difference = as_onnx(lambda images: apply(weights, images), image_shape)
        of_form = {"relative_difference": difference}
    folder = local_path(folder, "folder of the export")
    folder.mkdir(parents=True, exist_ok=True)
    files = Exported(folder / f"network.{form}", folder / "weights.safetensors", folder / "network.json")
    files.program.write_bytes(content)
    described = {
        "geomdl": __version__,
        "program": files.program.name,
        "weights": files.weights.name,
        "image_shape": list(image_shape),
        "image_sizes": "image_shape only" if multiple is None else {"multiples_of": multiple},
        "dtype": str(jnp.dtype(dtype)),
        **of_form,
        "in_type": None if layer is None else str(layer.in_type),
        "out_type": None if layer is None else str(layer.out_type),
        "contract": None if layer is None else str(layer.contract),
        **about,
    }
    files.about.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    # Not `save_file`, whose files nobody but their owner may read, whatever the umask says.
    stored = {name: np.ascontiguousarray(jax.device_get(weight)) for name, weight in weights.items()}
    metadata = {name: value if isinstance(value, str) else json.dumps(value) for name, value in described.items()}
    files.weights.write_bytes(save(stored, metadata=metadata))
    return files


def _program(
    apply: Callable[..., jax.Array],
    weights: dict[str, jax.Array],
    image_shape: tuple[int, ...],
    dtype: DTypeLike,
    platforms: Sequence[str],
) -> tuple[jax_export.Exported, int | None]:
    """The program, and of what number the sides of its images are multiples; None where they are those given."""
    shapes = {name: jax.ShapeDtypeStruct(w.shape, w.dtype) for name, w in weights.items()}

    def one_by_one(weights: dict[str, jax.Array], images: jax.Array) -> jax.Array:
        return jax.vmap(lambda image: apply(weights, image[None])[0])(images)

    def traced(height: str | int, width: str | int, call: Callable[..., jax.Array] = apply) -> jax_export.Exported:
        symbols = jax_export.symbolic_shape(f"batch, {height}, {width}, {image_shape[2]}")
        return jax_export.export(jax.jit(call), platforms=list(platforms))(shapes, jax.ShapeDtypeStruct(symbols, dtype))

    for multiple in (1, 2, 4, 8, 16, 32):
        if any(pixels % multiple for pixels in image_shape[:2]):
            break
        try:
            return traced(f"{multiple}*height", f"{multiple}*width"), multiple
        except Exception:  # whatever a network that asks for a size, or for whole numbers, raises of symbols
            continue
    try:
        return traced(image_shape[0], image_shape[1]), None
    except TypeError:  # it asks for the batch size as a number, as len(x) does
        return traced(image_shape[0], image_shape[1], one_by_one), None
