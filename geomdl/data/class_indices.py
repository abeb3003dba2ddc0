"""Class indices, of images and of pixels: of which types they may be, and which values they may have."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from geomdl.arrays import as_array
from geomdl.errors import invalid, misshapen

IGNORED = -1
"""The value of pixels in label maps that no loss and no metric counts."""


def class_indices(
    labels: ArrayLike, num_classes: int | None, what: str, *, ignored: bool = False
) -> Int[Array, "batch ..."]:
    """Class indices of any integer type, or bool, as int32, in which −1 and every class can be written.

    Types are looked at always, values where they are known: not while JAX traces a function.

    Args:
      labels: ``[batch]``, or ``[batch, height, width]`` label maps.
      num_classes: indices from 0 up to this many minus 1 are allowed; None for any.
      what: the labels are, in messages: ``"label map"``.
      ignored: whether −1 is allowed, for what is not to be counted.

    Raises:
      ValueError: for numbers that are not whole, and indices of no class.

    >>> class_indices(np.array([0, 2], np.uint8), 3, "class")
    Array([0, 2], dtype=int32)
    >>> class_indices(np.array([0, 3]), 3, "class")
    Traceback (most recent call last):
    ValueError: invalid class 3 of image 1; allowed: a whole number from 0 to 2
    """
    labels = as_array(labels, what)
    require_integers(labels, what)
    if num_classes is not None and not isinstance(labels, Tracer):
        require_classes(np.asarray(labels), num_classes, what, ignored=ignored)
    return jnp.asarray(labels).astype(jnp.int32)


def require_integers(values: Any, what: str, inside: str = "") -> None:
    """Raises ValueError unless the dtype of an array is bool or one of whole numbers."""
    if values.dtype == bool or jnp.issubdtype(values.dtype, jnp.integer):
        return
    known = isinstance(values, np.ndarray) and values.dtype.kind == "f"
    whole = known and bool((values == np.round(values)).all())
    advice = "; try int32, as in labels.astype('int32')" if whole else ""
    if known and not whole and (wrong := first_wrong(values, lambda v: v != np.round(v))):
        advice = f", not {wrong[1]}"
    raise ValueError(
        f"invalid type of the {_plural(what)}{inside} {str(values.dtype)!r}; allowed: whole numbers{advice}"
    )


def require_classes(
    values: np.ndarray, num_classes: int, what: str, inside: str = "", *, ignored: bool = False
) -> None:
    """Raises ValueError unless all values of whole numbers are classes, or −1 where ``ignored``."""
    least = IGNORED if ignored else 0
    if values.dtype == bool and num_classes > 1:
        return
    wrong = first_wrong(values, lambda held: (held < least) | (held >= num_classes))
    if wrong is None:
        return
    place, value = wrong
    where = f"of image {place[0]}"
    if len(place) == 3:
        where = f"at row {place[1]}, column {place[2]} {where}"
    name = "label" if ignored else what
    allowed = f"a whole number from 0 to {num_classes - 1}"
    if ignored:
        allowed = f"a class from 0 to {num_classes - 1}, or {IGNORED} to ignore the pixel"
    raise ValueError(
        f"invalid {name} {value} {where}{inside}; allowed: {allowed}{_advice(values, num_classes, ignored)}"
    )


def _advice(values: np.ndarray, num_classes: int, ignored: bool) -> str:
    """What the labels seem to be instead."""
    outside = np.unique(values[(values < 0) | (values >= num_classes)])
    if ignored and outside.size == 1 and (mark := outside[0]) in (255, 65535):
        return f"; if {mark} marks pixels to ignore: np.where(labels == {mark}, {IGNORED}, labels.astype('int32'))"
    if outside.tolist() == [num_classes] and not (values == 0).any():
        return "; they seem to count from 1: subtract 1"
    if not ignored and outside.tolist() == [IGNORED]:
        return f"; leave out images without a class, which {IGNORED} seems to mark"
    return ""


def misshapen_labels(
    what: str, shape: Sequence[int], axes: Sequence[str], num_classes: int, allowed: Sequence[int] | None = None
) -> ValueError:
    """The error for labels of another number of axes, with a guess at the mistake.

    Args:
      what: the labels are.
      shape: of them.
      axes: the names of those that they should have.
      num_classes: how many classes there are.
      allowed: the shape that they should have, where it is known.

    >>> print(misshapen_labels("classes", (8, 3), ("batch",), 3))
    invalid shape of classes (8, 3); allowed: [batch]; they seem to be one-hot: try labels.argmax(-1)
    """
    if len(shape) != len(axes) + 1 or shape[-1] not in (1, num_classes):
        return misshapen(what, shape, axes) if allowed is None else invalid(f"shape of {what}", shape, str(allowed))
    one_hot, place = "they seem to be one-hot: try labels.argmax(-1)", "..., 0" if len(axes) > 1 else ":, 0"
    guess = one_hot if shape[-1] > 1 else f"there seems to be an axis too many: try labels[{place}]"
    shown = f"[{', '.join(axes)}]" if allowed is None else str(allowed)
    return ValueError(f"invalid shape of {what} {tuple(shape)}; allowed: {shown}; {guess}")


def first_wrong(values: Any, wrong: Callable[[np.ndarray], np.ndarray]) -> tuple[tuple[int, ...], Any] | None:
    """The place and the value of the first entry that is wrong; None where there is none, or nothing is in memory."""
    if not isinstance(values, np.ndarray):
        return None
    found = wrong(values)
    if not found.any():
        return None
    place = tuple(int(i) for i in np.argwhere(found)[0])
    return place, values[place]


def _plural(what: str) -> str:
    return f"{what}es" if what.endswith("s") else f"{what}s"
