"""Layers that change the field type: order of channels, basis, group, mask."""
