"""Networks as ONNX files, by way of jax2onnx, which is asked for when it is needed."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid

INSTALL = "pip install --no-deps jax2onnx onnx-ir && pip install onnx onnxruntime"
"""jax2onnx asks for older releases of packages that it does not use here; without them it works."""

_AGREES = 1e-4
"""The largest relative difference between the outputs of the file and of the network, in float32."""


def as_onnx(network: Callable[[jax.Array], jax.Array], image_shape: tuple[int, ...]) -> tuple[bytes, float]:
    """A network as the content of an ONNX file, which is run with ONNX Runtime and compared.

    Not every operation of JAX can be converted: networks with max pooling, and those that pad or turn arrays in some
    ways, cannot by jax2onnx 0.17. What cannot, or computes something else, is refused.

    Args:
      network: a function of images ``[batch, height, width, channels]``, float32, with constants for weights.
      image_shape: (height, width, channels), fixed; the batch size is free.

    Returns:
      The content, and the largest relative difference between outputs, over batches of 1 and 3 random images.

    Raises:
      ValueError: the converter is not installed, it cannot convert the network, or the file computes something else.
    """
    try:
        import jax2onnx  # pyrefly: ignore[missing-import]
        import onnxruntime
    except ImportError as error:
        raise invalid("--format", "onnx", f"a format whose converter is installed: {INSTALL}", "stablehlo") from error
    try:
        model: Any = jax2onnx.to_onnx(network, inputs=[("batch", *image_shape)], model_name="geomdl")
        content = model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        difference = max(_difference(network, session, image_shape, batch) for batch in (1, 3))
    except Exception as error:  # of the converter, of the runtime that reads the file, and of the one that runs it
        said = " ".join(str(error).split())[:200]
        raise ValueError(
            f"cannot write this network as ONNX: jax2onnx, or ONNX Runtime on what it wrote, says: {said}; allowed: "
            "networks whose operations it converts, or --format=stablehlo"
        ) from error
    if difference > _AGREES:
        raise ValueError(
            "cannot write this network as ONNX: the file computes something else (relative difference "
            f"{difference:.1e}); use --format=stablehlo"
        )
    return content, difference


def _difference(network: Callable[[jax.Array], jax.Array], session: Any, shape: tuple[int, ...], batch: int) -> float:
    images = np.random.default_rng(batch).normal(size=(batch, *shape)).astype(np.float32)
    expected = np.asarray(jax.jit(network)(jnp.asarray(images)))
    found = session.run(None, {session.get_inputs()[0].name: images})[0]
    if found.shape != expected.shape:
        return np.inf
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))
