"""How boxes move with their image: by affine maps of the plane, exactly where these permute the axes."""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

Size = tuple[int, int]
"""(height, width) of an image, in pixels."""


def move_upright(boxes: ArrayLike, matrix: ArrayLike, offset: ArrayLike, size: Size) -> jax.Array:
    """The smallest upright boxes around boxes that have been moved by p ↦ A p + t.

    p = (x right, y up) is measured in pixels from the centre of the image; boxes are (x0, y0, x1, y1) with y down, from
    its top left corner: the image is [0, width] × [0, height]. Exact, with one rounding for each number, where A is a
    signed permutation of the axes (flips, quarter turns) or diagonal; too large for other rotations, under which an
    upright box does not stay one.

    Args:
      boxes: ``[..., k, 4]``.
      matrix: A, ``[2, 2]`` for all, or ``[..., 2, 2]`` with the leading axes of the boxes.
      offset: t, ``[2]`` or ``[..., 2]``, in pixels.
      size: (height, width) of the image.

    >>> quarter = jnp.array([[0.0, -1.0], [1.0, 0.0]])  # counter-clockwise
    >>> move_upright(jnp.array([[0.0, 0.0, 3.0, 1.0]]), quarter, jnp.zeros(2), (8, 8))
    Array([[0., 5., 1., 8.]], dtype=float32)
    """
    boxes, matrix = jnp.asarray(boxes), _downwards(jnp.asarray(matrix))
    constant = _constant(matrix, jnp.asarray(offset), size)
    low, high = boxes[..., None, :2], boxes[..., None, 2:]  # [..., k, 1, from]
    a = matrix[..., None, :, :]  # [..., 1, to, from]
    constant = constant[..., None, :]
    one, other = a * low, a * high
    least, most = jnp.minimum(one, other), jnp.maximum(one, other)
    return jnp.concatenate([least.sum(-1) + constant, most.sum(-1) + constant], -1).astype(boxes.dtype)


def move_inscribed(boxes: ArrayLike, matrix: ArrayLike, offset: ArrayLike, size: Size) -> jax.Array:
    """The smallest upright boxes around the ellipses in boxes, that have been moved by p ↦ A p + t.

    Half the sides become √(Σ_j A_ij² h_j²). For round objects this is tight at every angle, where `move_upright`, which
    moves the whole rectangle, makes twice the area of a square at 45°. The same as `move_upright`, to rounding, where A
    is a signed permutation of the axes, or diagonal.

    Args:
      boxes: ``[..., k, 4]``.
      matrix: A, see `move_upright`.
      offset: t.
      size: (height, width) of the image.

    References:
      Kalra, Stoppi, Brown, Agarwal & Kadambi, Towards rotation invariance in object detection, ICCV 2021.

    >>> c = 0.5**0.5
    >>> eighth = jnp.array([[c, -c], [c, c]])
    >>> moved = move_inscribed(jnp.array([[2.0, 2.0, 6.0, 6.0]]), eighth, jnp.zeros(2), (8, 8))  # of a disc
    >>> [f"{number:.3f}" for number in moved[0]]
    ['2.000', '2.000', '6.000', '6.000']
    """
    boxes, matrix = jnp.asarray(boxes), _downwards(jnp.asarray(matrix))
    a = matrix[..., None, :, :]
    middle, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    centre = (a * middle[..., None, :]).sum(-1) + _constant(matrix, jnp.asarray(offset), size)[..., None, :]
    reach = jnp.sqrt(jnp.square(a * half[..., None, :]).sum(-1))
    return jnp.concatenate([centre - reach, centre + reach], -1).astype(boxes.dtype)


def move_oriented(boxes: ArrayLike, matrix: ArrayLike, offset: ArrayLike, size: Size) -> jax.Array:
    """Oriented boxes that have been moved by p ↦ A p + t, in the same coordinates as those of `move_upright`.

    A box is (cx, cy, w, h, angle): its width lies along (cos angle, sin angle), x to the right and y **up**, so that a
    larger angle is further counter-clockwise as seen on the screen. A = s R(θ) adds θ to the angle, A = s R(θ) diag(1,
    −1) makes θ − angle of it, and sides grow by s. Where A is no similarity, a rectangle becomes a parallelogram: it
    gets the smallest rectangle around that whose width lies along its moved width. The result is le90 (`le90`).

    Args:
      boxes: ``[..., k, 5]``.
      matrix: A, see `move_upright`.
      offset: t.
      size: (height, width) of the image.

    >>> quarter = jnp.array([[0.0, -1.0], [1.0, 0.0]])
    >>> move_oriented(jnp.array([[1.5, 0.5, 3.0, 1.0, 0.0]]), quarter, jnp.zeros(2), (8, 8)).tolist()
    [[0.5, 6.5, 3.0, 1.0, -1.57079...]]
    """
    boxes, matrix = jnp.asarray(boxes), jnp.asarray(matrix)
    down = _downwards(matrix)
    constant = _constant(down, jnp.asarray(offset), size)[..., None, :]
    centre = (down[..., None, :, :] * boxes[..., None, :2]).sum(-1) + constant
    a, b, c, d = (matrix[..., None, i, j] for i in (0, 1) for j in (0, 1))
    w, h, angle = boxes[..., 2], boxes[..., 3], boxes[..., 4]
    determinant = a * d - b * c
    sign = jnp.where(determinant < 0, -1.0, 1.0)
    scale = jnp.sqrt(jnp.abs(determinant))
    similar = jnp.maximum(jnp.abs(a - sign * d), jnp.abs(b + sign * c)) <= 1e-5 * jnp.maximum(scale, 1e-12)
    turned = jnp.arctan2(c, a) + sign * angle
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    ux, uy = a * cos + b * sin, c * cos + d * sin  # A along the width
    vx, vy = b * cos - a * sin, d * cos - c * sin  # A along the height
    length = jnp.maximum(jnp.hypot(ux, uy), 1e-12)
    width = length * w + jnp.abs(ux * vx + uy * vy) / length * h
    height = jnp.abs(determinant) / length * h
    sides = jnp.where(similar, scale * w, width), jnp.where(similar, scale * h, height)
    angle = jnp.where(similar, turned, jnp.arctan2(uy, ux))
    return le90(jnp.concatenate([centre, jnp.stack([*sides, angle], -1)], -1)).astype(boxes.dtype)


def le90(boxes: ArrayLike) -> jax.Array:
    """Oriented boxes written with the long edge first, w ≥ h, and an angle in [−π/2, π/2).

    (w, h, angle), (w, h, angle + π) and (h, w, angle + π/2) are the same rectangle; this writes each in one way, but
    for squares, which keep one of two angles.

    Args:
      boxes: ``[..., 5]``.

    >>> le90(jnp.array([0.0, 0.0, 1.0, 3.0, 0.5])).round(4)
    Array([ 0.    ,  0.    ,  3.    ,  1.    , -1.0708], dtype=float32)
    """
    boxes = jnp.asarray(boxes)
    w, h, angle = boxes[..., 2], boxes[..., 3], boxes[..., 4]
    swap = h > w
    angle = jnp.where(swap, angle + math.pi / 2, angle)
    angle = angle - math.pi * jnp.floor((angle + math.pi / 2) / math.pi)
    angle = jnp.where(angle >= math.pi / 2, -math.pi / 2, angle)
    sides = jnp.maximum(w, h), jnp.minimum(w, h)
    return jnp.concatenate([boxes[..., :2], jnp.stack([*sides, angle], -1)], -1).astype(boxes.dtype)


def _downwards(matrix: jax.Array) -> jax.Array:
    """A in coordinates with y down."""
    return matrix * jnp.array([[1, -1], [-1, 1]], matrix.dtype)


def _constant(down: jax.Array, offset: jax.Array, size: Size) -> jax.Array:
    """What is added to A p, for places p from the top left corner."""
    middle = jnp.array([size[1] / 2, size[0] / 2], down.dtype)
    return middle - (down * middle).sum(-1) + offset * jnp.array([1, -1], offset.dtype)
