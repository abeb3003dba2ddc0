"""Augmentation inside the step, and transformed test sets."""
