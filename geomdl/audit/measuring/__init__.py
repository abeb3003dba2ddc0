"""Measuring a model on transformed images, and drawing verdicts from the measurements."""
