"""Weights of other libraries: their files, their names, and where these stand in networks of geomdl."""
