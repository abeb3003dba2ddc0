"""Networks that were exported, as predictors, and what is written beside them."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export

from geomdl.actions import output_law
from geomdl.data import Preprocessing
from geomdl.errors import invalid
from geomdl.groups import group
from geomdl.inference.predictor import Network, Predictor
from geomdl.inference.reading import Reading
from geomdl.models import Exported, export
from geomdl.models.tools.export import Form
from geomdl.tasks import Detection
from geomdl.training import Trained

ABOUT = "network.json"


def export_trained(trained: Trained, folder: Path | str, form: Form = "stablehlo") -> Exported:
    """Exports a trained model, with what is needed to give it images and to read its outputs in ``network.json``.

    Args:
      trained: of `geomdl.training.load_trained`.
      folder: gets the files, see `geomdl.models.export`.
      form: ``"stablehlo"`` or ``"onnx"``.

    Raises:
      ValueError: it is a detector.
    """
    if isinstance(trained.task, Detection):
        allowed = "other tasks: boxes are decoded outside the network; geomdl predict --workdir=RUN gives them"
        raise invalid("export of a network for", "detection", allowed)
    law = trained.task.law
    about = {
        "law": {"words": str(law), "group": None if law.field_type is None else str(law.field_type.group)},
        "outputs": Reading.of(trained.task, trained.classes).to_dict(),
        "preprocessing": trained.preprocessing.to_dict(),
        "trained": {"step": trained.step, "data": trained.provenance},
    }
    return export(trained.model, trained.plane_shape, folder, about=about, form=form)


def is_exported(folder: Path) -> bool:
    """Whether a folder is one of `geomdl export`."""
    return (folder / ABOUT).is_file()


def load_exported(folder: Path) -> Predictor:
    """The network of a folder of `geomdl export`.

    Raises:
      ValueError: a file is missing or damaged, or does not say how the outputs are read.
    """
    from safetensors.numpy import load_file

    try:
        about: Any = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        content = (folder / about["program"]).read_bytes()
        onnx = about["program"].endswith(".onnx")
        call = _onnx(content) if onnx else _stablehlo(content, load_file(folder / about["weights"]))
        reading = Reading.from_dict(about["outputs"])
        preprocessing = Preprocessing.from_dict(about["preprocessing"])
        height, width, channels = about["image_shape"]
        law: Any = output_law(about["law"]["words"], about["law"]["group"] and group(about["law"]["group"]))
    except KeyError as error:
        raise invalid(ABOUT, str(folder / ABOUT), f"what geomdl export wrote of a run; it lacks {error}") from error
    except Exception as error:  # of json, flatbuffers, struct, safetensors and the file system
        raise ValueError(f"cannot read the exported network in {folder}: {error}") from error
    sizes = about.get("image_sizes")
    multiple = sizes.get("multiples_of") if isinstance(sizes, dict) else None
    taken = f"sides that are multiples of {multiple}" if multiple else f"{height}×{width}, as the network was exported"

    def checked(images: jax.Array) -> jax.Array:
        size = images.shape[1:3]
        if size != (height, width) and (not multiple or any(pixels % multiple for pixels in size)):
            raise invalid("size of images", f"{size[0]}×{size[1]}", taken, f"{height}×{width}")
        return call(images)

    return Predictor(checked, reading, preprocessing, (height, width, channels), law=law)


def _stablehlo(content: bytes, stored: dict[str, np.ndarray]) -> Network:
    program = jax_export.deserialize(bytearray(content))
    weights, call = {name: jnp.asarray(array) for name, array in stored.items()}, jax.jit(program.call)
    return lambda images: call(weights, images)


def _onnx(content: bytes) -> Network:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: jnp.asarray(session.run(None, {name: np.asarray(images)})[0])
