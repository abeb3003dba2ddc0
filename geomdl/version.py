"""The version of geomdl, which every module may import."""

__version__ = "0.1.0"
