"""Layers made of layers: in turn, side by side, around a shortcut, rematerialised."""
