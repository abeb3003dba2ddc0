"""What a kind of target is, and the kinds of whole images and of pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.actions import ImageTransformation, move_values
from geomdl.data.class_indices import (
    IGNORED,
    class_indices,
    first_wrong,
    misshapen_labels,
    require_classes,
    require_integers,
)
from geomdl.errors import invalid
from geomdl.representations import FieldType

Size = tuple[int, ...]
"""(height, width) of the images, in pixels."""


@runtime_checkable
class Values(Protocol):
    """The targets of all images of a split: an array, or something that is read when indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of images first."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Of the entries."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@runtime_checkable
class TargetKind(Protocol):
    """One kind of target: a frozen, hashable value.

    Targets of one image are one array, or a dict of arrays; of a batch, or of a split, they are stacked along the first
    axis. A kind whose arrays differ in length from image to image (boxes, points) holds them filled up to one length,
    marked as it likes: it is the only one who reads them, besides the tasks that know it.
    """

    @property
    def name(self) -> str:
        """As it is registered, and as `Dataset.label_kind` gives it."""
        ...

    @property
    def description(self) -> str:
        """What the targets are, a plural for messages: ``"label maps"``."""
        ...

    @property
    def moves(self) -> bool:
        """Whether some transformation of an image changes its target."""
        ...

    @property
    def padding(self) -> "float | Mapping[str, float]":
        """The value that fills up a batch, in examples whose mask is 0; of a tree, that of each array."""
        ...

    def require(self, values: Values, images: Values, what: str) -> None:
        """Raises ValueError unless these can be the targets of these images.

        Of what is read on demand, only shapes and types are looked at.

        Args:
          values: the targets.
          images: ``[n, height, width, channels]``.
          what: what the images are called in errors: ``"test split of cells"``.
        """
        ...

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """The targets of a batch after its images have been moved; pure, may be traced.

        Args:
          values: of the batch.
          transformation: of the images.
          size: (height, width) of the images.

        Raises:
          ValueError: for a transformation that cannot move such targets.
        """
        ...


@dataclass(frozen=True)
class ClassTarget:
    """One class per image, ``[n]`` whole numbers, which does not change when the image moves.

    Args:
      num_classes: indices from 0 up to this many minus 1 are allowed.

    >>> ClassTarget(2).require(np.array([0, 5]), np.zeros((2, 4, 4, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid class 5 of image 1 in the test split of cells; allowed: a whole number from 0 to 1
    """

    num_classes: int

    name: str = field(default="class", init=False, repr=False)
    description: str = field(default="classes", init=False, repr=False)
    moves: bool = field(default=False, init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    def require(self, values: Values, images: Values, what: str) -> None:
        """Whole numbers ``[n]`` from 0 to ``num_classes`` − 1."""
        if len(values.shape) != 1:
            count, name = self.num_classes, f"the classes in the {what}"
            raise misshapen_labels(name, values.shape, ("batch",), count, (len(images),))
        require_shape(values, (len(images),), self.description, what)
        _require_indices(values, self.num_classes, "class", what)

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """As they are."""
        return values


@dataclass(frozen=True)
class LabelsTarget:
    """Any number of classes per image: indicators ``[n, classes]``, 1 where the class is there; they do not move.

    Args:
      num_classes: how many there may be.

    >>> LabelsTarget(2).require(np.array([[1, 0], [0, 2]]), np.zeros((2, 4, 4, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid indicator 2 of class 1, image 1 in the test split of cells; allowed: 1 where the class is there,
    0 where it is not
    """

    num_classes: int

    name: str = field(default="labels", init=False, repr=False)
    description: str = field(default="indicators of classes", init=False, repr=False)
    moves: bool = field(default=False, init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    def require(self, values: Values, images: Values, what: str) -> None:
        """Numbers ``[n, num_classes]`` from 0 to 1."""
        require_shape(values, (len(images), self.num_classes), self.description, what)
        if not (values.dtype == bool or np.issubdtype(values.dtype, np.integer) or _is_real(values)):
            raise invalid(f"type of the {self.description} in the {what}", str(values.dtype), "0 and 1", "float32")
        wrong = first_wrong(values, lambda held: ~((held >= 0) & (held <= 1)))
        if wrong is not None:
            (image, label), value = wrong
            raise ValueError(
                f"invalid indicator {value} of class {label}, image {image} in the {what}; "
                "allowed: 1 where the class is there, 0 where it is not"
            )

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """As they are."""
        return values


@dataclass(frozen=True)
class MapTarget:
    """One class per pixel, ``[n, height, width]`` whole numbers of any type: y'(p) = y(g⁻¹p). Of volumes, per voxel.

    Where an image is resampled, a pixel has the label of the nearest one; what enters the frame, and what is hidden, is
    −1, which no loss and no metric counts.

    Args:
      num_classes: values from −1 up to this many minus 1 are allowed.

    >>> MapTarget(2).require(np.array([[[0, 1], [7, 0]]]), np.zeros((1, 2, 2, 1)), "test split of cells")
    Traceback (most recent call last):
    ValueError: invalid label 7 at row 1, column 0 of image 0 in the test split of cells; allowed: a class from 0 to 1,
    or -1 to ignore the pixel
    """

    num_classes: int

    name: str = field(default="map", init=False, repr=False)
    description: str = field(default="label maps", init=False, repr=False)
    moves: bool = field(default=True, init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    def require(self, values: Values, images: Values, what: str) -> None:
        """Class indices, or −1, of every pixel of the images."""
        wanted = tuple(images.shape[:-1])
        if tuple(values.shape) != wanted:
            if len(values.shape) != len(wanted):
                axes = ("batch", *("depth", "height", "width")[-(len(wanted) - 1) :])
                raise misshapen_labels(f"the label maps in the {what}", values.shape, axes, self.num_classes)
            allowed = f"that of the images, {wanted}"
            raise invalid(f"size of the label maps in the {what}", values.shape, allowed)
        _require_indices(values, self.num_classes, "label map", what, ignored=True)

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """With its pixels; int32, in which −1 can be written, whatever the type was."""
        return transformation.labels(class_indices(values, None, "label map"), IGNORED)


@dataclass(frozen=True)
class ValuesTarget:
    """Real numbers per image, ``[n, field_type.size]``, which move by a representation: y' = ρ(g) y.

    Counts and sizes are scalars (``"1 trivial"``); a direction at the angle θ is the vector (cos θ, sin θ), of the
    irrep of frequency 1; the orientation of a line, (cos 2θ, sin 2θ), of frequency 2. Shifts change no values.

    Args:
      field_type: ρ. A continuous group, or trivial representations, where images may be turned by every angle.

    >>> direction = ValuesTarget(FieldType("SO2", "1 irrep(1)"))
    >>> direction.moves, direction.description
    (True, 'values of FieldType(SO2, "1 irrep(1)")')
    """

    field_type: FieldType
    name: str = field(default="values", init=False, repr=False)
    padding: float = field(default=0, init=False, repr=False)

    @property
    def description(self) -> str:
        """With their field type."""
        return f"values of {self.field_type}"

    @property
    def moves(self) -> bool:
        """Unless all of them are scalars."""
        return not self.field_type.is_trivial

    def require(self, values: Values, images: Values, what: str) -> None:
        """Finite numbers ``[n, field_type.size]``."""
        require_shape(values, (len(images), self.field_type.size), self.description, what)
        if not _is_real(values):
            raise invalid(f"type of the values in the {what}", str(values.dtype), "real numbers", "float32")
        wrong = first_wrong(values, lambda held: ~np.isfinite(held))
        if wrong is not None:
            (image, place), value = wrong
            raise ValueError(f"invalid value {value}, number {place} of image {image} in the {what}")

    def moved(self, values: jax.Array, transformation: ImageTransformation, size: Size) -> jax.Array:
        """See `geomdl.actions.move_values`."""
        return move_values(values, transformation.linear, self.field_type, transformation.group)


def require_shape(values: Values, shape: Sequence[int], description: str, what: str) -> None:
    """Raises a ValueError for targets of another shape.

    Args:
      values: of a split.
      shape: that they must have.
      description: of them, in words.
      what: the split is called.
    """
    if tuple(values.shape) != tuple(shape):
        raise invalid(f"shape of the {description} in the {what}", tuple(values.shape), f"{tuple(shape)}")


def _require_indices(values: Values, num_classes: int, name: str, what: str, *, ignored: bool = False) -> None:
    """Types always, values where they are in memory."""
    require_integers(values, name, f" in the {what}")
    if isinstance(values, np.ndarray):
        require_classes(values, num_classes, name, f" in the {what}", ignored=ignored)


def _is_real(values: Values) -> bool:
    """Whether the dtype is one of real numbers with a floating point, bfloat16 included."""
    return bool(jnp.issubdtype(values.dtype, jnp.floating))
