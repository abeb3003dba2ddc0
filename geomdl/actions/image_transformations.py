"""Transformations of a batch of images, each image by its own map, and what they do to everything drawn in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.grid import holding, roll, shift_crop, turn
from geomdl.actions.labels import warp_labels
from geomdl.actions.volume_warp import warp_volume
from geomdl.actions.warp import warp
from geomdl.arrays import as_array
from geomdl.errors import invalid
from geomdl.groups import C1, C4, O2, O3, PLANE, SO2, SO3, BaseSpace, D, PointGroup, SpatialGroup


@runtime_checkable
class ImageTransformation(Protocol):
    """Moves image i of a batch by the affine map p ↦ A_i p + t_i: x'_i(p) = x_i(A_i⁻¹(p − t_i)).

    p = (x to the right, y up) is measured in pixels from the centre of the image; in volumes p = (x, y, z), where
    (depth, height, width) = (−z, −y, x), and 3 stands for the 2 of the shapes below. Whatever moves together with an
    image is moved by the same maps: pixels and labels of pixels by the methods, coordinates by A and t, vectors by the
    representation of the orthogonal part of A (`geomdl.actions.values.move_values`). All may be traced.
    """

    @property
    def group(self) -> PointGroup:
        """The smallest group of the plane, or of space, that holds the orthogonal parts of every A that may come."""
        ...

    @property
    def linear(self) -> jax.Array:
        """A, ``[batch, 2, 2]``, or ``[2, 2]`` for all images."""
        ...

    @property
    def offset(self) -> jax.Array:
        """t in pixels, ``[batch, 2]``, or ``[2]`` for all images."""
        ...

    def images(self, x: jax.Array) -> jax.Array:
        """Moves images ``[batch, *space, channels]``; 0 comes in from outside."""
        ...

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """Moves maps of whole numbers ``[batch, *space]``, which are never mixed; ``fill`` comes in."""
        ...


@dataclass(frozen=True, eq=False)
class Warp:
    """Maps p ↦ A p + t about the centre: images are resampled, a label is that of the nearest pixel.

    Images are resampled by cubic B-splines, volumes, which are larger, by linear interpolation along each axis.

    Attributes:
      matrix: A, ``[batch, 2, 2]`` or ``[2, 2]``, of volumes ``[batch, 3, 3]`` or ``[3, 3]``; its orthogonal part is a
        rotation unless ``reflects``.
      reflects: whether there may be reflections among the A.
      by: t, ``[batch, 2]`` or ``[2]``; None for 0. Volumes have none.

    Raises:
      ValueError: for t of volumes.

    >>> quarter = Warp(jnp.array([[0.0, -1.0], [1.0, 0.0]]))
    >>> quarter.group, quarter.labels(jnp.array([[[0, 1], [2, 3]]]), -1)
    (SO2, Array([[[1, 3],
            [0, 2]]], dtype=int32))
    """

    matrix: jax.Array
    reflects: bool = False
    by: jax.Array | None = None

    def __post_init__(self) -> None:
        if self._of_volumes and self.by is not None:
            raise invalid("offset of volumes that are resampled", self.by, "None; `Shift` moves by whole voxels")

    @property
    def _of_volumes(self) -> bool:
        return self.matrix.shape[-1] == 3

    @property
    def group(self) -> PointGroup:
        """SO(2), or O(2) with reflections; of volumes SO(3) or O(3)."""
        if self._of_volumes:
            return O3 if self.reflects else SO3
        return O2 if self.reflects else SO2

    @property
    def linear(self) -> jax.Array:
        """A."""
        return self.matrix

    @property
    def offset(self) -> jax.Array:
        """t."""
        return jnp.zeros(self.matrix.shape[-1], self.matrix.dtype) if self.by is None else self.by

    def images(self, x: jax.Array) -> jax.Array:
        """See `geomdl.actions.warp` and `geomdl.actions.volume_warp.warp_volume`."""
        if self._of_volumes:
            return warp_volume(x, self.matrix, interpolation="linear")
        return warp(x, self.matrix, self.by)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """See `geomdl.actions.warp_labels`."""
        return warp_labels(y, self.matrix, self.by, fill=fill)


@dataclass(frozen=True, eq=False)
class CropResize:
    """Cuts a rectangle out of each image and stretches it to the whole frame.

    Images are resampled by bilinear interpolation between the centres of pixels, edge pixels going on beyond the edge,
    as torchvision's ``resized_crop`` does. Nothing is antialiased: a rectangle inside the image is never made smaller,
    or only where the frame is smaller than the image. A label is that of the nearest pixel.

    Attributes:
      corner: (top, left) of the rectangle, ``[batch, 2]`` in pixels from the top left corner of the image; fractions
        are allowed.
      extent: (height, width) of it, ``[batch, 2]`` in pixels.
      size: (height, width) of the images.
      frame: (height, width) of what comes out; None: that of the images.

    >>> middle = CropResize(jnp.array([[0.0, 1.0]]), jnp.array([[1.0, 2.0]]), (1, 4))
    >>> middle.images(jnp.array([0.0, 4.0, 8.0, 12.0]).reshape(1, 1, 4, 1)).ravel().tolist()
    [3.0, 5.0, 7.0, 9.0]
    >>> middle.labels(jnp.array([[[0, 1, 2, 3]]]), -1).ravel().tolist()
    [1, 1, 2, 2]
    """

    corner: jax.Array
    extent: jax.Array
    size: tuple[int, int]
    frame: tuple[int, int] | None = None

    @property
    def group(self) -> PointGroup:
        """C1: nothing is turned."""
        return C1

    @property
    def linear(self) -> jax.Array:
        """diag(width of the frame / width of the rectangle, height / height)."""
        return self._scale[:, ::-1, None] * jnp.eye(2)

    @property
    def offset(self) -> jax.Array:
        """−A c, with c the centre of the rectangle."""
        middle = self.corner + self.extent / 2 - jnp.asarray(self.size, jnp.float32) / 2  # (down, right)
        scale = self._scale
        return jnp.stack([-scale[:, 1] * middle[:, 1], scale[:, 0] * middle[:, 0]], -1)

    def images(self, x: jax.Array) -> jax.Array:
        """Rows, then columns, are mixed by a matrix of each image."""
        rows, columns = (self._weights(axis).astype(x.dtype) for axis in (0, 1))
        stretched = jnp.einsum("nik,nkwc->niwc", rows, x, precision="highest")
        return jnp.einsum("njw,niwc->nijc", columns, stretched, precision="highest")

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """The label of the nearest pixel; of two as near, that below or to the right."""
        y = holding(jnp.asarray(as_array(y, "label maps")), fill)
        rows, columns = (jnp.floor(self._sources(axis) + 0.5).astype(jnp.int32) for axis in (0, 1))
        rows, columns = (jnp.clip(a, 0, n - 1) for a, n in zip((rows, columns), self.size, strict=True))
        return jax.vmap(lambda image, i, j: image[i][:, j])(y, rows, columns)

    @property
    def _scale(self) -> jax.Array:
        """(down, right), ``[batch, 2]``."""
        return jnp.asarray(self.frame or self.size, jnp.float32) / self.extent

    def _sources(self, axis: int) -> jax.Array:
        """Where each pixel of the output comes from, along an axis: ``[batch, frame]``, in indices of pixels."""
        size = (self.frame or self.size)[axis]
        places = (jnp.arange(size, dtype=jnp.float32) + 0.5) / size
        return self.corner[:, axis, None] + places * self.extent[:, axis, None] - 0.5

    def _weights(self, axis: int) -> jax.Array:
        """``[batch, frame, size]``: how much of each source pixel is in a pixel of the output."""
        size = self.size[axis]
        sources = jnp.clip(self._sources(axis), 0, size - 1)
        return jnp.maximum(0, 1 - jnp.abs(sources[..., None] - jnp.arange(size, dtype=jnp.float32)))


class _Unmoved:
    """What is said of places where nothing moves; where all of it is shifted alike, the offset is another."""

    @property
    def group(self) -> PointGroup:
        """C1."""
        return C1

    @property
    def linear(self) -> jax.Array:
        """The identity."""
        return jnp.eye(2)

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(2)


@dataclass(frozen=True, eq=False)
class Window(_Unmoved):
    """Cuts a window of whole pixels out of each image, which is what is left of it. Exact.

    Attributes:
      corner: (top, left) of the window, ``[batch, 2]`` whole numbers of pixels from the top left corner of the image.
      size: (height, width) of the images.
      frame: (height, width) of the window.

    >>> last = Window(jnp.array([[0, 2]]), (1, 4), (1, 2))
    >>> last.images(jnp.array([1, 2, 3, 4]).reshape(1, 1, 4, 1)).ravel().tolist(), last.offset.tolist()
    ([3, 4], [[-1.0, 0.0]])
    """

    corner: jax.Array
    size: tuple[int, int]
    frame: tuple[int, int]

    @property
    def offset(self) -> jax.Array:
        """−c, with c the centre of the window."""
        larger = jnp.asarray(self.size, jnp.float32) - jnp.asarray(self.frame, jnp.float32)
        middle = jnp.asarray(self.corner, jnp.float32) - larger / 2  # (down, right)
        return jnp.stack([-middle[:, 1], middle[:, 0]], -1)

    def images(self, x: jax.Array) -> jax.Array:
        """Pixels are copied."""
        return jax.vmap(self._cut)(jnp.asarray(as_array(x, "images")), self.corner)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """Labels are copied; nothing comes in."""
        return self.images(y)

    def _cut(self, image: jax.Array, corner: jax.Array) -> jax.Array:
        further = image.shape[2:]
        start = (corner[0], corner[1], *(jnp.zeros((), corner.dtype),) * len(further))
        return jax.lax.dynamic_slice(image, start, (*self.frame, *further))


@dataclass(frozen=True, eq=False)
class Recolour(_Unmoved):
    """Changes numbers and moves nothing: whatever is said of places, or of the whole image, stays.

    Attributes:
      function: of images ``[batch, height, width, channels]``, to images of the same shape.

    >>> Recolour(lambda x: 2 * x).labels(jnp.array([[[1, 2]]]), -1).tolist()
    [[[1, 2]]]
    """

    function: Callable[[jax.Array], jax.Array]

    def images(self, x: jax.Array) -> jax.Array:
        """The function's."""
        return self.function(x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """As they are."""
        return y


@dataclass(frozen=True, eq=False)
class LeftRightFlip:
    """Flips the chosen images left and right, along their last axis. Exact.

    Attributes:
      chosen: ``[batch]`` bool.
      space: what the images lie on.

    >>> LeftRightFlip(jnp.array([True, False])).labels(jnp.array([[[1, 2]], [[3, 4]]]), -1).tolist()
    [[[2, 1]], [[3, 4]]]
    """

    chosen: jax.Array
    space: BaseSpace = PLANE

    @property
    def group(self) -> PointGroup:
        """D1 with a vertical mirror line; of volumes C2v, with the mirror x ↦ −x."""
        return D(1, mirror=90) if self.space == PLANE else SpatialGroup("C2v")

    @property
    def linear(self) -> jax.Array:
        """diag(−1, 1), or diag(−1, 1, 1), where chosen, else 1."""
        sign = jnp.where(self.chosen, -1.0, 1.0)
        others = [jnp.ones_like(sign)] * (self.space.dimension - 1)
        return jnp.stack([sign, *others], -1)[..., None] * jnp.eye(self.space.dimension)

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(self.space.dimension)

    def images(self, x: jax.Array) -> jax.Array:
        """Every pixel moves to a pixel."""
        x = jnp.asarray(as_array(x, "images"))
        return jnp.where(_over(self.chosen, x), jnp.flip(x, self.space.dimension), x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """Every pixel moves to a pixel."""
        return self.images(y)


@dataclass(frozen=True, eq=False)
class QuarterTurns:
    """Turns each image by a multiple of 90°, counter-clockwise. Exact; square images only.

    Attributes:
      turns: ``[batch]`` whole numbers.

    >>> QuarterTurns(jnp.array([1])).labels(jnp.array([[[0, 1], [2, 3]]]), -1)
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    """

    turns: jax.Array

    @property
    def group(self) -> PointGroup:
        """C4."""
        return C4

    @property
    def linear(self) -> jax.Array:
        """R(90° · turns), with entries −1, 0 and 1."""
        powers = np.rint(np.asarray(C4.matrix(C4.elements()))).astype(np.float32)
        return jnp.asarray(powers)[jnp.mod(self.turns, 4)]

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(2)

    def images(self, x: jax.Array) -> jax.Array:
        """Every pixel moves to a pixel."""
        x = jnp.asarray(as_array(x, "images"))
        return jax.vmap(lambda image, k: turn(image[None], 0, k)[0])(x, self.turns)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """Every pixel moves to a pixel."""
        return self.images(y)


@dataclass(frozen=True, eq=False)
class Shift:
    """Shifts by whole pixels. Exact, up to what leaves the frame.

    Attributes:
      pixels: ``[batch, 2]``, or ``[2]`` for all images: (rows down, columns right); of volumes three: slices first.
      circular: whether what leaves on one side enters on the other; else it is lost.

    >>> right = Shift(jnp.array([0, 1]))
    >>> right.labels(jnp.array([[[1, 2, 3]]]), -1).tolist(), right.offset.tolist()
    ([[[-1, 1, 2]]], [1.0, -0.0])
    """

    pixels: jax.Array
    circular: bool = False

    @property
    def group(self) -> PointGroup:
        """C1: nothing is turned."""
        return C1

    @property
    def linear(self) -> jax.Array:
        """The identity."""
        return jnp.eye(jnp.shape(self.pixels)[-1])

    @property
    def offset(self) -> jax.Array:
        """(columns right, −rows down); of volumes (columns, −rows, −slices)."""
        pixels = jnp.asarray(self.pixels).astype(jnp.float32)
        return jnp.stack([pixels[..., -1], *(-pixels[..., a] for a in reversed(range(pixels.shape[-1] - 1)))], -1)

    def images(self, x: jax.Array) -> jax.Array:
        """Zeros enter, unless it is circular."""
        return self._shifted(x, 0)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """``fill`` enters, unless it is circular."""
        return self._shifted(y, fill)

    def _shifted(self, x: jax.Array, fill: int) -> jax.Array:
        def one(x: jax.Array, pixels: jax.Array) -> jax.Array:
            return roll(x, pixels) if self.circular else shift_crop(x, pixels, fill)

        if jnp.ndim(self.pixels) == 1:
            return one(x, self.pixels)
        x = jnp.asarray(as_array(x))
        return jax.vmap(lambda image, pixels: one(image[None], pixels)[0])(x, self.pixels)


@dataclass(frozen=True, eq=False)
class Cutout(_Unmoved):
    """Moves nothing and hides some pixels: they are 0, and their labels ``fill``.

    Attributes:
      hidden: ``[batch, height, width]`` bool.

    >>> Cutout(jnp.array([[[False, True]]])).labels(jnp.array([[[1, 2]]]), -1).tolist()
    [[[1, -1]]]
    """

    hidden: jax.Array

    def images(self, x: jax.Array) -> jax.Array:
        """0 where hidden."""
        x = jnp.asarray(as_array(x, "images"))
        return jnp.where(self.hidden[..., None], jnp.zeros((), x.dtype), x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """``fill`` where hidden."""
        y = holding(jnp.asarray(as_array(y, "label maps")), fill)
        return jnp.where(self.hidden, jnp.asarray(fill, y.dtype), y)


def _over(values: ArrayLike, x: jax.Array) -> jax.Array:
    """One value per image, in a shape that broadcasts over the rest of ``x``."""
    return jnp.asarray(values).reshape(-1, *[1] * (x.ndim - 1))
