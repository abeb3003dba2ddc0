"""Trained networks at work: images as they come, and what the network says about them.

``geomdl.load(path)`` (`load`) reads a work directory or an exported network; ``.predict(images)`` applies the
preprocessing of the run and gives `Predictions`: classes with probabilities, label maps, or values; ``.features`` what
a layer inside the network gives. `pretrained` names networks that need not be trained first.
"""

from geomdl.inference.features import Features
from geomdl.inference.predictions import Predictions
from geomdl.inference.predictor import Predictor, load
from geomdl.inference.reading import Reading
from geomdl.inference.shipped import model_card, pretrained
from geomdl.paths import pretrained_names

__all__ = [
    "Features", "Predictions", "Predictor", "Reading", "load", "model_card", "pretrained", "pretrained_names",
]  # fmt: skip

__experimental__ = ["Features", "Reading", "model_card", "pretrained", "pretrained_names"]
