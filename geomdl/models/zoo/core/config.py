"""The options that all networks of the zoo have: the group, and how many fields take the place of channels."""

import abc
import dataclasses
import math
from typing import ClassVar, Literal, get_args

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import PlanarGroup
from geomdl.layers import Layer
from geomdl.layers.resampling.pooling import Reduce
from geomdl.models.core.blocks import image_group
from geomdl.models.core.config import ImageShape, ScalableConfig
from geomdl.models.core.sizes import require_square
from geomdl.models.zoo.core.chain import Chain, TooSmall
from geomdl.random_keys import OneKey
from geomdl.representations import Representation, representation

Equal = Literal["fields", "channels", "parameters"]
"""What a twin has as many of as the network of the paper."""

_LARGEST = 1024
"""Where the search for images that are large enough ends."""


@dataclasses.dataclass(frozen=True)
class ZooConfig(ScalableConfig):
    """A network from the literature and, by ``group``, its twins, which are invariant: f(ρ(g) x) = f(x).

    With the group C1 it is the network of the paper, with the paper's number of parameters. Every other group replaces
    each part by its counterpart: channels by regular fields (of SO(2) and O(2): functions on the group up to frequency
    2), convolutions by group convolutions, normalisations by those of fields, a dense layer on a flattened map by a
    group convolution with a window as large as the map, and before the class scores stands pooling over the group. For
    C2, C4, D1, D2, D4 a twin is exact on the pixel grid at the sizes that its contract names; for C8, D8, C16, SO(2),
    O(2) kernels are steerable, and angles that the grid does not have hold approximately.

    Args:
      width: multiplies the channels of every layer of the paper.
      group: a group of the plane: ``"C1"``, ``"C4"``, ``"D4"``, ``"C8"``, ``"SO2"``, ….
      equal: what a twin has as many of as the network with C1, for c channels there and fields of s channels:
        ``"fields"``: c fields, which are c s channels; ``"channels"``: c / s fields; ``"parameters"``: c / √s fields,
        which have about as many parameters. ``match_parameters`` finds the width that has a given number of parameters.
      over_group: what is left of each field before the class scores: its ``"max"`` or its ``"mean"`` over the group.

    Raises:
      ValueError: for a value out of range; at `build`, for images that are too small, naming the smallest, or not
        square for quarter turns.

    A network of one's own is written as those here are, as a list of layers:

    >>> @dataclasses.dataclass(frozen=True)
    ... class TwoLayers(ZooConfig):
    ...     def network(self, net, num_classes):
    ...         net.conv(8, 3).norm().act().max_pool(2).conv(16, 3).norm().act().global_mean().scores(num_classes)
    >>> TwoLayers(group="D4").build((12, 12, 1), 10, rngs=0).layers[4].out_type
    FieldType(D4, "16 regular")
    """

    width: float = 1.0
    group: str = "C1"
    equal: Equal = "fields"
    over_group: Reduce = "max"

    unit: ClassVar[float] = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        image_group(self.group)
        if self.equal not in get_args(Equal):
            raise unknown("model.equal", self.equal, get_args(Equal))
        if self.over_group not in get_args(Reduce):
            raise unknown("model.over_group", self.over_group, get_args(Reduce))
        if self.activation == "maxout":
            raise invalid("model.activation", "maxout", "one that keeps the number of fields", "relu")

    def require_positive(self, *names: str) -> None:
        """Raises a ValueError for the first of these fields, of those that there are, that is less than 1."""
        for name in names:
            if getattr(self, name, 1) < 1:
                raise invalid(f"model.{name}", getattr(self, name), "a positive whole number", 1)

    @abc.abstractmethod
    def network(self, net: Chain, num_classes: int) -> None:
        """Adds the layers of the network to a chain, from the image to the class scores."""

    @property
    def points(self) -> PlanarGroup:
        """The group."""
        return image_group(self.group)

    @property
    def hidden(self) -> Representation:
        """The representation of the hidden fields."""
        return representation(self.points, hidden_fields(self.points))

    @property
    def share(self) -> float:
        """How many channels of the paper a field takes the place of."""
        size = self.hidden.size
        return {"fields": 1.0, "channels": float(size), "parameters": math.sqrt(size)}[self.equal]

    def fields_for(self, channels: float, multiple: int = 1) -> int:
        """The number of fields in place of so many channels of the paper, a multiple of ``multiple``.

        Args:
          channels: of the paper.
          multiple: into how many equal parts the fields are to be divided.
        """
        return multiple * max(1, round(self.width * channels / self.share / multiple))

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """The layers, from images to class scores."""
        require_square(image_shape[:2], self.points)
        try:
            return self._built(image_shape, num_classes, rngs)
        except TooSmall as error:
            least = self._smallest(image_shape[2], num_classes)
            given = "x".join(map(str, image_shape[:2]))
            if least is None:
                raise invalid("image size", given, f"images that fit ({error})") from error
            raise invalid("image size", given, f"at least {least}x{least} ({error})", f"{least}x{least}") from error

    def _built(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        net = Chain(self, self.hidden, image_shape, rngs)
        self.network(net, num_classes)
        return net.whole()

    def _smallest(self, channels: int, num_classes: int) -> int | None:
        """The side of the smallest square images that fit."""

        def fits(side: int) -> bool:
            try:
                nnx.eval_shape(lambda: nnx.List(self._built((side, side, channels), num_classes, OneKey(0))))
            except TooSmall:
                return False
            return True

        large = 1
        while not fits(large):
            large *= 2
            if large > _LARGEST:
                return None
        small = large // 2
        while large - small > 1:
            middle = (small + large) // 2
            small, large = (small, middle) if fits(middle) else (middle, large)
        return large


def hidden_fields(points: PlanarGroup) -> str:
    """The representation that takes the place of a channel, by name.

    >>> from geomdl.groups import group
    >>> hidden_fields(group("C1")), hidden_fields(group("D4")), hidden_fields(group("SO2"))
    ('trivial', 'regular', 'band_limited(2)')
    """
    return "trivial" if points.order == 1 else "regular" if points.is_finite else "band_limited(2)"


def require_choice(key: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raises a ValueError for a value that is none of those allowed."""
    if value not in allowed:
        if isinstance(value, str):
            raise unknown(f"model.{key}", value, [str(a) for a in allowed])
        if all(isinstance(a, str) for a in allowed):  # a number for a name of digits is to be seen as that
            near = repr(next((a for a in allowed if a == str(value)), allowed[0]))
            raise invalid(f"model.{key}", value, ", ".join(map(repr, allowed)), near)
        near = min(allowed, key=lambda a: abs(a - value) if isinstance(a, int) and isinstance(value, int) else 0)  # type: ignore[operator]
        raise invalid(f"model.{key}", value, ", ".join(map(str, allowed)), near)
