"""What the values and colours of stored label maps stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from geomdl.data.class_indices import IGNORED
from geomdl.errors import invalid

MOST_VALUES = 64
"""More different values than these, that nobody has named, are no classes."""


@dataclass(frozen=True)
class MapMeaning:
    """Which class each value, or colour, of a label map stands for.

    Args:
      classes: their names.
      values: of each class; a colour (r, g, b) as 65536 r + 256 g + b.
      ignored: what is not to be counted; None: there is none.
      colours: whether maps have colours.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...]
    ignored: int | None = None
    colours: bool = False

    def label_map(self, stored: np.ndarray, where: str) -> Int[np.ndarray, "height width"]:
        """Class indices, or −1, int32.

        Args:
          stored: ``[height, width]``, or ``[height, width, 3]`` colours.
          where: the map is from, for errors.

        Raises:
          ValueError: for a value that is no class.

        >>> MapMeaning(("background", "cell"), (0, 255)).label_map(np.array([[0, 255], [254, 0]]), "a.png")
        Traceback (most recent call last):
        ValueError: invalid mask value 254 at row 1, column 0 of a.png; allowed: 0 (background), 255 (cell); try 255
        """
        return self.indices(coded(stored, where, colours=self.colours), where)

    def indices(self, codes: Int[np.ndarray, "..."], where: str) -> Int[np.ndarray, "..."]:
        """Class indices, or −1, int32, of values of any number of axes.

        Args:
          codes: whole numbers.
          where: they are from, for errors.

        Raises:
          ValueError: for a value that is no class.
        """
        known = [*self.values] if self.ignored is None else [*self.values, self.ignored]
        order = np.argsort(known)
        ordered = np.asarray(known, np.int64)[order]
        places = np.minimum(np.searchsorted(ordered, codes), len(ordered) - 1)
        if (wrong := ordered[places] != codes).any():
            first = tuple(np.argwhere(wrong)[0].tolist())
            axes = ("slice", "row", "column")[-len(first) :]
            at = ", ".join(f"{axis} {place}" for axis, place in zip(axes, first, strict=True))
            raise self._unknown(int(codes[first]), f"at {at} of {where}")
        indices = np.arange(len(known), dtype=np.int32)
        if self.ignored is not None:
            indices[-1] = IGNORED
        return indices[order][places]

    def _unknown(self, code: int, place: str) -> ValueError:
        meanings = [f"{self._shown(v)} ({name})" for v, name in zip(self.values, self.classes, strict=True)]
        meanings += [] if self.ignored is None else [f"{self._shown(self.ignored)} (ignored)"]

        def distance(value: int) -> int:
            return sum((a - b) ** 2 for a, b in zip(colour(value), colour(code), strict=True)) if self.colours else abs(
                value - code)  # fmt: skip

        close = self._shown(min(self.values, key=distance))
        return ValueError(
            f"invalid mask value {self._shown(code)} {place}; allowed: {', '.join(meanings)}; try {close}"
        )

    def _shown(self, value: int) -> str:
        return str(colour(value)) if self.colours else str(value)


def colour(code: int) -> tuple[int, int, int]:
    """The colour of a number.

    >>> colour(256)
    (0, 1, 0)
    """
    return code >> 16 & 255, code >> 8 & 255, code & 255


def coded(stored: np.ndarray, where: str, *, colours: bool) -> np.ndarray:
    """A stored label map as whole numbers ``[height, width]``, int64."""
    if stored.ndim == 3 and stored.shape[-1] == 1:
        stored = stored[..., 0]
    if stored.dtype.kind == "f" and (stored == np.round(stored)).all():
        stored = stored.astype(np.int64)
    if stored.dtype.kind not in "iub":
        raise invalid(f"type of the label map {where}", str(stored.dtype), "whole numbers")
    if colours and stored.ndim == 2:
        stored = np.repeat(stored[..., None], 3, axis=-1)
    if stored.ndim == 3 and stored.shape[-1] in (3, 4) and colours:
        red, green, blue = (stored[..., i].astype(np.int64) for i in range(3))
        return red << 16 | green << 8 | blue
    if stored.ndim != 2:
        raise invalid(
            f"label map {where} of the shape", stored.shape, "[height, width] with values of classes; where colours "
            "stand for classes: data.colors"
        )  # fmt: skip
    return stored.astype(np.int64)


def meaning(
    maps: Iterable[np.ndarray], where: str, values: Sequence[int] | None, colors: Sequence[Sequence[int]] | None,
    ignored: int | Sequence[int] | None, classes: Sequence[str] | None, *, found_colours: bool = False,
) -> MapMeaning:  # fmt: skip
    """What maps mean: what is said, or else what is found in them.

    Args:
      maps: all of them; looked at only where neither values nor colours are given.
      where: they are, for errors.
      values: of the classes, in their order.
      colors: likewise.
      ignored: the value, or colour, of pixels that are not counted.
      classes: names.
      found_colours: whether the maps have colours.

    Raises:
      ValueError: the values that are found are not those of classes, or names and values do not fit together.
    """
    colours = colors is not None or (found_colours and values is None)
    skipped = _code(ignored) if isinstance(ignored, Sequence) else ignored
    if colors is not None:
        found = [_code(each) for each in colors]
    elif values is not None:
        found = [*values]
    else:
        everything: set[int] = set()
        for stored in maps:
            everything.update(np.unique(coded(stored, where, colours=colours)).tolist())
            if len(everything) > 4 * MOST_VALUES:
                break
        found = _found(sorted(everything - {skipped, *(() if colours else (IGNORED,))}), where, skipped, colours)
        if IGNORED in everything and skipped is None and not colours:
            skipped = IGNORED
    if len(set(found)) != len(found) or skipped in found:
        raise invalid("data.values, data.colors, data.ignored", found, "each value once")
    names = tuple(classes) if classes is not None else _names(found, colours)
    if len(names) != len(found):
        shown = [colour(value) for value in found] if colours else found
        raise invalid("data.classes", names, f"a name for each of the {len(found)} values {shown}")
    return MapMeaning(names, tuple(found), skipped, colours)


def _found(values: list[int], where: str, ignored: int | None, colours: bool) -> list[int]:
    shown = [colour(value) for value in values] if colours else values
    if len(values) < 2:
        raise invalid(f"values of the label maps in {where}", shown, "at least two, one for each class")
    if len(values) > MOST_VALUES:
        raise ValueError(
            f"the label maps in {where} have more than {MOST_VALUES} different values: {str(shown[:8])[:-1]}, …]; "
            "allowed: one for each class, stored without loss (PNG, not JPEG), or data.values, data.colors"
        )
    if not colours and ignored is None and values[-1] in (255, 65535) and values[:-1] != [0]:
        raise ValueError(
            f"the label maps in {where} have the value {values[-1]} beside {values[:-1]}; allowed: data.ignored="
            f"{values[-1]}, if such pixels are not to be counted, or data.values={tuple(values)}, if it is a class"
        )
    return values


def _code(triple: Sequence[int]) -> int:
    if len(triple) != 3 or not all(0 <= part <= 255 for part in triple):
        raise invalid("colour", tuple(triple), "three whole numbers from 0 to 255: red, green, blue", (255, 0, 0))
    red, green, blue = triple
    return red << 16 | green << 8 | blue


def _names(values: Sequence[int], colours: bool) -> tuple[str, ...]:
    if colours:
        return tuple("#%02x%02x%02x" % colour(value) for value in values)  # noqa: UP031
    if list(values) in ([0, 255], [0, 1]):
        return "background", "foreground"
    return tuple(map(str, values))
