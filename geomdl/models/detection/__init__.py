"""Detectors: networks whose outputs are boxes, which move with the image."""
