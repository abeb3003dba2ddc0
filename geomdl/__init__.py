"""geomdl: equivariant and invariant networks in JAX/Flax, and the means to measure their symmetry."""

__version__ = "0.1.0"
