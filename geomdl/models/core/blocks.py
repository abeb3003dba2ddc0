"""Blocks of layers that several models share."""

from collections.abc import Sequence
from fractions import Fraction
from typing import get_args

from flax import nnx

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid, unknown
from geomdl.groups import PLANE, VOLUME, D, PlanarGroup, PointGroup, SpatialGroup, group
from geomdl.groups import point_group as point_group_of
from geomdl.layers import (
    BandLimited,
    BlurPool,
    Conv,
    Dense,
    Dropout,
    GroupNorm,
    IdealResample,
    Layer,
    Maxout,
    Pointwise,
    Polynomial,
    Polyphase,
    Pool,
    halving_pool,
    normalization,
)
from geomdl.layers.core.window import Padding, PaddingMode
from geomdl.random_keys import as_rngs
from geomdl.representations import FieldType, Representation

NORMALIZATIONS = ("batch", "layer", "group", "none")
PADDINGS = ("valid", "same", "full")
DOWNSAMPLINGS = (
    "max", "average", "blur", *(f"blur-{f}" for f in range(2, 8)), "stride", "aps", "lps", "alias_free", "none",
)  # fmt: skip
"""The names that ``downsampling`` takes; `downsample` says what they are."""


def check_choices(normalization: str, padding: str, padding_mode: str, downsampling: str, activation: str) -> None:
    """Raises a ValueError for an unknown name, or an activation that would alias in an alias-free network."""
    if normalization not in NORMALIZATIONS:
        raise unknown("model.normalization", normalization, NORMALIZATIONS)
    if padding not in PADDINGS:
        raise unknown("model.padding", padding, PADDINGS)
    if padding_mode not in get_args(PaddingMode):
        raise unknown("model.padding_mode", padding_mode, get_args(PaddingMode))
    if downsampling not in DOWNSAMPLINGS:
        raise unknown("model.downsampling", downsampling, DOWNSAMPLINGS)
    if downsampling == "alias_free" and activation != "relu":
        allowed = "nothing (leave it out) with downsampling='alias_free', which has polynomials of its own"
        raise invalid("model.activation", activation, allowed)


def image_group(name: str, key: str = "model.group") -> PlanarGroup:
    """The group of a network that takes images alone, by name.

    Args:
      name: of the group.
      key: of the config that names it.

    Raises:
      ValueError: for a name that is none, or a group that moves volumes.

    >>> image_group("C8")
    C8
    >>> image_group("Oh")
    Traceback (most recent call last):
    ValueError: invalid model.group 'Oh'; allowed: a group that moves images: C<N>, D<N>, SO2, O2; try 'C4'
    """
    points = group(name)
    if isinstance(points, PlanarGroup):
        return points
    raise invalid(key, name, f"a group that moves {PLANE.fields}: {PLANE.groups}", repr("C4"))


def require_grid_group(name: str) -> None:
    """Raises a ValueError for a group that does not map the pixel grid to itself."""
    point_group = group(name)
    if isinstance(point_group, SpatialGroup):
        if not VOLUME.permutes_grid(point_group):
            allowed = "a subgroup of Oh (exact on the grid of volumes): O, Oh, T, Td, Th, Ci, C4z, D4z, …"
            raise invalid("model.group", name, allowed, "'O'")
    elif not D(4).contains_group(point_group):
        nearest = "D4" if point_group.reflections else "C4"
        raise invalid("model.group", name, "C1, C2, C4, D1, D2, D4 (exact on the pixel grid)", repr(nearest))


def scalars(group_name: str | PointGroup, image_shape: Sequence[int]) -> FieldType:
    """What images, or volumes, are: channels that the group leaves alone, on the space that they lie on.

    Args:
      group_name: of the plane, for images; of space, or C1, for volumes.
      image_shape: (height, width, channels), or (depth, height, width, channels).

    Raises:
      ValueError: for a group of the plane and volumes, or the other way round.

    >>> scalars("Oh", (9, 9, 9, 2)), scalars("C1", (9, 9, 9, 2)).space
    (FieldType(Oh, "2 trivial"), Volume())
    >>> scalars("C4", (9, 9, 9, 1))
    Traceback (most recent call last):
    ValueError: invalid model.group 'C4'; allowed: a group that moves volumes: C1, T, Td, Th, O, ...; try 'C4z'
    """
    points = point_group_of(group_name)
    space = VOLUME if len(image_shape) - 1 == VOLUME.dimension else PLANE
    if not space.is_moved_by(points):
        near = f"{group_name}z" if space == VOLUME and points.is_finite else "O3" if space == VOLUME else "C4"
        raise invalid("model.group", str(group_name), f"a group that moves {space.fields}: {space.groups}", repr(near))
    return FieldType(points, f"{image_shape[-1]} trivial", space)


def spatial_activation(downsampling: str, activation: str) -> str:
    """The name for `activate` of a nonlinearity on images, for a downsampling."""
    return "alias_free" if downsampling == "alias_free" else activation


def normalise(in_type: FieldType, name: str) -> list[Layer]:
    """The normalisation of a name, or nothing; ``"group"`` is group norm over all fields and pixels of an image."""
    if name == "group":
        return [GroupNorm(in_type, 1)]
    layer = normalization(name, in_type)
    return [] if layer is None else [layer]


def activate(in_type: FieldType, activation: str) -> Layer:
    """The nonlinearity of a name; maxout halves the number of fields; ``"alias_free"`` is a band-limited polynomial.

    >>> activate(FieldType("C4", "4 regular"), "maxout").out_type
    FieldType(C4, "2 regular")
    """
    if activation == "alias_free":
        return BandLimited(Polynomial(in_type))
    return Maxout(in_type) if activation == "maxout" else Pointwise(in_type, activation)


def convolution(
    in_type: FieldType,
    representation: Representation,
    fields: int,
    kernel_size: int,
    *,
    padding: Padding = "same",
    padding_mode: PaddingMode,
    stride: int = 1,
    dilation: int = 1,
    norm: str,
    activation: str,
    rngs: nnx.Rngs,
) -> list[Layer]:
    """Convolution, normalisation, nonlinearity; ``fields`` fields come out.

    Args:
      in_type: what comes in.
      representation: of the fields that come out.
      fields: how many come out.
      kernel_size: of the convolution.
      padding: ``"same"`` keeps the size.
      padding_mode: what the padding holds.
      stride: of the convolution; the pixels that do not fill a stride at the end are dropped.
      dilation: of the convolution.
      norm: a name for `normalise`.
      activation: see `activate`.
      rngs: initialises the weights.
    """
    pieces = 2 if activation == "maxout" else 1
    out_type = in_type.with_fields([(fields * pieces, representation)])
    conv = Conv(
        in_type,
        out_type,
        kernel_size,
        stride=stride,
        padding=padding,
        padding_mode=padding_mode,
        dilation=dilation,
        remainder="error" if stride == 1 else "drop",
        use_bias=norm == "none",
        rngs=rngs,
    )
    return [conv, *normalise(out_type, norm), activate(out_type, activation)]


def downsample(
    name: str,
    in_type: FieldType,
    size: Size,
    padding_mode: PaddingMode = "zeros",
    rngs: nnx.Rngs | None = None,
) -> Layer | None:
    """The layer that halves an image, or a volume, by its name.

    * ``"max"``, ``"average"``: windows of two pixels along even sides and of three along odd ones, so that quarter
      turns and flips stay exact at every size.
    * ``"blur"``: a binomial filter of 4 or of 3 taps likewise; ``"blur-2"`` … ``"blur-7"``: of so many taps at every
      size. Even filters keep quarter turns and flips exact at even sizes, odd ones at odd sizes.
    * ``"stride"``: every second pixel, exact at odd sizes.
    * ``"aps"``: every second pixel, beginning with those that make the largest norm, so that circular shifts by any
      number of pixels only shift the result; ``"lps"``: the choice is learnt. Even sizes, where they are exact.
    * ``"alias_free"``: ideal low-pass filter and resampling, exact at even sizes, and nearly so for shifts by fractions
      of a pixel; convolutional networks then take band-limited polynomials for nonlinearities.
    * ``"none"``: no layer, None.

    Args:
      name: of the downsampling.
      in_type: what comes in and goes out.
      size: (height, width), or (depth, height, width), of what comes in.
      padding_mode: of a filter.
      rngs: initialises what ``"lps"`` learns.

    Raises:
      ValueError: for an unknown name; or, with a maximum or mean, an even side and an odd one that the group exchanges.

    >>> downsample("blur", FieldType("C4", "1 regular"), (9, 9)).contract.output_size((9, 9))
    (5, 5)
    """
    if name not in DOWNSAMPLINGS:
        raise unknown("model.downsampling", name, DOWNSAMPLINGS)
    if name == "none":
        return None
    if name == "stride":
        return Pool(in_type, 1, stride=2, remainder="drop")
    if name in ("max", "average"):
        return halving_pool(in_type, size, "max" if name == "max" else "mean")
    if name == "alias_free":
        return IdealResample(in_type, Fraction(1, 2))
    if name in ("aps", "lps"):
        return Polyphase(
            Pool(in_type, 1, stride=2, remainder="drop"), "norm" if name == "aps" else "learned", rngs=rngs
        )
    if name == "blur":
        odd = [n % 2 == 1 for n in size]
        if any(odd) != all(odd) and in_type.group.order == 1:
            return BlurPool(in_type, 4, padding=1, padding_mode=padding_mode, remainder="drop")
        return BlurPool(in_type, tuple(4 - k for k in odd), padding=1, padding_mode=padding_mode)
    taps = int(name.removeprefix("blur-"))
    return BlurPool(in_type, taps, padding=(taps - 1) // 2, padding_mode=padding_mode, remainder="drop")


def classifier(
    in_type: FieldType, hidden: int, num_classes: int, *, activation: str, dropout: float, rngs: nnx.Rngs
) -> list[Layer]:
    """Dense layers from invariant features to class scores, with one hidden layer unless ``hidden`` is 0."""
    rngs = as_rngs(rngs)
    layers: list[Layer] = []
    if hidden:
        pieces = 2 if activation == "maxout" else 1
        hidden_type = in_type.with_fields(f"{hidden * pieces} trivial")
        layers += [Dense(in_type, hidden_type, rngs=rngs), activate(hidden_type, activation)]
        in_type = layers[-1].out_type
    if dropout:
        layers.append(Dropout(in_type, dropout))
    return [*layers, Dense(in_type, in_type.with_fields(f"{num_classes} trivial"), rngs=rngs)]
