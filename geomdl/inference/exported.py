"""Networks that were exported, as predictors, and what is written beside them."""

import json
from pathlib import Path
from typing import Any

import jax
from jax import export as jax_export

from geomdl.data import Preprocessing
from geomdl.errors import invalid
from geomdl.inference.predictor import Predictor
from geomdl.inference.reading import Reading
from geomdl.models import Exported, export
from geomdl.training import Trained

ABOUT = "network.json"


def export_trained(trained: Trained, folder: Path | str) -> Exported:
    """Exports a trained model, with what is needed to give it images and to read its outputs in ``network.json``.

    Args:
      trained: of `geomdl.training.load_trained`.
      folder: gets the files, see `geomdl.models.export`.
    """
    about = {
        "outputs": Reading.of(trained.task, trained.classes).to_dict(),
        "preprocessing": trained.preprocessing.to_dict(),
        "trained": {"step": trained.step, "data": trained.provenance},
    }
    return export(trained.model, trained.image_shape, folder, about=about)


def is_exported(folder: Path) -> bool:
    """Whether a folder is one of `geomdl export`."""
    return (folder / ABOUT).is_file()


def load_exported(folder: Path) -> Predictor:
    """The network of a folder of `geomdl export`.

    Raises:
      ValueError: a file is missing or damaged, or does not say how the outputs are read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        about: Any = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        program = jax_export.deserialize(bytearray((folder / about["program"]).read_bytes()))
        weights = {name: jax.numpy.asarray(array) for name, array in load_file(folder / about["weights"]).items()}
        reading = Reading.from_dict(about["outputs"])
        preprocessing = Preprocessing.from_dict(about["preprocessing"])
        height, width, channels = about["image_shape"]
    except KeyError as error:
        raise invalid(ABOUT, str(folder / ABOUT), f"what geomdl export wrote of a run; it lacks {error}") from error
    except (SafetensorError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"cannot read the exported network in {folder}: {error}") from error
    call = jax.jit(program.call)
    return Predictor(lambda images: call(weights, images), reading, preprocessing, (height, width, channels))
