"""Layers that keep the numbers and change their type: order, basis, group, support."""
