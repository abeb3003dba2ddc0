"""Data in space: volumes and point clouds."""
