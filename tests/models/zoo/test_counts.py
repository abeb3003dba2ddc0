"""The parameters of every network of docs/zoo.md, the tables of the lectures, and the sizes that are exact."""

import pytest

from experiments.tables.zoo import NETWORKS, Network, depth
from geomdl.models import (
    AlexNetConfig,
    VGGConfig,
    conv_multiplications,
    exact_sizes_near,
    summarize,
)

SLOW = {
    "ResNet-1202, option A", "Pre-activation ResNet-1001", "DenseNet-BC L250 k24", "DenseNet-BC L190 k40",
    "ResNet-110, option B", "ResNet-110, stochastic depth", "DenseNet-201", "DenseNet-169", "ResNet-152",
    "DenseNet-161", "DenseNet L100 k24", "Pre-activation ResNet-164", "Wide ResNet-101-2", "DenseNet L100 k12",
}  # fmt: skip
COUNTED = [
    pytest.param(n, id=n.title, marks=[pytest.mark.long] if n.title in SLOW else [])
    for n in NETWORKS
    if n.published is not None
]


@pytest.mark.parametrize("network", COUNTED)
def test_parameters_are_the_published_number(network: Network) -> None:
    assert network.config().parameter_count(network.image_shape, network.classes) == network.published


def _network(title: str) -> Network:
    return next(n for n in NETWORKS if n.title == title)


def test_alexnet_is_the_table_of_the_lectures() -> None:
    network = _network("AlexNet, one column")
    summary = summarize(network.built(), network.image_shape)
    rows = [row for row in summary.rows if row.parameters]
    assert [row.parameters for row in rows] == [
        34_944, 614_656, 885_120, 1_327_488, 884_992, 37_752_832, 16_781_312, 4_097_000,
    ]  # fmt: skip
    sizes = [row.output_shape for row in rows[:5]]
    assert sizes == [(55, 55, 96), (27, 27, 256), *[(13, 13, n) for n in (384, 384, 256)]]
    assert rows[0].window == ("11 × 11", "4", "0")
    assert (summary.parameters, summary.dense_parameters) == (62_378_344, 58_631_144)
    assert summary.weights == 62_378_344 - (96 + 256 + 384 + 384 + 256 + 4096 + 4096 + 1000)
    assert "58,631,144 parameters (94.0 %)" in str(summary)


def test_lenet_is_the_table_of_the_lectures() -> None:
    network = _network("LeNet-5, modern")
    rows = [row for row in summarize(network.built(), network.image_shape).rows if row.parameters]
    assert [(row.weights, row.parameters) for row in rows] == [
        (150, 156), (2_400, 2_416), (48_000, 48_120), (10_080, 10_164), (840, 850),
    ]  # fmt: skip
    assert [row.output_shape for row in rows[:2]] == [(28, 28, 6), (10, 10, 16)]


@pytest.mark.parametrize(
    ("without", "fewer"),
    [
        (("7",), 16_781_312),  # the lectures: 16 million
        (("6", "7"), 54_534_144 - (9_217_000 - 4_097_000)),  # 50 million: the output layer sees the map then
        (("3", "4"), 885_120 + 1_327_488 + 9 * 128 * 256),  # 1 million; of one column they are 2.5
        (("3", "4", "6", "7"), 49_414_144 + 2_507_520),
    ],
)
def test_ablations_of_alexnet_drop_what_the_lectures_say(without: tuple[str, ...], fewer: int) -> None:
    whole = AlexNetConfig().parameter_count((227, 227, 3), 1000)
    assert whole - AlexNetConfig(without=without).parameter_count((227, 227, 3), 1000) == fewer


def test_vgg_has_133_133_133_134_138_and_144_million() -> None:
    counts = [VGGConfig(variant=v).parameter_count((224, 224, 3), 1000) for v in ("A", "A-LRN", "B", "C", "D", "E")]
    assert [round(n / 1e6) for n in counts] == [133, 133, 133, 134, 138, 144]


def test_multiplications_of_inception_are_those_of_the_lectures() -> None:
    wide = conv_multiplications(5, 192, 32, 28)
    narrow = conv_multiplications(1, 192, 16, 28) + conv_multiplications(5, 16, 32, 28)
    assert (round(wide / 1e6), round(narrow / 1e6, 1)) == (120, 12.4)
    naive = [conv_multiplications(*layer, 28) for layer in ((1, 192, 64), (3, 192, 128), (5, 192, 32))]
    assert [*naive, round(sum(naive) / 1e6, 1)] == [9_633_792, 173_408_256, 120_422_400, 303.5]


@pytest.mark.parametrize(
    ("title", "exact"),
    [
        ("AlexNet, one column", [227]), ("AlexNet, torchvision", [223]), ("VGG A", [224]), ("ResNet-18", [225]),
        ("ResNet-20, option A", [29, 33, 37]), ("WRN-16-4", [29, 33, 37]), ("LeNet-5", [32, 36, 40]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("group", ["C4", "D4"])
def test_exact_sizes_are_those_of_the_reference(title: str, exact: list[int], group: str) -> None:
    network = _network(title)
    if title.startswith("VGG"):
        config = VGGConfig(variant="A", group=group, units=8)
        contract = config.shapes(network.image_shape, network.classes).contract
    else:
        contract = network.built(group).contract
    assert [n for n, _ in exact_sizes_near(contract, (network.size, network.size))] == exact


@pytest.mark.parametrize(
    ("title", "layers"),
    [("VGG D", 16), ("AlexNet, one column", 8), ("GoogLeNet, without heads", 22), ("ResNet-18", 18)],
)
def test_depth_is_that_of_the_longest_path(title: str, layers: int) -> None:
    network = _network(title)
    assert depth(network.built(), (network.size, network.size)) == layers
