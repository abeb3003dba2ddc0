"""Writes docs/zoo.md: the networks of the zoo, their counts beside the published ones, and the sizes that are exact.

    python -m experiments.tables.zoo

Nothing is allocated: counts, multiply-adds and contracts are those of shapes. ``tests/models/zoo/test_counts.py``
checks the counts of every row.
"""

import argparse
import dataclasses
import warnings
from pathlib import Path
from typing import Any

from geomdl.layers import (
    Branch,
    ConnectedConv,
    Conv,
    Dense,
    ElongatedConv,
    Fractal,
    Highway,
    Layer,
    Parallel,
    Residual,
    WithAuxiliary,
)  # fmt: skip
from geomdl.models import MODELS, InexactSizeWarning, exact_sizes_near

PAGE = Path(__file__).parents[2] / "docs" / "zoo.md"


@dataclasses.dataclass(frozen=True)
class Network:
    """A row of the table.

    Attributes:
      title: what it is called.
      name: in `geomdl.models.MODELS`.
      published: its number of parameters, exactly; None where nobody gives it.
      source: where that number is from: ``"paper"`` (or derived from its tables), ``"torchvision"``, ``"lectures"``.
      paper: who, and where.
      size: the usual side of its images.
      channels: of its images.
      classes: how many.
      options: of its config.
    """

    title: str
    name: str
    published: int | None
    source: str
    paper: str
    size: int = 224
    channels: int = 3
    classes: int = 1000
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.size, self.size, self.channels

    def config(self, group: str = "C1") -> Any:
        """The config of the network, or of a twin."""
        return MODELS[self.name](**{**self.options, **({} if group == "C1" else {"group": group})})

    def built(self, group: str = "C1") -> Layer:
        """The network without arrays."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InexactSizeWarning)
            return self.config(group).shapes(self.image_shape, self.classes)


def _cifar(title: str, name: str, published: int | None, paper: str, source: str = "paper", **options: Any) -> Network:
    return Network(title, name, published, source, paper, 32, 3, 10, options)


_LENET = "LeCun et al. 1998"
_ALEX = "Krizhevsky et al. 2012"
_VGG = "Simonyan & Zisserman 2015"
_RESNET = "He et al. 2016 (CVPR)"
_DENSE = "Huang et al. 2017"
_WRN = "Zagoruyko & Komodakis 2016"

NETWORKS: tuple[Network, ...] = (
    Network("LeNet-1", "lenet1", 2_578, "paper", "LeCun et al. 1990", 28, 1, 10),
    Network("LeNet-5", "lenet5", 60_000, "paper", _LENET, 32, 1, 10),
    Network("LeNet-5, modern", "lenet5_modern", 61_706, "lectures", _LENET, 32, 1, 10),
    Network("AlexNet, one column", "alexnet", 62_378_344, "lectures", _ALEX, 227),
    Network("AlexNet, grouped", "alexnet", 60_965_224, "paper", _ALEX, 227, options={"variant": "grouped"}),
    Network(
        "AlexNet, torchvision", "alexnet", 61_100_840, "torchvision", "Krizhevsky 2014",
        options={"variant": "torchvision"},
    ),
    *(
        Network(f"VGG {variant}", "vgg", count, source, _VGG, options={"variant": variant})
        for variant, count, source in (
            ("A", 132_863_336, "torchvision"), ("A-LRN", 132_863_336, "paper"), ("B", 133_047_848, "torchvision"),
            ("C", 133_638_952, "paper"), ("D", 138_357_544, "torchvision"), ("E", 143_667_240, "torchvision"),
        )
    ),
    *(
        Network(f"VGG {v}, batch norm", "vgg", n, s, _VGG, options={"variant": v, "normalization": "batch"})
        for v, n, s in (
            ("A", 132_868_840, "torchvision"), ("B", 133_053_736, "torchvision"), ("C", 133_647_400, "paper"),
            ("D", 138_365_992, "torchvision"), ("E", 143_678_248, "torchvision"),
        )
    ),
    _cifar("Network in network", "network_in_network", None, "Lin et al. 2014"),
    *(_cifar(f"All-CNN-{v}", "all_cnn", None, "Springenberg et al. 2015", variant=v) for v in "ABC"),
    _cifar("Deeply supervised nets", "deeply_supervised", None, "Lee et al. 2015"),
    _cifar("Highway network", "highway", None, "Srivastava et al. 2015"),
    *(
        Network(f"GoogLeNet, {words}", "googlenet", count, source, "Szegedy et al. 2015", options=options)
        for words, count, source, options in (
            ("without heads", 6_998_552, "paper", {"auxiliary": False}),
            ("two heads", 13_378_280, "paper", {}),
            ("batch norm, without heads", 7_005_832, "paper", {"variant": "batch", "auxiliary": False}),
            ("batch norm, two heads", 13_385_816, "paper", {"variant": "batch"}),
            ("torchvision, without heads", 6_624_904, "torchvision", {"variant": "torchvision", "auxiliary": False}),
            ("torchvision, two heads", 13_004_888, "torchvision", {"variant": "torchvision"}),
        )
    ),
    Network("Inception v3, with head", "inception_v3", 27_161_264, "torchvision", "Szegedy et al. 2016", 299),
    *(
        Network(f"ResNet-{d}", f"resnet{d}", n, "torchvision", _RESNET)
        for d, n in ((18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808))
    ),
    Network("ResNet-50, version 1", "resnet50", 25_557_032, "paper", _RESNET, options={"version": "1"}),
    Network("Wide ResNet-50-2", "wide_resnet50_2", 68_883_240, "torchvision", _WRN),
    Network("Wide ResNet-101-2", "wide_resnet101_2", 126_886_696, "torchvision", _WRN),
    Network("ResNeXt-50 32×4d", "resnext50_32x4d", 25_028_904, "torchvision", "Xie et al. 2017"),
    *(
        _cifar(f"ResNet-{d}, option A", f"cifar_resnet{d}", n, _RESNET)
        for d, n in (
            (20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962), (1202, 19_421_274),
        )
    ),
    _cifar("ResNet-20, option B", "cifar_resnet20", 272_474, _RESNET, shortcut="B"),
    _cifar("ResNet-110, option B", "cifar_resnet110", 1_730_714, _RESNET, shortcut="B"),
    _cifar("ResNet-110, stochastic depth", "stochastic_depth", 1_727_962, "Huang et al. 2016"),
    _cifar("Pre-activation ResNet-164", "preactivation_resnet", 1_703_258, "He et al. 2016 (ECCV)"),
    _cifar("Pre-activation ResNet-1001", "preactivation_resnet", 10_327_706, "He et al. 2016 (ECCV)", depth=1001),
    *(
        _cifar(f"WRN-{d}-{k}", "wrn", n, _WRN, depth=d, widen=k)
        for d, k, n in ((28, 10, 36_479_194), (16, 8, 10_961_370), (40, 4, 8_949_210), (16, 4, 2_748_890))
    ),
    *(
        Network(f"DenseNet-{d}", f"densenet{d}", n, "torchvision", _DENSE)
        for d, n in ((121, 7_978_856), (161, 28_681_000), (169, 14_149_480), (201, 20_013_928))
    ),
    *(
        _cifar(f"DenseNet L{d} k{k}", "densenet_cifar", n, _DENSE, depth=d, growth=k)
        for d, k, n in ((40, 12, 1_019_722), (100, 12, 6_979_642), (100, 24, 27_249_082))
    ),
    *(
        _cifar(f"DenseNet-BC L{d} k{k}", "densenet_bc_cifar", n, _DENSE, depth=d, growth=k)
        for d, k, n in ((100, 12, 769_162), (250, 24, 15_324_406), (190, 40, 25_624_430))
    ),
    _cifar("FractalNet-20", "fractalnet", 33_724_618, "Larsson et al. 2017"),
    Network("SqueezeNet 1.0", "squeezenet1_0", 1_248_424, "paper", "Iandola et al. 2016"),
    Network("SqueezeNet 1.1", "squeezenet1_1", 1_235_496, "torchvision", "Iandola et al. 2016"),
    Network("MobileNetV2", "mobilenet_v2", 3_504_872, "torchvision", "Sandler et al. 2018"),
)  # fmt: skip
"""Every row, in the order of the lectures."""

HEAD = """# The zoo

Networks of the lectures on CNNs, each of which is its own equivariant twin: `model.group` makes it invariant under a
group of the plane. With `"C1"` it is the network of the paper. Written by `python -m experiments.tables.zoo`; every
count is checked by `tests/models/zoo/test_counts.py`.

```
geomdl summary --model=alexnet --image_shape=227x227x3                             # the table of the lectures
geomdl summary --model=resnet18 --config.model.group=D4 --image_shape=225x225x3    # its twin
geomdl train --config=configs/eurosat_resnet20_d4.py --workdir=runs/resnet20_d4
```

* **Parameters** are trainable ones, without running statistics. *Published*: the count of the source exactly, where one
  is known: of the paper or by arithmetic from its tables, of torchvision, of the lectures.
* **MACs**: multiply-accumulate operations for one image of the usual size, with those of auxiliary heads.
* **Depth**: convolutions and dense layers along the longest path. (Wide residual networks count in their names two
  convolutions of shortcuts.)
* **Exact**: for C4 and D4 the nearest sizes at which the twins are exact on the pixel grid; in bold where the usual
  size is one of them. C2 needs the same along both axes; C8, D8, C16, SO(2) and O(2) have these sizes for their quarter
  turns.

| network | `model.name` | parameters | published | source | MACs (millions) | depth | usual size | exact | paper |
|---|---|--:|--:|---|--:|--:|--:|---|---|
"""

FOOT = """
The options of each are in its docstring, e.g. `help(geomdl.models.ImageNetResNetConfig)`. `resnet` (with every
downsampling that is invariant to shifts), `e2_wrn` (Weiler & Cesa's, whose groups shrink from stage to stage) and
`vision_transformer` (which promises nothing) are older members with options of their own.

Twins have as many fields as the paper has channels (`model.equal="fields"`, the default, so |G| times the channels), as
many channels (`"channels"`), about as many parameters (`"parameters"`), or exactly a number of them
(`model.match_parameters`).

What takes the place of a part in the twins:

| part | its counterpart |
|---|---|
| channels | regular fields; for SO(2) and O(2) functions on the group up to frequency 2 |
| convolution, grouped, depthwise | group convolution of all fields, of groups of fields, of each field by itself |
| 1 × 7 and 7 × 1 windows | group convolutions whose filters turn with the elements; 7 × 7 off the grid |
| ReLU, tanh, ... | the same of every channel; of functions on SO(2) and O(2) of their samples |
| batch norm | statistics shared within a field |
| local response norm | sums of the same channel of neighbouring fields |
| maxima | channel by channel; for SO(2) and O(2) the field of the largest norm |
| shortcuts A and B | every second pixel and fields of zeros; a 1 × 1 group convolution |
| dense layer on a flattened map | a group convolution whose window is the map |
| class scores | after pooling over the group |
"""


def depth(layer: Layer, size: tuple[int, ...]) -> int:
    """Convolutions and dense layers along the longest path from input to output.

    >>> from geomdl.layers import Pointwise, Residual, Sequential
    >>> from geomdl.representations import FieldType
    >>> t, rngs = FieldType("C1", "2 trivial"), nnx.Rngs(0)
    >>> conv = lambda: Conv(t, t, 3, padding="same", rngs=rngs)
    >>> depth(Sequential([conv(), Residual(Sequential([conv(), Pointwise(t), conv()]))]), (8, 8))
    3
    """
    own = isinstance(layer, Conv | Dense | ConnectedConv | ElongatedConv)
    inner = layer.children(size)
    if isinstance(layer, WithAuxiliary):
        inner = [child for child in inner if child.name.startswith("stages")]
    if isinstance(layer, Fractal):  # the last column has the longest path
        return len(layer.blocks) * 2 ** (layer.columns - 1)
    below = [depth(child.layer, child.size) for child in inner]
    aside = isinstance(layer, Branch | Parallel | Residual | Highway)
    return own + (max(below, default=0) if aside else sum(below))


def page() -> str:
    """The page."""
    rows = []
    for network in NETWORKS:
        plain, size = network.built(), (network.size, network.size)
        contract = network.built("D4").contract
        sizes = [n for n, _ in exact_sizes_near(contract, size)]
        exact = network.size in sizes
        shown = ", ".join(f"**{n}**" if n == network.size and exact else str(n) for n in sizes)
        count = network.config().parameter_count(network.image_shape, network.classes)
        cells = [
            network.title,
            f"`{network.name}`" + "".join(f" `{k}={v!r}`" for k, v in network.options.items()),
            f"{count:,}",
            "" if network.published is None else f"{network.published:,}",
            "" if network.published is None else network.source,
            f"{plain.multiply_adds(size) / 1e6:,.1f}",
            str(depth(plain, size)),
            str(network.size),
            shown,
            network.paper,
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return HEAD + "\n".join(rows) + "\n" + FOOT


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
