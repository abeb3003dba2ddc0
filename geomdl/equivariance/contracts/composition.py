"""What modules promise together: applied in turn, or side by side. One rule for each field of a contract."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, cast

from geomdl.equivariance.contracts.contract import Contract
from geomdl.equivariance.contracts.promise import LEVELS, Condition, Promise, Size, by_group
from geomdl.equivariance.contracts.redundancy import NO_REDUNDANCY, Choice, Redundancy
from geomdl.groups import (
    PerAxis,
    PlanarGroup,
    PointGroup,
    SpatialGroup,
    elementwise,
    named_subgroups,
    require_planar,
)
from geomdl.representations import FieldType


def compose(contracts: Sequence[Contract]) -> Contract:
    """The contract of modules applied in turn: the weakest promise, the conditions carried back to the input.

    Raises:
      ValueError: when a module does not take what the one before it gives.

    >>> from geomdl.groups import C4
    >>> t = FieldType(C4, "1 regular")
    >>> half = Contract(t, t, Promise("exact"), Promise("exact"), lambda s: (s[0] // 2, s[1] // 2), step=2, stride=2)
    >>> both = compose([half, half])
    >>> both.step, both.stride, both.output_size((12, 12))
    (4, 4, (3, 3))
    """
    if not contracts:
        raise ValueError("there is nothing to compose: give at least one contract")
    for before, after in itertools.pairwise(contracts):
        if before.out_type != after.in_type:
            raise ValueError(f"a module that takes {after.in_type} follows one that gives {before.out_type}")
    modules = _InTurn(tuple(contracts))
    return Contract(**{field.name: RULES[field.name].in_turn(modules) for field in dataclasses.fields(Contract)})


def side_by_side(contracts: Sequence[Contract], in_type: FieldType, out_type: FieldType) -> Contract:
    """The contract of modules that are applied to one input (or each to its part of it), their outputs put together.

    The weakest promise under all their conditions, and the condition that the outputs have one size.

    Args:
      contracts: of the modules.
      in_type: what comes in altogether.
      out_type: what goes out altogether.

    Raises:
      ValueError: when there are none, or their strides differ.

    >>> from geomdl.equivariance.contracts.contract import exact_everywhere
    >>> from geomdl.groups import C4
    >>> t = FieldType(C4, "1 regular")
    >>> print(side_by_side([exact_everywhere(t), exact_everywhere(t)], t, FieldType(C4, "2 regular")))
    C4: exact
    circular shifts: exact
    crops: exact, every pixel by itself
    """
    strides = {c.stride for c in contracts}
    if len(strides) != 1:
        raise ValueError(f"modules side by side need one stride, got {sorted(map(str, strides))}")
    modules = _SideBySide(tuple(contracts), in_type, out_type)
    return Contract(**{field.name: RULES[field.name].side_by_side(modules) for field in dataclasses.fields(Contract)})


_TIED = Promise("none", why="behind upsampling polyphase components tie, so that rounding chooses")


@dataclasses.dataclass(frozen=True)
class _AfterModules:
    """Whether a condition holds of the size that the first modules make of an input's."""

    condition: Condition
    modules: "_InTurn"
    count: int

    def __call__(self, size: Size) -> bool:
        return self.condition.holds(self.modules.size_after(size, self.count))


@dataclasses.dataclass(frozen=True)
class _InTurn:
    """Modules of which each takes what the one before it gives."""

    contracts: tuple[Contract, ...]

    @functools.cached_property
    def strides(self) -> tuple[int | Fraction | PerAxis, ...]:
        """How many pixels of the first input make up one pixel of what goes into each module; last, of the output."""
        start: list[int | Fraction | PerAxis] = [1]
        return tuple(itertools.accumulate(start + [c.stride for c in self.contracts], lambda a, b: a * b))

    def size_after(self, size: Size, count: int) -> Size:
        """The spatial size that the first modules make of one."""
        return functools.reduce(lambda s, c: c.output_size(s), self.contracts[:count], size)

    def output_size(self, size: Size) -> Size:
        """The spatial size of the output."""
        return self.size_after(size, len(self.contracts))

    @property
    def points(self) -> Promise:
        """The weakest promise about the group of the output, under the conditions that its elements need."""
        return by_group(self.points_of, self.contracts[-1].group)

    def points_of(self, group: PointGroup) -> Promise:
        """What is promised of a subgroup of the group of the output."""
        return _TIED if self.tied and group.order > 1 else self.weakest(lambda c: _points(c, group))

    @property
    def shifts(self) -> Promise:
        """The weakest promise about shifts; about every whole one where no pixels are left."""
        if self.tied:
            return _TIED
        return cast(Promise, self.any_shift) if self.forgets_every_shift else self.weakest(lambda c: c.shifts)

    @functools.cached_property
    def redundancies(self) -> tuple[Redundancy, ...]:
        """How much finer than need be the grid of what goes into each module is; last, of the output."""
        return tuple(itertools.accumulate(self.contracts, lambda r, c: c.redundancy_after(r), initial=NO_REDUNDANCY))

    @functools.cached_property
    def tied(self) -> bool:
        """Whether a module chooses among polyphase components that tie for every image."""
        made = zip(self.contracts, self.redundancies, strict=False)
        return any(choice.is_arbitrary(before) for c, before in made for choice in c.choices)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Those of all modules, seen from the first input."""
        made = zip(self.contracts, self.strides, strict=False)
        return tuple(dict.fromkeys(choice.behind(before) for c, before in made for choice in c.choices))

    def weakest(self, promise: Callable[[Contract], Promise]) -> Promise:
        """The weakest of the modules' promises of one kind, with their conditions on the first input."""
        return _weakest([promise(c) for c in self.contracts], self._carried_back)

    def _carried_back(self, condition: Condition, position: int) -> Condition:
        """A condition of a module as one on the first input; those of later modules say which module it is."""
        text = condition.text if condition.once else _located(condition.text, position)
        return Condition(text, _AfterModules(condition, self, position), condition.once)

    @property
    def step(self) -> int | PerAxis:
        return _common_step(c.step * s for c, s in zip(self.contracts, self.strides, strict=False))

    @functools.cached_property
    def any_shift(self) -> Promise | None:
        """The promise about every whole shift, where a module makes it apart from that about ``shifts``."""
        if all(c.up_to_shift is None for c in self.contracts):
            return None
        return _TIED if self.tied else self.weakest(lambda c: c.any_shift)

    @property
    def forgets_every_shift(self) -> bool:
        """Whether the output has no pixels and every whole shift moves it exactly, that is not at all."""
        pooled = not all(c.has_base_space for c in self.contracts)
        return pooled and self.any_shift is not None and self.any_shift.level == "exact"

    @property
    def reach(self) -> Fraction | int | PerAxis | None:
        """How far an output pixel looks, in pixels of the first input."""
        reach: Fraction | int | PerAxis = Fraction(0)
        for contract, stride in zip(self.contracts, self.strides, strict=False):
            if contract.reach is None:
                return None
            reach = reach + contract.reach * stride
        return reach

    @property
    def offset(self) -> Fraction | int | PerAxis:
        """Where output pixel 0 lies, in pixels of the first input."""
        offset: Fraction | int | PerAxis = 0
        for contract, stride in zip(self.contracts, self.strides, strict=False):
            offset = offset + contract.offset * stride
        return offset


@dataclasses.dataclass(frozen=True)
class _SideBySide:
    """Modules that are applied to one input, or each to its part of it."""

    contracts: tuple[Contract, ...]
    in_type: FieldType
    out_type: FieldType

    @property
    def first(self) -> Contract:
        return self.contracts[0]

    @property
    def points(self) -> Promise:
        """The weakest promise about the group of the output, under the conditions that its elements need."""
        return by_group(self.points_of, self.out_type.group)

    def points_of(self, group: PointGroup) -> Promise:
        """What is promised of a subgroup of the group of the output."""
        return self.weakest(lambda c: _points(c, group))

    def weakest(self, promise: Callable[[Contract], Promise]) -> Promise:
        """The weakest of the modules' promises of one kind, with all their conditions."""
        return _weakest([promise(c) for c in self.contracts], lambda condition, _: condition)

    def output_size(self, size: Size) -> Size:
        """The spatial size of all outputs. Raises ValueError when they differ."""
        sizes = [tuple(c.output_size(size)) for c in self.contracts]
        if len(set(sizes)) != 1:
            found = ", ".join(map(str, sizes))
            raise ValueError(f"modules side by side give images of different sizes for one of {size}: {found}")
        return sizes[0]

    @property
    def up_to_shift(self) -> Promise | None:
        """Nothing where one module chooses its shift, as the others may choose others."""
        if all(c.up_to_shift is None for c in self.contracts):
            return None
        return Promise("none", why="modules side by side may choose different shifts")

    @property
    def reach(self) -> Fraction | int | PerAxis | None:
        """The largest; None where the pixels of the modules lie at different places."""
        reaches = [c.reach for c in self.contracts if c.reach is not None]
        if len(reaches) < len(self.contracts) or len({c.offset for c in self.contracts}) != 1:
            return None
        return functools.reduce(lambda a, b: elementwise(max, a, b), reaches)

    @property
    def redundancy(self) -> Redundancy:
        """What all modules have."""
        own = (c.redundancy_after(NO_REDUNDANCY) for c in self.contracts)
        return functools.reduce(lambda a, b: a.shared(b), own)


@dataclasses.dataclass(frozen=True)
class _Rule:
    """What modules together have for one field of `Contract`."""

    in_turn: Callable[[_InTurn], Any]
    side_by_side: Callable[[_SideBySide], Any]


RULES: dict[str, _Rule] = {
    "in_type": _Rule(
        in_turn=lambda modules: modules.contracts[0].in_type,
        side_by_side=lambda modules: modules.in_type,
    ),
    "out_type": _Rule(
        in_turn=lambda modules: modules.contracts[-1].out_type,
        side_by_side=lambda modules: modules.out_type,
    ),
    "points": _Rule(
        in_turn=lambda modules: modules.points,
        side_by_side=lambda modules: modules.points,
    ),
    "shifts": _Rule(
        in_turn=lambda modules: modules.shifts,
        side_by_side=lambda modules: modules.weakest(lambda c: c.shifts),
    ),
    "output_size": _Rule(
        in_turn=lambda modules: modules.output_size,
        side_by_side=lambda modules: modules.output_size,
    ),
    "step": _Rule(
        in_turn=lambda modules: 1 if modules.forgets_every_shift else modules.step,
        side_by_side=lambda modules: _common_step(c.step for c in modules.contracts),
    ),
    "stride": _Rule(
        in_turn=lambda modules: modules.strides[-1],
        side_by_side=lambda modules: modules.first.stride,
    ),
    "depth": _Rule(
        in_turn=lambda modules: sum(c.depth for c in modules.contracts),
        side_by_side=lambda modules: max(c.depth for c in modules.contracts) + 1,
    ),
    "random_in_training": _Rule(
        in_turn=lambda modules: any(c.random_in_training for c in modules.contracts),
        side_by_side=lambda modules: any(c.random_in_training for c in modules.contracts),
    ),
    "exact_within": _Rule(
        in_turn=lambda modules: _common_exact_group(modules.contracts),
        side_by_side=lambda modules: _common_exact_group(modules.contracts),
    ),
    "fractional": _Rule(
        in_turn=lambda modules: modules.weakest(lambda c: c.fractional),
        side_by_side=lambda modules: modules.weakest(lambda c: c.fractional),
    ),
    "up_to_shift": _Rule(
        in_turn=lambda modules: None if modules.forgets_every_shift else modules.any_shift,
        side_by_side=lambda modules: modules.up_to_shift,
    ),
    "reach": _Rule(
        in_turn=lambda modules: modules.reach,
        side_by_side=lambda modules: modules.reach,
    ),
    "offset": _Rule(
        in_turn=lambda modules: modules.offset,
        side_by_side=lambda modules: modules.first.offset,
    ),
    "has_base_space": _Rule(
        in_turn=lambda modules: all(c.has_base_space for c in modules.contracts),
        side_by_side=lambda modules: all(c.has_base_space for c in modules.contracts),
    ),
    "redundancy": _Rule(
        in_turn=lambda modules: modules.redundancies[-1],
        side_by_side=lambda modules: modules.redundancy,
    ),
    "choices": _Rule(
        in_turn=lambda modules: modules.choices,
        side_by_side=lambda modules: tuple(dict.fromkeys(itertools.chain(*(c.choices for c in modules.contracts)))),
    ),
}
"""By the name of the field; a field without a rule is an error at the first composition."""


def _weakest(promises: Sequence[Promise], on_input: Callable[[Condition, int], Condition]) -> Promise:
    """The weakest level, with every condition as one on the input; that of a square input is named once."""
    level = LEVELS[min(LEVELS.index(p.level) for p in promises)]
    reasons = [why for p in promises if p.level == level and p.why for why in p.why.split("; ")]
    conditions: dict[tuple[str, int], Condition] = {}
    if level != "none":
        for position, promise in enumerate(promises):
            for condition in (on_input(c, position) for c in promise.conditions):
                key = (condition.text, 0 if condition.once else position)
                conditions.setdefault(key, condition)
    return Promise(level, tuple(conditions.values()), "; ".join(dict.fromkeys(reasons)))


def _points(contract: Contract, group: PointGroup) -> Promise:
    """What a module promises of a group, of which the fields that it gives are fields too."""
    return contract.points if contract.group == group else contract.points.within(group)


def _located(text: str, position: int) -> str:
    """The words of a condition with the place of its module, nested places joined by dots.

    >>> _located("an even size", 0), _located("an even size", 2), _located("an even size (module 4)", 2)
    ('an even size', 'an even size (module 2)', 'an even size (module 2.4)')
    """
    if text.endswith(")") and " (module " in text:
        return text.replace(" (module ", f" (module {position}.")
    return f"{text} (module {position})" if position else text


def _common_step(steps: Iterable[int | Fraction | PerAxis]) -> int | PerAxis:
    """The smallest whole number of pixels that is a multiple of every step, along each axis."""
    # p/q in lowest terms divides n iff p divides n
    return elementwise(lambda *along_axis: math.lcm(*(Fraction(step).numerator for step in along_axis)), *steps)


def _common_exact_group(contracts: Sequence[Contract]) -> PlanarGroup | SpatialGroup | None:
    """The intersection of the groups to which exact promises are confined; None when nothing is."""
    group = contracts[-1].group
    if all(c.exact_within is None for c in contracts):
        return None
    if isinstance(group, SpatialGroup):
        common = functools.reduce(_intersection_in_space, [c.exact_group for c in contracts], group)
        return None if common == group else common
    planar = [require_planar(c.exact_group, "an exact promise about a subgroup") for c in contracts]
    common = functools.reduce(_intersection, planar, require_planar(group, "an exact promise about a subgroup"))
    return None if common == group else common


def _intersection_in_space(a: SpatialGroup, b: Any) -> SpatialGroup:
    """The largest group with a name that is in both; `named_subgroups` of a continuous one are tenfold at most."""
    if not isinstance(b, SpatialGroup):
        raise TypeError(f"{b} is no group of space")
    for large, small in ((a, b), (b, a)):
        if large.contains_group(small):
            return small
    finite, other = (a, b) if a.is_finite else (b, a)
    return [h for h in named_subgroups(finite) if other.contains_group(h)][-1]


def _intersection(a: PlanarGroup, b: PlanarGroup) -> PlanarGroup:
    if not (a.is_finite and b.is_finite):
        small = a if a.is_finite else b
        both = a.reflections and b.reflections
        return PlanarGroup(small.rotation_order, both, small.mirror if both else 0.0)
    order = math.gcd(int(a.rotation_order), int(b.rotation_order))
    lines = [a.mirror + k * 180 / int(a.rotation_order) for k in range(int(a.rotation_order) * a.reflections)]
    common = [line for line in lines if b.contains_group(PlanarGroup(1, True, line))]
    return PlanarGroup(order, bool(common), common[0] if common else 0.0)
