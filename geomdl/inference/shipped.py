"""The networks that geomdl brings along, trained and ready to use."""

from pathlib import Path
from typing import Any

from geomdl.inference.predictor import Predictor, load
from geomdl.paths import PRETRAINED, run_folder
from geomdl.training.workdir.json_file import read_json


def pretrained(name: str) -> Predictor:
    """A network that geomdl brings along: ``geomdl.pretrained("eurosat_resnet20_c4").predict(images)``.

    Wherever a work directory is read, ``"pretrained:NAME"`` stands for that of such a network: ``geomdl audit
    --workdir=pretrained:digits_gcnn_d4``. What it was trained on and how good it is says `model_card`.

    Args:
      name: one of `geomdl.inference.pretrained_names`.

    Returns:
      What `geomdl.load` gives: ``predict``, ``features``, and the network itself as ``model``.

    Raises:
      ValueError: there is none of this name.

    >>> pretrained("digits_gcnn_d4").image_shape
    (20, 20, 1)
    """
    return load(name if name.startswith(PRETRAINED) else f"{PRETRAINED}{name}")


def model_card(name: str) -> dict[str, Any]:
    """What is known of a network that geomdl brings along: data, licence, protocol, metrics, symmetry.

    Beside it, in ``card.md``, it stands as text.

    Args:
      name: see `pretrained`.

    Raises:
      ValueError: there is none of this name.

    >>> model_card("digits_gcnn_d4")["parameters"] < 10_000
    True
    """
    return read_json(card_folder(name) / "card.json")


def card_folder(name: str) -> Path:
    """The folder with the weights, the config and the card of a network.

    Args:
      name: see `pretrained`.
    """
    return run_folder(name if name.startswith(PRETRAINED) else f"{PRETRAINED}{name}")
