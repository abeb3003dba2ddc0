"""Checkpoints: written, verified, restored, and how often."""
