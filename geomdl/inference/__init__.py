"""Trained networks at work: images as they come, and what the network says about them.

``geomdl.load(path)`` (`load`) reads a work directory or an exported network; ``.predict(images)`` applies the
preprocessing of the run and gives `Predictions`: classes with probabilities, label maps, or values.
"""

from geomdl.inference.predictions import Predictions
from geomdl.inference.predictor import Predictor, load
from geomdl.inference.reading import Reading

__all__ = ["Predictions", "Predictor", "Reading", "load"]

__experimental__ = ["Reading"]
