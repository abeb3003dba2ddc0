"""Networks as files that run without this library: a StableHLO program and the dense weights."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import nnx
from jax import export as jax_export
from jax.typing import DTypeLike

from geomdl.errors import invalid
from geomdl.layers import Layer
from geomdl.layers.transforms.freeze import freeze
from geomdl.layers.transforms.frozen import path_name
from geomdl.layers.transforms.with_method import with_method
from geomdl.paths import local_path

PLATFORMS = ("cpu", "cuda", "tpu")


@dataclasses.dataclass(frozen=True)
class Exported:
    """The files of an exported network.

    Attributes:
      program: a serialized `jax.export` artefact, a function (weights, images) ↦ outputs.
      weights: the dense arrays by name, as safetensors.
    """

    program: Path
    weights: Path


def export(
    model: Layer,
    image_shape: tuple[int, int, int],
    folder: Path | str,
    *,
    dtype: DTypeLike = jnp.float32,
    platforms: Sequence[str] = PLATFORMS,
) -> Exported:
    """Freezes a network and writes it to two files that need jax, flatbuffers and safetensors, but not geomdl.

      from jax import export
      from safetensors.numpy import load_file

      program = export.deserialize(open("network.stablehlo", "rb").read())
      outputs = program.call(load_file("weights.safetensors"), images)

    Images are ``[batch, height, width, channels]`` with any batch size. Other frameworks can read the weights: kernels
    are [height, width, in, out]. Convolutions are dense
    whatever their method, save those of a network that was frozen factored.

    Args:
      model: a layer or network; see `geomdl.layers.transforms.freeze.freeze`.
      image_shape: (height, width, channels), fixed.
      folder: gets ``network.stablehlo`` and ``weights.safetensors``; made if it is not there.
      dtype: of the images.
      platforms: for which the program is lowered.

    Returns:
      The two files.

    Raises:
      ValueError: when the images do not fit the network, or it is no layer.
    """
    from safetensors.numpy import save

    if not isinstance(model, Layer):
        raise invalid("model", type(model).__name__, "a geomdl.layers.Layer, which can be frozen to a dense network")
    frozen = freeze(with_method(model, "dense"))
    frozen.in_type.require_channels(image_shape[2], "the image")
    graph, state = nnx.split(frozen.network)
    with_paths, tree = jax.tree_util.tree_flatten_with_path(state)
    names = [path_name(path) for path, _ in with_paths]

    def apply(weights: dict[str, jax.Array], images: jax.Array) -> jax.Array:
        return nnx.merge(graph, jax.tree.unflatten(tree, [weights[name] for name in names]))(images)

    (batch,) = jax_export.symbolic_shape("batch")
    images = jax.ShapeDtypeStruct((batch, *image_shape), dtype)
    weights = frozen.weights
    shapes = {name: jax.ShapeDtypeStruct(w.shape, w.dtype) for name, w in weights.items()}
    program = jax_export.export(jax.jit(apply), platforms=list(platforms))(shapes, images)
    folder = local_path(folder, "folder of the export")
    folder.mkdir(parents=True, exist_ok=True)
    files = Exported(folder / "network.stablehlo", folder / "weights.safetensors")
    files.program.write_bytes(bytes(program.serialize()))
    about = {
        "image_shape": json.dumps(image_shape),
        "dtype": str(jnp.dtype(dtype)),
        "in_type": str(frozen.in_type),
        "out_type": str(frozen.out_type),
        "promise": str(frozen.contract),
    }
    # Not `save_file`, whose files nobody but their owner may read, whatever the umask says.
    files.weights.write_bytes(save({name: jax.device_get(w) for name, w in weights.items()}, metadata=about))
    return files
