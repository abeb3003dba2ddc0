"""The ``geomdl`` command."""
