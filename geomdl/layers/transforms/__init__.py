"""Transformations of a network that keep its outputs: freezing, and the choice of algorithms."""
