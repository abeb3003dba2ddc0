"""The config of a run: validated dataclasses, optimisers, learning-rate schedules."""
