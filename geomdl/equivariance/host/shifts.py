"""Shifts of arrays on the host: whole and circular, ideal by any real number of pixels, and up to a shift."""

from collections.abc import Sequence

import numpy as np


def rolled(x: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The circular shift of fields by one number of pixels for each axis, ``(rows, columns)`` of images; an array
    without base space is left as it is.

    >>> rolled(np.arange(4.0).reshape(1, 1, 4, 1), np.array([0, 1])).ravel().tolist()
    [3.0, 0.0, 1.0, 2.0]
    """
    return np.roll(x, shift, _axes(x)) if x.ndim > 2 else x


def ideally_shifted(x: np.ndarray, shift: Sequence[float] | np.ndarray) -> np.ndarray:
    """The circular shift by any real numbers of pixels, one for each axis.

    The Fourier component of frequency k turns by e^{−2πi k·s/n}. The component at the Nyquist frequency of an even side
    is not a rotating one; of it the real part is kept.

    Args:
      x: ``[batch, ..., channels]``; without base space it is left as it is.
      shift: in pixels, ``(rows down, columns right)`` of images.

    >>> x = np.cos(np.arange(6) * 2 * np.pi / 6).reshape(1, 1, 6, 1)
    >>> half = ideally_shifted(x, np.array([0, 1.5])).ravel()
    >>> bool(np.allclose(half, np.sin(np.arange(6) * 2 * np.pi / 6)))
    True
    """
    axes = _axes(x)
    if not axes:
        return x
    spectrum = np.fft.fftn(x.astype(np.float64), axes=axes)
    for axis, s in zip(axes, shift, strict=True):
        n = x.shape[axis]
        turn = np.exp(-2j * np.pi * np.fft.fftfreq(n) * s)
        if n % 2 == 0:
            turn[n // 2] = np.cos(np.pi * s)
        spectrum = spectrum * turn.reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    return np.fft.ifftn(spectrum, axes=axes).real.astype(x.dtype)


def without_nyquist(x: np.ndarray) -> np.ndarray:
    """The images without what oscillates from pixel to pixel (on even sides), which no shift can carry.

    Args:
      x: ``[batch, ..., channels]``.

    >>> without_nyquist(np.array([1.0, -1.0, 3.0, 1.0]).reshape(1, 1, 4, 1)).ravel().tolist()
    [0.0, 0.0, 2.0, 2.0]
    """
    for axis in _axes(x):
        n = x.shape[axis]
        if n % 2 == 0:
            sign = ((-1.0) ** np.arange(n)).reshape([-1 if a == axis else 1 for a in range(x.ndim)]).astype(x.dtype)
            x = x - (x * sign).mean(axis, keepdims=True) * sign
    return x


def aligned(y: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Each image of y by that circular shift of whole pixels which brings it nearest to its counterpart.

    >>> y = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    >>> aligned(y, to=rolled(y, np.array([0, 2]))).ravel().tolist()
    [2.0, 3.0, 1.0]
    """
    axes = _axes(y)
    if not axes:
        return y
    a, b = (np.fft.fftn(v.astype(np.float64), axes=axes) for v in (y, to))
    likeness = np.fft.ifftn(np.conj(a) * b, axes=axes).real.sum(-1)
    best = [np.unravel_index(image.argmax(), image.shape) for image in likeness]
    return np.stack([np.roll(image, shift, range(len(axes))) for image, shift in zip(y, best, strict=True)])


def _axes(x: np.ndarray) -> tuple[int, ...]:
    """The axes of the base space in ``[batch, ..., channels]``."""
    return tuple(range(1, x.ndim - 1))
