"""Arrays as users give them, and what they are for a network: numbers with a floating point.

Every function that takes images, fields or outputs passes them through `as_floating` (or `as_array`, where numbers are
only moved about). It looks at types and shapes alone, so that it costs nothing inside compiled functions.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid

__all__ = ["FLOATING", "as_array", "as_floating", "wide_dtype", "widened"]

FLOATING = frozenset(map(jnp.dtype, (jnp.float32, jnp.bfloat16, jnp.float16, jnp.float64)))
"""The dtypes in which networks compute."""

Integers = Literal["refused", "converted"]


def as_array(x: Any, what: str = "array") -> jax.Array | np.ndarray:
    """An array of numbers of any kind: bool, whole, floating or complex.

    Args:
      x: an array of JAX (also traced) or NumPy, which is returned as it is; or a tensor of PyTorch, on any device and
        of any dtype, bfloat16 included; an `e3nn_jax.IrrepsArray`, of which its array; nested lists; or what else NumPy
        takes for an array. These become NumPy arrays.
      what: it stands for, in messages: ``"images"``.

    Raises:
      ValueError: for what is no array of numbers: None, text, objects, rows of different lengths, masked arrays.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_array([[1, 2], [3]], "images")
    Traceback (most recent call last):
    ValueError: invalid images [[1, 2], [3]]; allowed: an array of numbers, whose rows are of one length
    """
    if not isinstance(x, jax.Array | np.ndarray):
        x = _converted(x, what)
    if isinstance(x, np.ma.MaskedArray):
        raise invalid(what, type(x).__name__, "an array without mask: x.filled(value) says what stands there")
    if not (jnp.issubdtype(x.dtype, jnp.number) or x.dtype == bool):
        raise invalid(f"dtype of {what}", str(x.dtype), "numbers")
    return x


def as_floating(x: Any, what: str = "array", *, integers: Integers = "refused") -> jax.Array | np.ndarray:
    """An array of floating-point numbers, of the precision that was given.

    float16, bfloat16, float32 and float64 stay what they are. What is true or false becomes 1 or 0. Whole numbers are
    refused: the weights of a network, cast to a dtype of whole numbers, would nearly all be 0, and whether an image is
    meant from 0 to 255 or from 0 to 1 only the user knows. They are converted where nothing but the numbers counts.

    Args:
      x: see `as_array`.
      what: it stands for, in messages.
      integers: ``"converted"`` for the same numbers with a floating point.

    Returns:
      An array of NumPy if one was given, or something else than an array; else of JAX. `jnp.asarray` makes it one of
      JAX.

    Raises:
      ValueError: for whole and complex numbers, fewer than 16 bits, and what is no array of numbers.

    >>> as_floating([0.5, 1.0]), as_floating(np.array([True, False]))
    (array([0.5, 1. ]), array([1., 0.], dtype=float32))
    >>> as_floating(np.zeros((1, 8, 8, 1), np.uint8), "images")
    Traceback (most recent call last):
    ValueError: invalid dtype of images 'uint8'; allowed: float32, bfloat16, float16 or float64; divide images by the
    largest value, as in x.astype('float32') / 255 or geomdl.data.unit_interval(x)
    """
    if not (isinstance(x, jax.Array) and x.dtype in FLOATING):  # what comes nearly always is returned at once
        x = as_array(x, what)
        if x.dtype == bool or (integers == "converted" and jnp.issubdtype(x.dtype, jnp.integer)):
            return x.astype(jnp.result_type(float))
        if not jnp.issubdtype(x.dtype, jnp.floating) or jnp.finfo(x.dtype).bits < 16:
            raise invalid(
                f"dtype of {what}", str(x.dtype), f"float32, bfloat16, float16 or float64; {_advice(x.dtype)}"
            )
    return x


def wide_dtype(dtype: Any) -> np.dtype:
    """The dtype in which coordinates, inverses and sums are computed for an array: float32 at least.

    Args:
      dtype: of the array; for whole numbers and bool it is JAX's default precision. float64 is one that JAX
        computes in where it is enabled.

    >>> wide_dtype(jnp.bfloat16), wide_dtype(np.uint8)
    (dtype('float32'), dtype('float32'))
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        return np.dtype(jnp.result_type(float))
    return np.dtype(jax.dtypes.canonicalize_dtype(dtype) if jnp.finfo(dtype).bits >= 32 else jnp.float32)


def widened(x: Any) -> jax.Array:
    """An array in its `wide_dtype`, in which differences neither wrap around nor overflow when they are squared.

    Args:
      x: an array of numbers of any kind; complex ones stay what they are.

    >>> widened(np.array([200, 100], np.uint8)) - widened(np.array([100, 200], np.uint8))
    Array([ 100., -100.], dtype=float32)
    """
    x = jnp.asarray(as_array(x))
    return x if jnp.issubdtype(x.dtype, jnp.complexfloating) else x.astype(wide_dtype(x.dtype))


def _advice(dtype: Any) -> str:
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "real and imaginary part are two channels: concatenate x.real and x.imag"
    if jnp.issubdtype(dtype, jnp.floating):
        return "x.astype('bfloat16') has the same numbers"
    largest = (
        jnp.iinfo(dtype).max if jnp.issubdtype(dtype, jnp.unsignedinteger) and jnp.iinfo(dtype).bits <= 16 else 255
    )
    return f"divide images by the largest value, as in x.astype('float32') / {largest} or geomdl.data.unit_interval(x)"


def has_irreps(x: Any) -> bool:
    """Whether this is an `e3nn_jax.IrrepsArray`, an array that knows how rotations act on its last axis."""
    return type(x).__module__.partition(".")[0] == "e3nn_jax" and hasattr(x, "irreps")


def _converted(x: Any, what: str) -> jax.Array | np.ndarray:
    """What is no array yet."""
    if type(x).__module__.partition(".")[0] == "torch" and hasattr(x, "detach"):
        tensor = x.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":  # unknown to NumPy; float32 holds it exactly
            return tensor.float().numpy().astype(jnp.bfloat16)
        return tensor.resolve_conj().resolve_neg().numpy()
    if hasattr(x, "__jax_array__"):
        return jnp.asarray(x)
    if has_irreps(x):
        return x.array
    allowed = "an array of numbers"
    if isinstance(x, list | tuple):
        allowed += ", whose rows are of one length"
        if x and not isinstance(x[0], bool | int | float | complex | np.generic):
            parts = [as_array(part, what) for part in x]
            if len({part.shape for part in parts}) > 1:
                raise invalid(what, _short(x), allowed)
            return (jnp if any(isinstance(part, jax.Array) for part in parts) else np).stack(parts)
        if any(isinstance(part, jax.Array) for part in x):
            return jnp.stack([jnp.asarray(part) for part in x])
    try:
        array = np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise invalid(what, _short(x), allowed) from error
    if array.dtype == object:
        raise invalid(what, _short(x), allowed)
    return array


def _short(x: Any) -> Any:
    text = repr(x)
    return x if len(text) <= 80 else f"{text[:77]}..."
