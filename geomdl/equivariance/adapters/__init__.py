"""Anybody's model as a function of its weights and an array, and the outputs of its layers."""
