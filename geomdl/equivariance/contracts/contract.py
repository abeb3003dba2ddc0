"""What a module promises about symmetry, and under which conditions."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from geomdl.equivariance.contracts.promise import ALIASED, LEVELS, NOTHING, Condition, Promise, Size, square
from geomdl.groups import PerAxis, PlanarGroup, PointGroup, elementwise, require_planar
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a module f promises.

      Point group:  f(ρ_in(g) x) = ρ_out(g) f(x) for g in ``group``; at the promised level for the elements of
                    ``exact_group`` that map the pixel grid to itself, approximately for the others.
      Translations: f(T_s x) = T_{s/stride} f(x) for circular shifts s that are multiples of ``step`` pixels; f(x)
                    itself on the right when the output has no base space.

    Sizes have one number for each axis of the base space of ``in_type``. Numbers of pixels (``step``, ``stride``,
    ``reach``, ``offset``) are the same along every axis, or a `geomdl.groups.PerAxis`.

    Args:
      in_type: ρ_in.
      out_type: ρ_out, of the same group, or of a subgroup (as after restriction in the middle of a network): then the
        promise is about the subgroup.
      points: the promise about the point group.
      shifts: the promise about circular shifts.
      output_size: the spatial size of the output for a spatial size of the input; () without base space.
      step: shifts by multiples of this many pixels are covered.
      stride: how many input pixels make up one output pixel; a fraction after upsampling.
      depth: how many layers follow one another, for the rounding error.
      random_in_training: whether training mode draws random numbers, so that the promises hold in distribution only.
      exact_within: a subgroup to which an exact promise is confined (as when a function on SO(2) is sampled at the
        elements of C_N); None for the whole group.
      fractional: the promise about circular shifts by any real number of pixels, f(T_s x) = T_{s/stride} f(x), where
        T_s is the ideal (Fourier) interpolation and x has no component at the Nyquist frequency.
      up_to_shift: the promise that a circular shift by any whole number of pixels moves the output by some circular
        shift of whole pixels, which may depend on the image: f(T_s x) = T_{r(x, s)} f(x). None: what ``shifts``
        promises where ``step`` is 1, else nothing; see `any_shift`.
      reach: an output pixel depends on input pixels at most this far from its place, along each axis, and in the same
        way wherever it lies; None: on others too, or on where it lies.
      offset: output pixel i lies at i · stride + offset in pixels of the input.
      has_base_space: whether the output has pixels.

    Raises:
      ValueError: when the group of ``out_type`` is not a subgroup of that of ``in_type``.

    >>> from geomdl.groups import C4
    >>> t = FieldType(C4, "1 regular")
    >>> print(Contract(t, t, Promise("exact", (square,)), NOTHING, output_size=lambda size: size))
    C4: exact, given a square input
    circular shifts: none
    """

    in_type: FieldType
    out_type: FieldType
    points: Promise
    shifts: Promise
    output_size: Callable[[Size], Size]
    step: int | PerAxis = 1
    stride: int | Fraction | PerAxis = 1
    depth: int = 1
    random_in_training: bool = False
    exact_within: PlanarGroup | None = None
    fractional: Promise = NOTHING
    up_to_shift: Promise | None = None
    reach: Fraction | int | PerAxis | None = None
    offset: Fraction | int | PerAxis = 0
    has_base_space: bool = True

    def __post_init__(self) -> None:
        if not self.in_type.group.contains_group(self.out_type.group):
            raise ValueError(
                f"a contract relates fields of one group, or of a group and a subgroup; got {self.in_type} and"
                f" {self.out_type}"
            )

    @property
    def group(self) -> PointGroup:
        """The group that the promise is about: that of ``out_type``."""
        return self.out_type.group

    @property
    def exact_group(self) -> PointGroup:
        """The elements for which an exact promise is exact; for the others it is approximate."""
        return self.group if self.exact_within is None else self.exact_within

    @property
    def any_shift(self) -> Promise:
        """``up_to_shift`` where it is given, else what follows from ``shifts``."""
        if self.up_to_shift is not None:
            return self.up_to_shift
        return self.shifts if self.step == 1 else NOTHING

    @property
    def cropped(self) -> Promise:
        """The promise about crops: where a window on a larger scene moves by a multiple of ``step`` pixels, the output
        moves by as much, exactly, wherever the field of view of an output pixel (its place ± ``reach``) lies inside
        both windows."""
        if self.reach is None or not self.has_base_space:
            return Promise("none", why="an output depends on the whole image, or on its place in it")
        return Promise("exact")

    def __str__(self) -> str:
        of = f" of multiples of {self.step} pixels" if self.step != 1 and self.shifts.level != "none" else ""
        within = f" within {self.exact_group}" if self.exact_group != self.group else ""
        lines = [f"{self.group}{within}: {self.points}", f"circular shifts{of}: {self.shifts}"]
        if self.up_to_shift is not None:
            lines.append(f"every whole circular shift, up to a shift of the output: {self.up_to_shift}")
        if self.fractional.level == "exact":
            lines.append(f"fractional circular shifts: {self.fractional}")
        if self.cropped.level == "exact":
            view = f"with a field of view of ±{self.reach} pixels" if self.reach else "every pixel by itself"
            lines.append(f"crops: exact, {view}")
        return "\n".join(lines)


def exact_everywhere(
    in_type: FieldType,
    out_type: FieldType | None = None,
    *,
    output_size: Callable[[Size], Size] = lambda size: size,
    random_in_training: bool = False,
    linear: bool = False,
    reach: int | None = 0,
    has_base_space: bool = True,
) -> Contract:
    """The contract of a map that commutes with every group element and every shift, at any size.

    Args:
      in_type: what comes in.
      out_type: what goes out; the same by default.
      output_size: of the output.
      random_in_training: see `Contract`.
      linear: whether it is linear in the pixels (statistics of the whole image aside), and so commutes with fractional
        shifts too; other maps make frequencies that alias.
      reach: 0 for a map of each pixel by itself, None for one that looks at the whole image.
      has_base_space: whether the output has pixels.

    >>> from geomdl.groups import C4
    >>> print(exact_everywhere(FieldType(C4, "1 regular")))
    C4: exact
    circular shifts: exact
    crops: exact, every pixel by itself
    """
    exact = Promise("exact")
    out_type = in_type if out_type is None else out_type
    return Contract(
        in_type,
        out_type,
        exact,
        exact,
        output_size,
        random_in_training=random_in_training,
        fractional=exact if linear else ALIASED,
        reach=reach if has_base_space else None,
        has_base_space=has_base_space,
    )


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

    def size_after(size: Size, count: int) -> Size:
        return functools.reduce(lambda s, c: c.output_size(s), contracts[:count], size)

    def carry(condition: Condition, position: int) -> Condition:
        return Condition(condition.text, lambda size: condition.holds(size_after(size, position)))

    strides: list[int | Fraction | PerAxis] = [1]
    for contract in contracts:
        strides.append(strides[-1] * contract.stride)
    step, shifts = (
        _common_step(c.step * s for c, s in zip(contracts, strides, strict=False)),
        _weakest([c.shifts for c in contracts], carry),
    )
    up_to_shift = None
    if any(c.up_to_shift is not None for c in contracts):
        up_to_shift = _weakest([c.any_shift for c in contracts], carry)
    pooled = not all(c.has_base_space for c in contracts)
    if pooled and up_to_shift is not None and up_to_shift.level == "exact":  # a shift of no pixels is none
        step, shifts, up_to_shift = 1, up_to_shift, None
    reach, offset = _field_of_view(contracts, strides)
    return Contract(
        contracts[0].in_type,
        contracts[-1].out_type,
        _weakest([c.points for c in contracts], carry),
        shifts,
        lambda size: size_after(size, len(contracts)),
        step,
        strides[-1],
        sum(c.depth for c in contracts),
        any(c.random_in_training for c in contracts),
        _common_exact_group(contracts),
        _weakest([c.fractional for c in contracts], carry),
        up_to_shift,
        reach,
        offset,
        not pooled,
    )


def side_by_side(contracts: Sequence[Contract], in_type: FieldType, out_type: FieldType) -> Contract:
    """The contract of modules that are applied to one input (or each to its part of it), their outputs put together.

    The weakest promise under all their conditions, and the condition that the outputs have one size.

    Args:
      contracts: of the modules.
      in_type: what comes in altogether.
      out_type: what goes out altogether.

    Raises:
      ValueError: when there are none, or their strides differ.

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
    return Contract(
        in_type,
        out_type,
        _weakest([c.points for c in contracts], lambda condition, _: condition, side_by_side=True),
        _weakest([c.shifts for c in contracts], lambda condition, _: condition, side_by_side=True),
        contracts[0].output_size,
        _common_step(c.step for c in contracts),
        contracts[0].stride,
        max(c.depth for c in contracts) + 1,
        any(c.random_in_training for c in contracts),
        _common_exact_group(contracts),
        _weakest([c.fractional for c in contracts], lambda condition, _: condition, side_by_side=True),
        _shifted_alike(contracts),
        _larger_reach(contracts),
        contracts[0].offset,
        all(c.has_base_space for c in contracts),
    )


def _field_of_view(
    contracts: Sequence[Contract], strides: Sequence[int | Fraction | PerAxis]
) -> tuple[Fraction | PerAxis | None, Fraction | int | PerAxis]:
    """Reach and offset of modules in turn, in pixels of the first one's input."""
    reach: Fraction | PerAxis | None = Fraction(0)
    offset: Fraction | int | PerAxis = 0
    for contract, stride in zip(contracts, strides, strict=False):
        known = reach is not None and contract.reach is not None
        reach = reach + contract.reach * stride if known else None  # type: ignore[operator]
        offset = offset + contract.offset * stride
    return reach, offset


def _larger_reach(contracts: Sequence[Contract]) -> Fraction | int | PerAxis | None:
    """The reach of modules side by side; None where their pixels lie at different places."""
    reaches = [c.reach for c in contracts]
    if None in reaches or len({c.offset for c in contracts}) != 1:
        return None
    return functools.reduce(lambda a, b: elementwise(max, a, b), (r for r in reaches if r is not None))


def _shifted_alike(contracts: Sequence[Contract]) -> Promise | None:
    """``up_to_shift`` of modules side by side: nothing where one chooses its shift, as the others may choose others."""
    if all(c.up_to_shift is None for c in contracts):
        return None
    return Promise("none", why="modules side by side may choose different shifts")


def _weakest(
    promises: Sequence[Promise], carry: Callable[[Condition, int], Condition], *, side_by_side: bool = False
) -> Promise:
    """The weakest level, with every condition carried to the input; those of later modules say which module it is."""
    level = LEVELS[min(LEVELS.index(p.level) for p in promises)]
    reasons = [p.why for p in promises if p.level == level and p.why]
    conditions: dict[tuple[str, int], Condition] = {}
    if level != "none":
        for position, promise in enumerate(promises):
            for condition in promise.conditions:
                is_square = condition.text == square.text  # also where it was carried through a nested module
                text = condition.text if is_square or side_by_side else _located(condition.text, position)
                key = (text, 0 if is_square else position)
                conditions.setdefault(key, dataclasses.replace(carry(condition, position), text=text))
    return Promise(level, tuple(conditions.values()), "; ".join(dict.fromkeys(reasons)))


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


def _common_exact_group(contracts: Sequence[Contract]) -> PlanarGroup | None:
    """The intersection of the groups to which exact promises are confined; None when nothing is."""
    group = contracts[-1].group
    if all(c.exact_within is None for c in contracts):
        return None
    planar = [require_planar(c.exact_group, "an exact promise about a subgroup") for c in contracts]
    common = functools.reduce(_intersection, planar, require_planar(group, "an exact promise about a subgroup"))
    return None if common == group else common


def _intersection(a: PlanarGroup, b: PlanarGroup) -> PlanarGroup:
    if not (a.is_finite and b.is_finite):
        small = a if a.is_finite else b
        both = a.reflections and b.reflections
        return PlanarGroup(small.rotation_order, both, small.mirror if both else 0.0)
    order = math.gcd(int(a.rotation_order), int(b.rotation_order))
    lines = [a.mirror + k * 180 / int(a.rotation_order) for k in range(int(a.rotation_order) * a.reflections)]
    common = [line for line in lines if b.contains_group(PlanarGroup(1, True, line))]
    return PlanarGroup(order, bool(common), common[0] if common else 0.0)
