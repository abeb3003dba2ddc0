"""The type of a feature field: how its channels transform."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from geomdl.errors import invalid, misshapen
from geomdl.groups import (
    PLANE,
    POINT,
    VOLUME,
    AnySubgroup,
    BaseSpace,
    DirectProduct,
    Element,
    PlanarGroup,
    PointGroup,
    SpatialGroup,
    base_space,
    point_factors,
    point_group,
    require_planar,
    require_point_group,
)
from geomdl.groups import subgroup as subgroup_of
from geomdl.numbers import whole_number
from geomdl.representations.parsing import representation, weighted_sum
from geomdl.representations.representation import Representation, counted
from geomdl.representations.restriction import disentangle, restrict


@dataclasses.dataclass(frozen=True)
class Block:
    """A run of equal fields: ``multiplicity`` copies of one representation, and the channels they take.

    Attributes:
      representation: of each field.
      multiplicity: how many fields.
      start: the first of their channels.
    """

    representation: Representation
    multiplicity: int
    start: int

    @property
    def channels(self) -> slice:
        """The channels of the block; within them (multiplicity, representation size) is flattened."""
        return slice(self.start, self.start + self.multiplicity * self.representation.size)

    def __repr__(self) -> str:
        return counted(self.multiplicity, self.representation.name)


class FieldType:
    """A group acting on the plane or on space, and a list of representations with multiplicities on the channels.

    Groups of the plane move images, groups of space (O, Oh, SO3, …) volumes. The group may also be a direct product of
    two of them; it then acts on channels only, and fields have no base space (as in equivariant multilayer
    perceptrons), or the first factor moves the base space that is named and the second, an internal symmetry, acts on
    channels only: `Conv` has kernels K(gx) = ρ_out(g, h) K(x) ρ_in(g, h)⁻¹. Fields on another base space name it:
    signals lie on the ``"line"``, volumes that no group moves (C1) on the ``"volume"``. Layers take the number of axes
    from there.

    A field f of this type transforms as (g·f)(x) = ρ(g) f(g⁻¹x), where ρ is the direct sum of the representations.

    Args:
      group: a group of the plane or of space, a direct product of two of them, or its name: ``"D4"``, ``"Oh"``,
        ``"C4 x D1"``.
      fields: ``"8 regular"``, ``"8 trivial + 4 irrep(1,1)"``, ``"2 quotient(C2) + 3 band_limited(3)"`` (see
        `geomdl.representations.representation`), for O3 also irreps as e3nn writes them (``"8x0e + 4x1o"``, or an
        ``e3nn_jax.Irreps``); or a representation, or a list: of such texts, of representations, or
        of pairs (multiplicity, representation or its name).
      space: the base space, or its name: ``"plane"``, ``"line"``, ``"volume"``, ``"point"``; by default the plane, the
        volume for groups of space, and none for direct products. See `geomdl.groups.BaseSpace`. (An array may also hold
        one fibre only, without axes of the base space, as after pooling over all pixels.)

    Raises:
      ValueError: for an unknown group, representation or space, a multiplicity that is not positive, or a group that
        does not act on the space.

    >>> from geomdl.groups import C4
    >>> FieldType(C4, "8 trivial + 4 regular")
    FieldType(C4, "8 trivial + 4 regular")
    >>> FieldType("C4", "8 trivial + 4 regular").size
    24
    >>> FieldType("C4 x D1", "2 regular + 3 outer(irrep(1),trivial)").size
    22
    >>> FieldType("C4 x C2", "2 regular", space="plane").axes  # images, and a symmetry of their channels
    ('batch', 'height', 'width', 'channels')
    >>> FieldType("D1", "4 regular", space="line")  # signals, and whether they run forwards or backwards
    FieldType(D1, "4 regular", space="line")
    >>> FieldType("O", "1 trivial + 2 regular").axes, FieldType("O3", "8x0e + 4x1o + 2x2e").size
    (('batch', 'depth', 'height', 'width', 'channels'), 30)
    >>> FieldType("D4", "0 regular")
    Traceback (most recent call last):
    ...
    ValueError: invalid multiplicity in field type '0'; allowed: a positive integer; try 1
    """

    group: PointGroup
    blocks: tuple[Block, ...]
    space: BaseSpace

    def __init__(
        self,
        group: PointGroup | str,
        fields: "Fields",
        space: BaseSpace | str | None = None,
    ) -> None:
        self.group = point_group(group)
        self.space = _own_space(self.group) if space is None else base_space(space)
        self.space.require_moved_by(self.group, f"fields on the {self.space.name}")
        blocks, start = [], 0
        for multiplicity, rho in _pairs(self.group, fields):
            if rho.group != self.group:
                raise ValueError(f"{rho} is a representation of {rho.group}, but the field type is of {self.group}")
            blocks.append(Block(rho, multiplicity, start))
            start = blocks[-1].channels.stop
        if not blocks:
            raise invalid("field type", fields, "at least one representation", "1 trivial")
        self.blocks = tuple(blocks)

    @property
    def size(self) -> int:
        """The number of channels."""
        return self.blocks[-1].channels.stop

    @property
    def num_fields(self) -> int:
        """The number of fields, each with its own representation."""
        return sum(b.multiplicity for b in self.blocks)

    @property
    def fields(self) -> str:
        """The fields as they are typed, e.g. ``"8 trivial + 4 regular"``."""
        return " + ".join(map(str, self.blocks))

    @functools.cached_property
    def is_permutation(self) -> bool:
        """Whether the group only permutes channels, so that pointwise nonlinearities are equivariant."""
        return all(b.representation.is_permutation for b in self.blocks)

    @functools.cached_property
    def is_trivial(self) -> bool:
        """Whether the group leaves every channel as it is (scalar fields only)."""
        return all(b.representation.is_trivial for b in self.blocks)

    def merged(self) -> "FieldType":
        """The same channels, with neighbouring blocks of one representation as one block.

        >>> FieldType("C4", "1 regular + 2 regular + 1 trivial").merged()
        FieldType(C4, "3 regular + 1 trivial")
        """
        runs = itertools.groupby(self.blocks, key=lambda block: block.representation)
        return self.with_fields([(sum(block.multiplicity for block in run), rho) for rho, run in runs])

    def matrix(self, g: Element) -> np.ndarray:
        """ρ(g) ``[..., size, size]``, the direct sum over all fields."""
        g = self.group.require_elements(g)
        matrix = np.zeros((*g.shape[:-1], self.size, self.size))
        for b in self.blocks:
            rho = b.representation(g)
            for start in range(b.channels.start, b.channels.stop, b.representation.size):
                stop = start + b.representation.size
                matrix[..., start:stop, start:stop] = rho
        return matrix

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes of an array of such fields: batch, those of the base space, channels.

        >>> FieldType("C1", "1 trivial", space="line").axes
        ('batch', 'length', 'channels')
        """
        return ("batch", *self.space.axes, "channels")

    def require_channels(self, channels: int, what: str) -> None:
        """Raises a ValueError when an array has another number of channels than this type."""
        if channels != self.size:
            raise ValueError(f"{what} has {channels} channels, but {self} has {self.size}")

    def require_permutation(self, what: str) -> None:
        """Raises a ValueError when some field's channels are not permuted by the group."""
        for b in self.blocks:
            if not b.representation.is_permutation:
                raise ValueError(
                    f"{what} needs fields whose channels the group permutes (trivial, regular, quotient);"
                    f" {b.representation} of {self.group} does more"
                )

    def require_base_space(self, what: str) -> BaseSpace:
        """The base space, for a layer that moves windows over it.

        Raises:
          ValueError: when there is none; the message says what works without.
        """
        if isinstance(self.group, DirectProduct) and not self.space.dimension:
            first, _ = point_factors(self.group)
            raise ValueError(
                f"{what} needs fields on a base space, which {self} has not; allowed for direct products, of which the"
                f' first factor moves it: FieldType("{self.group}", …, space="{_own_space(first)}")'
            )
        if not self.space.dimension:
            raise ValueError(f"{what} needs fields on a base space, which {self} has not; allowed: plane, line, volume")
        return self.space

    def require_plane(self, what: str) -> PlanarGroup:
        """The group, for a layer that works on images only.

        Raises:
          ValueError: for fields on another base space, or a direct product of groups.
        """
        group = require_planar(self.group, what)
        if self.space != PLANE:
            raise ValueError(
                f"{what} takes images {PLANE.layout}; {self} is of {self.space.fields} {self.space.layout}"
            )
        return group

    def require_layout(self, shape: tuple[int, ...], what: str) -> None:
        """Raises a ValueError when an array is no batch of fields over the whole base space, or has other channels."""
        if len(shape) != self.space.dimension + 2 or (shape[-1] != self.size and shape[1] == self.size):
            raise self.misshapen(what, shape)
        self.require_channels(shape[-1], what)

    def misshapen(self, what: str, shape: tuple[int, ...]) -> ValueError:
        """A ValueError for an array whose shape is not that of fields of this type, with a guess at the mistake."""
        return misshapen(what, shape, self.axes, self.size, kind=self.space.fields)

    def with_fields(self, fields: "Fields") -> "FieldType":
        """Other fields of the same group on the same base space.

        >>> FieldType("D1", "4 regular", space="line").with_fields("4 trivial")
        FieldType(D1, "4 trivial", space="line")
        """
        return FieldType(self.group, fields, self.space)

    def restrict(self, subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str, axis: float = 0) -> "FieldType":
        """The same channels as a field of a subgroup; see `geomdl.representations.restrict`.

        Args:
          subgroup: H.
          axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`. The new type's group has the mirror
            line of that reflection, as it moves the plane.

        Raises:
          ValueError: when it is no subgroup.

        >>> FieldType("D4", "2 trivial + 3 regular").restrict("C4")
        FieldType(C4, "2 trivial + 3 restrict(D4,regular)")
        >>> FieldType("D4", "1 trivial").restrict("D1", axis=1)  # the reflection about the diagonal
        FieldType(D1(mirror=45), "1 trivial")
        """
        embedding = subgroup_of(require_point_group(self.group, "restriction to a subgroup"), subgroup, axis)
        group = embedding.moving
        parts = [(b.multiplicity, restrict(b.representation, embedding)) for b in self.blocks]
        return FieldType(group, [(count, dataclasses.replace(rho, group=group)) for count, rho in parts], self.space)

    def disentangle(self) -> tuple["FieldType", np.ndarray]:
        """Sorts the channels into fields as small as possible; see `geomdl.representations.disentangle`.

        Returns:
          The type of ``x[..., order]`` for a field x of this type, and ``order`` ``[size]``.

        >>> FieldType("D4", "3 regular").restrict("C4").disentangle()[0]
        FieldType(C4, "6 regular")
        """
        parts, order = [], []
        for b in self.blocks:
            channels = np.arange(self.size)[b.channels].reshape(b.multiplicity, b.representation.size)
            small, within = disentangle(b.representation)
            stops = np.cumsum([rho.size for rho in small])
            for rho, stop in zip(small, stops, strict=True):
                order.append(channels[:, within[stop - rho.size : stop]].ravel())
                if parts and parts[-1][1] == rho:
                    parts[-1] = (parts[-1][0] + b.multiplicity, rho)
                else:
                    parts.append((b.multiplicity, rho))
        return self.with_fields(parts), np.concatenate(order)

    def __add__(self, other: "FieldType") -> "FieldType":
        """The fields of both, side by side: the type of the concatenated channels."""
        if not isinstance(other, FieldType):
            return NotImplemented
        if (other.group, other.space) != (self.group, self.space):
            alike = "field types of one group" + ("" if other.space == self.space else " on one base space")
            raise ValueError(f"{alike} can be added, got {self} and {other}")
        return self.with_fields([(b.multiplicity, b.representation) for b in (*self.blocks, *other.blocks)])

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, FieldType):
            return False
        return (self.group, self.blocks, self.space) == (other.group, other.blocks, other.space)

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.group, self.blocks, self.space))

    def __repr__(self) -> str:
        space = "" if self.space == _own_space(self.group) else f', space="{self.space.name}"'
        return f'FieldType({self.group}, "{self.fields}"{space})'


Fields = str | Representation | Iterable[str | Representation | tuple[int, str | Representation]]
"""What the fields of a `FieldType` are given as."""


def _pairs(group: PointGroup, fields: Any) -> list[tuple[int, Representation]]:
    """The (multiplicity, representation) pairs that are meant."""
    if isinstance(fields, str):
        return weighted_sum(group, fields)
    if type(fields).__module__.startswith("e3nn_jax"):  # Irreps
        return weighted_sum(group, str(fields))
    if isinstance(fields, Representation):
        return [(1, fields)]
    allowed = "'8 trivial + 4 regular', or a list of pairs (multiplicity, representation)"
    if isinstance(fields, np.ndarray | Mapping | Set | bytes) or not isinstance(fields, Iterable):
        raise invalid("field type", fields, allowed, f"'{fields} trivial'" if isinstance(fields, int) else None)
    pairs = []
    for part in fields:
        if isinstance(part, str | Representation):
            pairs += _pairs(group, part)
            continue
        if not (isinstance(part, tuple | list) and len(part) == 2 and isinstance(part[1], str | Representation)):
            raise invalid("part of a field type", part, allowed)
        rho = representation(group, part[1]) if isinstance(part[1], str) else part[1]
        pairs.append((whole_number("multiplicity in field type", part[0]), rho))
    return pairs


def _own_space(group: PointGroup) -> BaseSpace:
    """What a group acts on unless something else is said."""
    if isinstance(group, SpatialGroup):
        return VOLUME
    return POINT if isinstance(group, DirectProduct) else PLANE
