"""Measures of symmetry of any model, as published."""
