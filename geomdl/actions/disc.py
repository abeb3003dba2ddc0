"""The disc inscribed in a frame, or the ball in a volume, which no rotation about the centre leaves."""

import functools

import numpy as np

Size = tuple[int, ...]
"""(height, width) in pixels, or (depth, height, width); then the disc is a ball."""


def distance_from_centre(size: Size) -> np.ndarray:
    """How far the centre of each pixel of a frame ``[height, width]`` lies from the centre of the frame, in pixels.

    >>> distance_from_centre((1, 3))
    array([[1., 0., 1.]])
    """
    along = np.ix_(*(np.arange(n) - (n - 1) / 2 for n in size))
    return functools.reduce(np.hypot, along)


def disc(size: Size, radius: float | None = None) -> np.ndarray:
    """Which pixels of a frame ``[height, width]`` lie in a disc about its centre, bool.

    Args:
      size: (height, width).
      radius: in pixels; half the smaller side for the inscribed disc, if not given.

    >>> disc((4, 4)).astype(int)
    array([[0, 1, 1, 0],
           [1, 1, 1, 1],
           [1, 1, 1, 1],
           [0, 1, 1, 0]])
    """
    return distance_from_centre(size) <= (min(size) / 2 if radius is None else radius)


def disc_with_edge(size: Size, edge: float) -> np.ndarray:
    """The inscribed disc ``[height, width]`` as a factor that falls linearly from 1 to 0 over its last pixels.

    Args:
      size: (height, width).
      edge: over how many pixels it falls.

    >>> disc_with_edge((1, 5), 2.0)
    array([[0.  , 0.  , 0.25, 0.  , 0.  ]])
    """
    return np.clip((min(size) / 2 - distance_from_centre(size)) / edge, 0, 1)


def disc_window(size: Size, inner: float = 0.6, outer: float = 0.85) -> np.ndarray:
    """A factor ``[height, width, 1]``: 1 up to ``inner`` of the inscribed disc's radius, smoothly to 0 at ``outer``.

    With t = (outer − r)/(outer − inner), clipped to [0, 1], it is t² (3 − 2t). What is left of an image stays inside
    the frame when it is turned or a little enlarged.

    Args:
      size: (height, width).
      inner: where it begins to fall, as a share of half the smaller side.
      outer: where it is 0.

    >>> disc_window((1, 1))[0, 0].tolist(), disc_window((5, 5))[0, 0].tolist()
    ([1.0], [0.0])
    """
    t = np.clip((outer - distance_from_centre(size) / (min(size) / 2)) / (outer - inner), 0, 1)
    return (t * t * (3 - 2 * t))[..., None]
