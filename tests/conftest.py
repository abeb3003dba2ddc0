"""Every test sees four CPU devices and strict dtype promotion."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import hypothesis
import jax
import matplotlib as mpl

jax.config.update("jax_numpy_dtype_promotion", "strict")
mpl.use("Agg")

# Properties are checked on the same examples in every run; an example that compiles may take seconds.
hypothesis.settings.register_profile("geomdl", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("geomdl")
