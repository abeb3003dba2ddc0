"""The names of the groups of space, as they are typed and printed."""

import dataclasses
import functools
import re

SPATIAL_FAMILIES = {
    "T": "the 12 rotations of the tetrahedron",
    "Td": "its 24 rotations and reflections",
    "Th": "the rotations of the tetrahedron, and these times −1",
    "O": "the 24 rotations of the cube",
    "Oh": "the 48 rotations and reflections of the cube",
    "I": "the 60 rotations of the icosahedron",
    "Ih": "the 120 rotations and reflections of the icosahedron",
    "Ci": "the inversion",
    "SO3": "all rotations of space",
    "O3": "all rotations and reflections of space",
    "C<N>z": "rotations about the z axis by multiples of 360°/N; N = inf: all of them, SO2z",
    "D<N>z": "these and half turns about N horizontal axes",
    "C<N>v": "these and N vertical mirrors; Cinfv, the symmetries of a cone, is O2z too",
    "C<N>h": "the rotations of C<N>z and these times the mirror z ↦ −z",
    "D<N>h": "the rotations of D<N>z and these times the mirror z ↦ −z; Dinfh: of a cylinder",
    "D<N>d": "the rotations of D<N>z and N vertical mirrors between the horizontal axes",
    "S<2N>z": "multiples of the rotation about z by 180°/N with the mirror z ↦ −z",
}
"""The names of the groups of space, each with what it stands for."""

OTHER_AXES = (
    "the same about x, y or a diagonal of the cube: C<N>x, C<N>vx, C3[111], C2[1-10]; H x K of groups that commute"
)
"""Names that follow from those of `SPATIAL_FAMILIES`, for messages."""

LARGEST_AXIAL_ORDER = 64
"""The most rotations about the axis."""

_NAMED = {name.lower(): name for name in SPATIAL_FAMILIES if "<" not in name}
DIAGONALS = ("[111]", "[-111]", "[1-11]", "[11-1]", "[110]", "[1-10]", "[101]", "[10-1]", "[011]", "[01-1]")
"""The axes through corners and through the middles of edges of the cube, as crystallographers write directions."""

DIAGONAL_NAMES = tuple(
    start + axis for axis in DIAGONALS for start in (("C2", "D2", "C2v") if "0" in axis else ("C3", "D3", "C3v"))
)
"""Names of groups about them, for suggestions."""

_AXIAL = re.compile(r"([CDS])([1-9][0-9]{0,8}|INF)([VHD]?)([XYZ]?|\[(?:-?[01]){3}\])")
_PLANAR = {"SO2": "CINF", "O2": "CINFV"}


@dataclasses.dataclass(frozen=True)
class AxialName:
    """The parts of the name of a group about an axis.

    Args:
      letter: C, D or S.
      order: of the rotation; None for a continuous group.
      kind: v, h, d or nothing.
      axis: x, y, z or one of `DIAGONALS`.

    >>> parsed_axial("C4vx")
    AxialName(letter='C', order=4, kind='v', axis='x')
    """

    letter: str
    order: int | None
    kind: str
    axis: str

    @property
    def is_continuous(self) -> bool:
        """Whether all rotations about the axis are in the group."""
        return self.order is None

    @property
    def has_rotoreflections(self) -> bool:
        """Whether the mirror comes with rotations only, as in S<2N>z and D<N>d."""
        return self.letter == "S" or self.kind == "d"

    @property
    def steps(self) -> int:
        """How many powers the rotation or rotoreflection has; 0 of a continuous group."""
        return (self.order or 0) * (2 if self.kind == "d" else 1)

    def __str__(self) -> str:
        order = "inf" if self.order is None else str(self.order)
        return f"{self.letter}{order}{self.kind}{'' if self.kind and self.axis == 'z' else self.axis}"

    @property
    def direction(self) -> tuple[int, int, int]:
        """Of the axis, (x, y, z).

        >>> parsed_axial("C3[-111]").direction, parsed_axial("C4x").direction
        ((-1, 1, 1), (1, 0, 0))
        """
        return _direction(self.axis) if len(self.axis) > 1 else _COORDINATES[self.axis]


def parsed_axial(name: object) -> AxialName | None:
    """The parts of the name of a group about an axis, however it is written; None for another name.

    An axis has one name, whichever of its two directions is typed: [1-1-1] is [-111], and [001] is z.

    >>> [str(parsed_axial(name)) for name in ("C3[1 1 1]", "C2[-110]", "D3[1,-1,-1]", "C4v[001]", "S4[010]", "C3[112]")]
    ['C3[111]', 'C2[1-10]', 'D3[-111]', 'C4v', 'S4y', 'None']
    >>> [str(parsed_axial(name)) for name in ("c4Z", "C∞v", "SO(2)z", "O2x", "D3d", "S4y", "C4", "D4v", "S3z")]
    ['C4z', 'Cinfv', 'Cinfz', 'Cinfvx', 'D3d', 'S4y', 'None', 'None', 'None']
    """
    return _parsed(str(name))


@functools.lru_cache(maxsize=4096)
def _parsed(name: str) -> AxialName | None:
    text = re.sub(r"[\s_(),]", "", name).replace("∞", "inf").replace("−", "-").upper()
    for planar, whole in _PLANAR.items():
        text = re.sub(rf"^{planar}(?=[XYZ]$|\[)", whole, text)
    match = _AXIAL.fullmatch(text)
    if match is None:
        return None
    letter, kind, axis = match[1], match[3].lower(), _axis(match[4].lower())
    if axis is None:
        return None
    order = None if match[2] == "INF" else int(match[2])
    forms = {"C": ("", "v", "h"), "D": ("", "h", "d"), "S": ("",)}[letter]
    exists = kind in forms and (order is not None or (letter != "S" and kind != "d"))
    if not exists or not (kind or axis) or (order or 0) > LARGEST_AXIAL_ORDER or (letter == "S" and (order or 1) % 2):
        return None
    return AxialName(letter, order, kind, axis or "z")


def _axis(text: str) -> str | None:
    """The one name of an axis x, y, z or [hkl]; "" of none, None of [000]."""
    if len(text) < 2:
        return text
    direction = _direction(text)
    both = (direction, tuple(-n for n in direction))
    coordinates = (axis for axis, unit in _COORDINATES.items() if unit in both)
    diagonals = (axis for axis in DIAGONALS if _direction(axis) in both)
    return next(iter((*coordinates, *diagonals)), None) if any(direction) else None


def _direction(text: str) -> tuple[int, int, int]:
    x, y, z = map(int, re.findall(r"-?[01]", text))
    return x, y, z


_COORDINATES = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}


def factors_of(name: object) -> list[str]:
    """The names between the signs × or x of a product; the name itself where there is none.

    >>> factors_of("C3v x Ci"), factors_of("O")
    (['C3v', 'Ci'], ['O'])
    """
    return re.split(r"\s+x\s+|\s*×\s*", str(name).strip())


def canonical_name(name: object) -> str | None:
    """The name of a group of space as it is printed, a product's by its factors; None for an unknown one.

    >>> [canonical_name(name) for name in ("SO(3)", "oh", "C4Z", "SO2z", "C4", "C3v × ci", "C4 x C2")]
    ['SO3', 'Oh', 'C4z', 'Cinfz', None, 'C3v x Ci', None]
    """
    factors = factors_of(name)
    if len(factors) > 1:
        names = [canonical_name(factor) for factor in factors]
        return None if None in names else " x ".join(map(str, names))
    text = re.sub(r"[\s_()]", "", str(name)).lower()
    if text in _NAMED:
        return _NAMED[text]
    axial = parsed_axial(name)
    return None if axial is None else str(axial)
