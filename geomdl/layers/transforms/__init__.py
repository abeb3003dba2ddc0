"""Transformations of a network: freezing and the choice of algorithms keep its outputs, LSUV scales its weights."""
