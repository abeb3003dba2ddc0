"""Runs a model on any number of images with one compiled batch size."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.adapters.functions import Model


class OutputError(ValueError):
    """The model runs, but what it returns cannot be audited."""


class Stream:
    """A model compiled once per image size, through which any number of images flows.

    Args:
      model: see `geomdl.equivariance.adapters.functions.as_function`. Its weights are arguments of the compiled
        function.
      batch: images per call; the last ones are filled up with copies.

    Attributes:
      calls: how many times the model was run.
      compilations: for how many shapes it was compiled.
      dtypes: the floating-point types of what went in and came out.

    >>> from geomdl.equivariance.adapters.functions import as_function
    >>> double = Stream(as_function(lambda x: 2 * x), batch=4)
    >>> double(np.ones((10, 2, 2, 1), np.float32)).shape, double.calls, double.compilations
    ((10, 2, 2, 1), 3, 1)
    """

    canonical: Callable[[np.ndarray, Sequence[int]], np.ndarray] = staticmethod(lambda y, size: y)
    """Brings the outputs for images of a size (height, width) into the layout in which they are compared."""

    def __init__(self, model: Model, *, batch: int) -> None:
        self.model = model
        self.batch = batch
        self.calls = 0
        self.compilations = 0
        self.dtypes: set[Any] = set()
        self._compiled = jax.jit(self._count) if model.differentiable else None

    def _count(self, model: Model, x: jax.Array) -> Any:
        self.compilations += 1  # runs when JAX traces, not when the compiled function is called
        return model(x)

    def each(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs for several arrays of as many images each, in as few batches as they make together."""
        count = len(parts[0])
        if count % self.batch == 0:  # they fill their batches: nothing has to be put together
            return [self(part) for part in parts]
        together = self.batch // count if self.batch % count == 0 else len(parts)  # memory is asked for once and again
        groups = [parts[i : i + together] for i in range(0, len(parts), together)]
        outputs = []
        with ThreadPoolExecutor(2) as pool:  # they only copy, and never while the model runs
            for i in range(0, len(groups), 2):
                outputs += map(self, list(pool.map(np.concatenate, groups[i : i + 2])))
        return np.split(_joined(outputs), len(parts))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The outputs for ``[n, height, width, channels]``.

        Raises:
          OutputError: when the output is not one array with an entry per image, or not finite.
        """
        outputs = []
        for start in range(0, len(images), self.batch):
            part = images[start : start + self.batch]
            missing = self.batch - len(part)
            filled = np.concatenate([part, np.broadcast_to(part[-1:], (missing, *part.shape[1:]))]) if missing else part
            with jax.default_matmul_precision("highest"):  # accelerators would round to ten bits otherwise
                result = self._compiled(self.model, jnp.asarray(filled)) if self._compiled else self.model(filled)
            self.calls += 1
            floating = (getattr(a, "dtype", None) for a in (images, result))
            self.dtypes |= {t for t in floating if t is not None and jnp.issubdtype(t, jnp.floating)}
            outputs.append(_checked(result, self.batch)[: len(part)])
        return self.canonical(_joined(outputs), images.shape[1:-1])


def _joined(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Outputs for several batches; sets of detections of several sizes are filled up with class −1, the last number."""
    if len({y.shape[1] for y in outputs if y.ndim == 3}) > 1 and len({y.shape[2:] for y in outputs}) == 1:
        most = max(y.shape[1] for y in outputs)
        filled = []
        for y in outputs:
            nobody = np.zeros((len(y), most - y.shape[1], y.shape[2]), y.dtype)
            nobody[..., -1] = -1
            filled.append(np.concatenate([y, nobody], 1))
        outputs = filled
    return np.concatenate(outputs)


def arranged(images: np.ndarray, model: Model) -> np.ndarray:
    """The same images, in memory as the model reads them, where it says how."""
    return images if model.takes is None else model.takes.arranged(images)


def _checked(result: Any, batch: int) -> np.ndarray:
    if isinstance(result, tuple | list | dict):
        kind = type(result).__name__
        how = "output='detections' is for sets of boxes, scores and classes; else wrap it in a function that picks one"
        raise OutputError(f"the model returns a {kind}; an audit needs one array: {how}")
    array = np.asarray(result)
    if array.dtype == object or array.ndim < 1:
        raise OutputError(f"the model returns {type(result).__name__}; an audit needs one array [batch, ...]")
    if array.dtype.kind in "cSUMm":
        raise OutputError(
            f"the model returns numbers of type {array.dtype}; an audit needs real ones: wrap it in a function that "
            "gives its real and imaginary parts, or its magnitude, one beside the other"
            if array.dtype.kind == "c"
            else f"the model returns values of type {array.dtype}; an audit needs real numbers"
        )
    if array.shape[0] != batch:
        raise OutputError(
            f"the model returns shape {array.shape} for {batch} images; the first dimension must be these"
        )
    if not array.size:
        raise OutputError(f"the model returns arrays of shape {array.shape}, without any number in them")
    if array.dtype.kind not in "fiub":
        array = array.astype(np.float32)  # bfloat16 and the like
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        bad = 1 - np.isfinite(array).mean()
        raise OutputError(f"the model returns NaN or infinity ({bad:.0%} of its output); nothing can be measured")
    return array
