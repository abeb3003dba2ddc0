"""Normalisation over the batch, over each image or over each pixel, and dropout."""
