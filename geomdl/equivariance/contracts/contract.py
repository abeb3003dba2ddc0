"""What a module promises about symmetry, and under which conditions."""

import dataclasses
from collections.abc import Callable
from fractions import Fraction

from geomdl.equivariance.contracts.promise import ALIASED, NOTHING, Condition, Promise, Size, same_size, square
from geomdl.equivariance.contracts.redundancy import Choice, Redundancy
from geomdl.groups import PerAxis, PlanarGroup, PointGroup, SpatialGroup
from geomdl.representations import FieldType

__all__ = ["ALIASED", "NOTHING", "Condition", "Contract", "Promise", "Size", "exact_everywhere", "square"]


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
      redundancy: how much finer the grid of the output is than need be, where the input fills its own; None for what
        follows from ``stride``: a module that enlarges images makes them so.
      choices: the choices among polyphase components that the module makes. Where they are tied, its promises about the
        group, but for the identity, and about shifts do not hold.

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
    exact_within: PlanarGroup | SpatialGroup | None = None
    fractional: Promise = NOTHING
    up_to_shift: Promise | None = None
    reach: Fraction | int | PerAxis | None = None
    offset: Fraction | int | PerAxis = 0
    has_base_space: bool = True
    redundancy: Redundancy | None = None
    choices: tuple[Choice, ...] = ()

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

    def redundancy_after(self, before: Redundancy) -> Redundancy:
        """How much finer the grid of the output is than need be, for an input whose grid is so."""
        own = Redundancy.of_stride(self.stride) if self.redundancy is None else self.redundancy
        return before.sampled(self.stride).joined(own)

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
    output_size: Callable[[Size], Size] = same_size,
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
