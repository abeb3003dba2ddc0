"""Backbones: the feature maps of a network of the zoo, or of a plain one, at falling resolution."""

import dataclasses
import importlib
from typing import NamedTuple

from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid, unknown
from geomdl.layers import Layer, Sequential, halving_pool
from geomdl.models.detection.encodings.outputs import Grid
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig

PLAIN = "plain"
"""The name of the backbone that is exact at every size."""


@dataclasses.dataclass(frozen=True)
class BackboneConfig(ZooConfig):
    """What detectors on a backbone have in common.

    Args:
      backbone: ``"plain"``, or the name of a network of the zoo.
      channels: of the first convolution of the plain backbone.
      halvings: of the plain backbone, which halves the image so often.

    Raises:
      ValueError: when one of these, or ``levels`` or ``features`` of a detector that has them, is not positive, or the
        plain backbone has fewer levels.
    """

    backbone: str = PLAIN
    channels: int = 16
    halvings: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("channels", "halvings", "levels", "features")
        levels = getattr(self, "levels", 1)
        if self.backbone == PLAIN and levels > self.halvings:
            raise invalid("model.levels", levels, f"at most the {self.halvings} halvings", self.halvings)

    def stages(self, net: Chain) -> "list[Stage]":
        """The stages of the backbone; see `backbone`."""
        return backbone(self, self.backbone, net, channels=self.channels, halvings=self.halvings)


class Stage(NamedTuple):
    """A part of a backbone, at the end of which the resolution is about to fall.

    Attributes:
      layer: from what the stage before gives.
      grid: of what it gives.
    """

    layer: Layer
    grid: Grid


def backbone(config: ZooConfig, name: str, net: Chain, *, channels: int, halvings: int) -> list[Stage]:
    """The stages of a backbone.

    Args:
      config: of the detector: group, width and what twins have equally many of.
      name: ``"plain"``, or that of a network of the zoo, whose layers up to its last feature map are taken.
      net: an empty chain, for images.
      channels: of the first convolution of the plain backbone; twice as many after each of the first halvings.
      halvings: of the plain backbone.

    Raises:
      ValueError: for the name of no such network.
    """
    own = net.fork()
    if name == PLAIN:
        plain(own, channels, halvings)
    else:
        zoo_config(config, name).network(own, 1)
    return stages(own, net.size)  # type: ignore[arg-type]


def plain(net: Chain, channels: int, halvings: int) -> None:
    """Two convolutions at each resolution, batch norm, and pooling that halves even and odd sizes about the centre.

    Exact under quarter turns and flips at every size. Convolutions before the first halving are one.

    Args:
      net: what layers are added to.
      channels: of the first convolution, doubled with each halving up to eight times.
      halvings: how many.
    """
    net.conv(channels, 3, bias=False).norm().act()
    for level in range(1, halvings + 1):
        reduce = "max" if net.field_type.is_permutation else "mean"
        net.add(halving_pool(net.field_type, net.size, reduce))  # type: ignore[arg-type]
        width = channels * min(2**level, 8)
        net.conv(width, 3, bias=False).norm().act()
        if level > 1:
            net.conv(width, 3, bias=False).norm().act()


def last_stages(parts: list[Stage], levels: int, name: str) -> list[Stage]:
    """The last so many stages of a backbone, those in whose maps boxes are found.

    Args:
      parts: all stages.
      levels: how many.
      name: of the backbone.

    Raises:
      ValueError: when the backbone has fewer.
    """
    if len(parts) < levels:
        raise invalid("model.levels", levels, f"at most {len(parts)}, for {name}", len(parts))
    return parts[len(parts) - levels :]


def zoo_config(config: ZooConfig, name: str) -> ZooConfig:
    """The config of a network of the zoo, with the group and the width of a detector.

    Raises:
      ValueError: for the name of no such network.
    """
    models = importlib.import_module("geomdl.models").MODELS  # where all have their names, once they are all there
    allowed = [PLAIN, *(key for key in models if _in_zoo(models[key]))]
    if name not in allowed:
        raise unknown("model.backbone", name, allowed)
    known = models[name]()
    return dataclasses.replace(known, group=config.group, width=config.width, equal=config.equal)


def _in_zoo(found: object) -> bool:
    kind = getattr(found, "func", found)
    return isinstance(kind, type) and issubclass(kind, ZooConfig) and kind.__module__.startswith("geomdl.models.zoo.")


def stages(net: Chain, image_size: tuple[int, int]) -> list[Stage]:
    """The layers of a chain up to its last feature map, cut where the resolution falls.

    Args:
      net: of a classifier: what pools all pixels, and all that follows, is left out.
      image_size: (height, width).

    Raises:
      ValueError: when there is no feature map.
    """
    groups: list[list[Layer]] = []
    size: Size = image_size
    for layer in net.layers:
        size = layer.contract.output_size(size)
        if not layer.contract.has_base_space or min(size) < 2:
            break
        if not groups or layer.contract.stride != 1:
            groups.append([])
        groups[-1].append(layer)
    if not groups:
        raise invalid("backbone", type(net.config).__name__, "a network with feature maps of more than one pixel")
    found, contracts = [], []
    for group in groups:
        whole = group[0] if len(group) == 1 else Sequential(group)
        contracts.append(whole.contract)
        found.append(Stage(whole, Grid.of(compose(contracts), image_size)))
    return found
