"""The names that torchvision, timm and Keras give to the layers of networks, found by walking ours.

A family is a function from a network to (name there, layer, form of its kernel), which raises `NoCounterpart` for a
network that is built in another way. No lists of names are kept: they follow from the order of the layers.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from geomdl.layers import BatchNorm, Branch, Conv, Dense, GlobalPool, Identity, Layer, Pointwise, Pool, Residual
from geomdl.models.weights import structure
from geomdl.models.weights.layout import Form
from geomdl.models.weights.structure import NoCounterpart, flattened, listed, weighty
from geomdl.models.zoo.branched.googlenet import HEADED, MODULES
from geomdl.models.zoo.residual.mobilenet import STAGES

Named = Iterator[tuple[str, Layer, Form]]


@dataclasses.dataclass(frozen=True)
class Family:
    """Networks of one kind in one library.

    Attributes:
      name: of the networks.
      scheme: whose names they are: ``"torchvision"``, ``"timm"`` or ``"Keras"``.
      named: the names of a network's layers.
      heads: the beginnings of the names of auxiliary heads, which a network here need not have.
      epsilon: of batch norm there, where it is another than here.
    """

    name: str
    scheme: str
    named: Callable[[Layer], Named]
    heads: tuple[str, ...] = ()
    epsilon: float | None = None


def _resnet(net: Layer) -> Named:
    """ResNet, Wide ResNet, ResNeXt: ``conv1, bn1, layer{1-4}.{i}.conv{k}|bn{k}|downsample.{0,1}, fc``."""
    stem, blocks, last = _ended(net, "cn")
    yield from _pair("conv1", "bn1", stem)
    for stage, number, body, shortcut in _resnet_blocks(blocks):
        early = len(body) == 6 and _stride(body[0]) > 1
        _require(not early, "the stride of bottlenecks in the 3 × 3 convolution: model.version='1.5'")
        for k, pair in enumerate(_pairs(body), 1):
            yield from _pair(f"layer{stage}.{number}.conv{k}", f"layer{stage}.{number}.bn{k}", pair)
        for pair in _pairs(shortcut):
            yield from _pair(f"layer{stage}.{number}.downsample.0", f"layer{stage}.{number}.downsample.1", pair)
    yield "fc", last, "linear"


def _resnet_of_keras(net: Layer) -> Named:
    """Bottlenecks only: ``conv1_conv|bn, conv{2-5}_block{i}_{k}_conv|bn, predictions``; k is 0 in shortcuts."""
    stem, blocks, last = _ended(net, "cn")
    yield from _pair("conv1_conv", "conv1_bn", stem)
    for stage, number, body, shortcut in _resnet_blocks(blocks):
        _require(len(body) == 6, "bottlenecks")
        late = _stride(body[2]) > 1
        _require(not late, "the stride of bottlenecks in the first 1 × 1 convolution: model.version='1'")
        start = f"conv{stage + 1}_block{number + 1}"
        for k, pair in enumerate(_pairs(body), 1):
            yield from _pair(f"{start}_{k}_conv", f"{start}_{k}_bn", pair)
        for pair in _pairs(shortcut):
            yield from _pair(f"{start}_0_conv", f"{start}_0_bn", pair)
    yield "predictions", last, "linear"


def _resnet_blocks(blocks: Sequence[Layer]) -> Iterator[tuple[int, int, list[Layer], list[Layer]]]:
    """Of each block its stage from 1, its number there from 0, the layers of its body and of its shortcut."""
    stage = number = 0
    for block in blocks:
        _require(isinstance(block, Residual), "nothing but residual blocks between the first and the last layer")
        body, shortcut = flattened(block.body), flattened(block.shortcut)  # type: ignore[attr-defined]
        _require(kinds(body) in ("cncn", "cncncn"), "convolutions with batch norm behind them in its blocks")
        _require(kinds(shortcut) in ("", "cn"), "a convolution with batch norm, or nothing, as shortcuts")
        stage, number = (stage + 1, 0) if stage == 0 or shortcut else (stage, number + 1)
        yield stage, number, body, shortcut
    _require(stage == 4, "four stages")


def _convolutions(net: Layer) -> tuple[list[tuple[int, Layer]], list[Layer]]:
    """Of a network in one line: its layers before the first dense one, with their places, and the dense layers."""
    layers = listed(net)
    flat = next((i for i in range(1, len(layers)) if isinstance(layers[i], GlobalPool)), 0)
    _require(flat > 0 and isinstance(layers[flat - 1], Conv), "a dense layer on the flattened map")
    weighty(layers)  # raises
    before: list[tuple[int, Layer]] = [
        (i, layer) for i, layer in enumerate(layers[: flat - 1]) if isinstance(layer, Conv | BatchNorm)
    ]
    dense = [layers[flat - 1], *weighty(layers[flat + 1 :])]
    _require(kinds(dense) == "cdd" and kinds([layer for _, layer in before])[:1] == "c", "three dense layers")
    return before, dense


def _in_one_line(places: tuple[int, int, int], *, window: tuple[int, int]) -> Callable[[Layer], Named]:
    """VGG and AlexNet: ``features.{place among convolutions, norms, nonlinearities and poolings}, classifier.{…}``."""

    def named(net: Layer) -> Named:
        before, dense = _convolutions(net)
        _require(_window(before[0][1]) == window, f"a first window of {window[0]} × {window[1]}")
        for place, layer in before:
            yield f"features.{place}", layer, "conv"
        for place, layer in zip(places, dense, strict=True):
            yield f"classifier.{place}", layer, "linear"

    return named


def _vgg_of_timm(net: Layer) -> Named:
    """VGG in timm, whose hidden dense layers are convolutions: ``features.N, pre_logits.fc{1,2}, head.fc``."""
    before, (first, second, last) = _convolutions(net)
    _require(_window(before[0][1]) == (3, 3), "a first window of 3 × 3")
    for place, layer in before:
        yield f"features.{place}", layer, "conv"
    yield "pre_logits.fc1", first, "conv"
    yield "pre_logits.fc2", second, "conv"
    yield "head.fc", last, "linear"


def _vgg_of_keras(net: Layer) -> Named:
    """``block{b}_conv{k}, fc1, fc2, predictions``."""
    before, dense = _convolutions(net)
    _require(kinds([layer for _, layer in before]) == "c" * len(before), "no batch norm")
    _require(_window(before[0][1]) == (3, 3), "a first window of 3 × 3")
    pools = [i for i, layer in enumerate(listed(net)) if isinstance(layer, Pool)]
    block = number = 0
    for place, layer in before:
        now = 1 + sum(pool < place for pool in pools)
        block, number = now, number + 1 if now == block else 1
        yield f"block{block}_conv{number}", layer, "conv"
    for name, layer in zip(("fc1", "fc2", "predictions"), dense, strict=True):
        yield name, layer, "linear"


def _densenet(net: Layer) -> Named:
    """``features.conv0|norm0|denseblock{b}.denselayer{l}.{norm,conv}{1,2}|transition{t}.{norm,conv}|norm5``."""

    def layer(block: int, number: int, k: int) -> tuple[str, str]:
        name = f"features.denseblock{block}.denselayer{number}"
        return f"{name}.norm{k}", f"{name}.conv{k}"

    def transition(block: int) -> tuple[str, str]:
        return f"features.transition{block}.norm", f"features.transition{block}.conv"

    ends = ("features.conv0", "features.norm0"), ("features.norm5", "classifier")
    return _densenet_named(net, *ends, layer, transition)


def _densenet_of_keras(net: Layer) -> Named:
    """``conv1_conv|bn, conv{2-5}_block{l}_0_bn|1_conv|1_bn|2_conv, pool{2-4}_bn|conv, bn, predictions``."""

    def layer(block: int, number: int, k: int) -> tuple[str, str]:
        name = f"conv{block + 1}_block{number}"
        return f"{name}_{k - 1}_bn", f"{name}_{k}_conv"

    def transition(block: int) -> tuple[str, str]:
        return f"pool{block + 1}_bn", f"pool{block + 1}_conv"

    return _densenet_named(net, ("conv1_conv", "conv1_bn"), ("bn", "predictions"), layer, transition)


def _densenet_named(
    net: Layer,
    first: tuple[str, str],
    last: tuple[str, str],
    layer_names: Callable[[int, int, int], tuple[str, str]],
    transition_names: Callable[[int], tuple[str, str]],
) -> Named:
    """With the names of the first and last two layers, of norm and convolution k of a layer, and of a transition."""
    stem, parts, classifier = _ended(net, "cn")
    yield from _pair(*first, stem)
    _require(kinds(parts[-1:]) == "n", "batch norm before the mean")
    block, number = 1, 0
    for i, part in enumerate(parts[:-1]):
        if isinstance(part, Branch):
            kept, added = part.layers[0], flattened(part.layers[-1])
            _require(len(part.layers) == 2 and isinstance(kept, Identity), "maps put beside those that came in")
            _require(kinds(added) == "ncnc", "layers of two convolutions, each with batch norm before it")
            number += 1
            for k, pair in enumerate(_pairs(added), 1):
                yield from _pair(*layer_names(block, number, k), pair)
        elif isinstance(part, BatchNorm):
            _require(kinds(parts[i + 1 : i + 2]) == "c", "transitions of batch norm and a convolution")
            yield from _pair(*transition_names(block), parts[i : i + 2])
            block, number = block + 1, 0
        else:
            _require(kinds(parts[i - 1 : i + 1]) == "nc", "transitions of batch norm and a convolution")
    yield last[0], parts[-1], "conv"
    yield last[1], classifier, "linear"


def _squeezenet(net: Layer) -> Named:
    """``features.0, features.{place}.squeeze|expand1x1|expand3x3, classifier.1``; a fire module is one place."""
    layers, place = listed(net), 0
    weighty(layers)  # raises
    convs = [layer for layer in layers if isinstance(layer, Conv | Branch)]
    _require(kinds(convs[:1]) == kinds(convs[-1:]) == "c" and len(convs) % 2 == 0, "fire modules between convolutions")
    _require(kinds(weighty(layers)) == "c" + "cb" * (len(convs) // 2 - 1) + "c", "fire modules between convolutions")
    for layer in layers:
        if layer is convs[0]:
            yield "features.0", layer, "conv"
        elif layer is convs[-1]:
            yield "classifier.1", layer, "conv"
        elif isinstance(layer, Conv):
            yield f"features.{place}.squeeze", layer, "conv"
            continue  # the place of the whole module
        elif isinstance(layer, Branch):
            one, three = flattened(layer)
            yield f"features.{place - 1}.expand1x1", one, "conv"
            yield f"features.{place - 1}.expand3x3", three, "conv"
            continue
        place += 1


def _mobilenet_blocks(net: Layer) -> tuple[list[Layer], list[list[list[Layer]]], list[Layer], Layer]:
    """The first convolution with its norm, the blocks as pairs of such, the last convolution, the classifier."""
    layers = flattened(net)
    last = layers.pop()
    _require(kinds(layers) == "cn" * (len(layers) // 2) and kinds([last]) == "d", "convolutions with batch norm")
    stem, *pairs, end = _pairs(layers)
    count = sum(blocks for _, _, blocks, _ in STAGES)
    _require(len(pairs) == 3 * count - 1, f"{count} inverted residual blocks")
    blocks = [pairs[:2], *(pairs[i : i + 3] for i in range(2, len(pairs), 3))]
    _require(all(_groups(block[-2][0]) > 1 for block in blocks), "a depthwise convolution in each block")
    return stem, blocks, end, last


def _mobilenet(net: Layer) -> Named:
    """``features.0.{0,1}, features.{i}.conv.{0.0,0.1,1.0,1.1,2,3}, features.18.{0,1}, classifier.1``."""
    stem, blocks, end, last = _mobilenet_blocks(net)
    yield from _pair("features.0.0", "features.0.1", stem)
    for i, block in enumerate(blocks, 1):
        for k, pair in enumerate(block[:-1]):
            yield from _pair(f"features.{i}.conv.{k}.0", f"features.{i}.conv.{k}.1", pair)
        k = len(block) - 1
        yield from _pair(f"features.{i}.conv.{k}", f"features.{i}.conv.{k + 1}", block[-1])
    yield from _pair(f"features.{len(blocks) + 1}.0", f"features.{len(blocks) + 1}.1", end)
    yield "classifier.1", last, "linear"


def _mobilenet_of_timm(net: Layer) -> Named:
    """``conv_stem, bn1, blocks.{stage}.{i}.conv_pw|bn1|conv_dw|bn2|conv_pwl|bn3, conv_head, bn2, classifier``."""
    stem, blocks, end, last = _mobilenet_blocks(net)
    yield from _pair("conv_stem", "bn1", stem)
    places = [(stage, i) for stage, (_, _, count, _) in enumerate(STAGES) for i in range(count)]
    for (stage, i), block in zip(places, blocks, strict=True):
        convs = ("conv_pw", "conv_dw", "conv_pwl") if len(block) == 3 else ("conv_dw", "conv_pw")
        for k, (conv, pair) in enumerate(zip(convs, block, strict=True), 1):
            yield from _pair(f"blocks.{stage}.{i}.{conv}", f"blocks.{stage}.{i}.bn{k}", pair)
    yield from _pair("conv_head", "bn2", end)
    yield "classifier", last, "linear"


def _googlenet(net: Layer) -> Named:
    """``conv{1-3}.conv|bn, inception3a.branch1|branch2.{0,1}|branch3.{0,1}|branch4.1, aux{1,2}.conv|fc1|fc2, fc``."""
    stem, branches, last = _ended(net, "cncncn")
    _require(kinds(branches) == "b" * len(MODULES), f"{len(MODULES)} modules")
    for k, pair in enumerate(_pairs(stem), 1):
        yield from _pair(f"conv{k}.conv", f"conv{k}.bn", pair)
    paths = ("branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1")
    for module, branch in zip(MODULES, branches, strict=True):
        yield from _pairs_named([f"inception{module}.{path}" for path in paths], flattened(branch))
    for k, head in zip(range(1, 1 + len(HEADED)), structure.heads(net), strict=False):
        conv, norm, first, second = flattened(head)
        yield from _pair(f"aux{k}.conv.conv", f"aux{k}.conv.bn", (conv, norm))
        yield f"aux{k}.fc1", first, "linear"
        yield f"aux{k}.fc2", second, "linear"
    yield "fc", last, "linear"


_INCEPTION_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_INCEPTION_MODULES = {
    "5b 5c 5d": "branch1x1 branch5x5_1 branch5x5_2 branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3 branch_pool",
    "6a": "branch3x3 branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3",
    "6b 6c 6d 6e": "branch1x1 branch7x7_1 branch7x7_2 branch7x7_3 branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3"
    " branch7x7dbl_4 branch7x7dbl_5 branch_pool",
    "7a": "branch3x3_1 branch3x3_2 branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4",
    "7b 7c": "branch1x1 branch3x3_1 branch3x3_2a branch3x3_2b branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a"
    " branch3x3dbl_3b branch_pool",
}
"""The convolutions of each module, in the order of the paths."""


def _inception_v3(net: Layer) -> Named:
    """``Conv2d_1a_3x3.conv|bn, …, Mixed_5b.branch1x1.conv|bn, …, AuxLogits.conv0|conv1|fc, fc``."""
    stem, branches, last = _ended(net, "cn" * len(_INCEPTION_STEM))
    modules = [(m, paths.split()) for names, paths in _INCEPTION_MODULES.items() for m in names.split()]
    _require(kinds(branches) == "b" * len(modules), f"{len(modules)} modules")
    yield from _pairs_named(_INCEPTION_STEM, stem)
    for (module, paths), branch in zip(modules, branches, strict=True):
        yield from _pairs_named([f"Mixed_{module}.{path}" for path in paths], flattened(branch))
    for head in structure.heads(net)[:1]:
        *convs, classifier = flattened(head)
        yield from _pairs_named(["AuxLogits.conv0", "AuxLogits.conv1"], convs)
        yield "AuxLogits.fc", classifier, "linear"
    yield "fc", last, "linear"


FAMILIES = (
    Family("ResNet", "torchvision", _resnet),
    Family("VGG", "torchvision", _in_one_line((0, 3, 6), window=(3, 3))),
    Family("AlexNet", "torchvision", _in_one_line((1, 4, 6), window=(11, 11))),
    Family("DenseNet", "torchvision", _densenet),
    Family("SqueezeNet", "torchvision", _squeezenet),
    Family("MobileNetV2", "torchvision", _mobilenet),
    Family("GoogLeNet", "torchvision", _googlenet, heads=("aux1.", "aux2.")),
    Family("Inception v3", "torchvision", _inception_v3, heads=("AuxLogits.",)),
    Family("ResNet", "timm", _resnet),
    Family("VGG", "timm", _vgg_of_timm),
    Family("DenseNet", "timm", _densenet),
    Family("MobileNetV2", "timm", _mobilenet_of_timm),
    Family("Inception v3", "timm", _inception_v3, heads=("AuxLogits.",)),
    Family("ResNet", "Keras", _resnet_of_keras, epsilon=1.001e-5),
    Family("VGG", "Keras", _vgg_of_keras),
    Family("DenseNet", "Keras", _densenet_of_keras, epsilon=1.001e-5),
)
"""Every family in every scheme; of a network all those that raise nothing are its own."""

SCHEMES = ("torchvision", "timm")
"""Of those the ones that are written too."""


def kinds(layers: Sequence[Layer]) -> str:
    """The kinds of layers, a letter each: convolution, norm, dense, branch, residual block.

    Args:
      layers: of `geomdl.models.weights.structure.weighty`.
    """
    letters = {Conv: "c", BatchNorm: "n", Dense: "d", Branch: "b", Residual: "r"}
    return "".join(next((s for kind, s in letters.items() if isinstance(layer, kind)), "?") for layer in layers)


def activations(net: Layer) -> set[str]:
    """The names of the nonlinearities of a network.

    Args:
      net: a network.
    """
    found, waiting = set(), listed(net)
    while waiting:
        layer = waiting.pop()
        if isinstance(layer, Pointwise):
            found.add(layer.activation)
        elif isinstance(layer, Branch):
            waiting += [inner for path in layer.layers for inner in listed(path)]
        elif isinstance(layer, Residual):
            waiting += [*listed(layer.body), *listed(layer.shortcut)]
    return found


def _require(holds: bool, wanted: str) -> None:
    if not holds:
        raise NoCounterpart(f"there the network has {wanted}")


def _ended(net: Layer, first: str) -> tuple[list[Layer], list[Layer], Layer]:
    """The first layers with weights, which are of these kinds, those in the middle, and the last, which is dense."""
    parts = weighty(net)
    _require(len(parts) > len(first) + 1 and kinds(parts[-1:]) == "d", "a dense layer at its end")
    wanted = {"cn": "a convolution with batch norm at its beginning"}.get(first, "convolutions with batch norm first")
    _require(kinds(parts[: len(first)]) == first, wanted)
    return parts[: len(first)], parts[len(first) : -1], parts[-1]


def _pairs(layers: Sequence[Layer]) -> list[list[Layer]]:
    return [list(layers[i : i + 2]) for i in range(0, len(layers), 2)]


def _pair(first: str, second: str, layers: Sequence[Layer]) -> Named:
    one, two = layers
    yield first, one, "conv"
    yield second, two, "conv"


def _pairs_named(names: Sequence[str], layers: Sequence[Layer]) -> Named:
    """Convolutions with batch norm: ``name.conv, name.bn``."""
    _require(kinds(layers) == "cn" * len(names), f"{len(names)} convolutions with batch norm in a module")
    for name, pair in zip(names, _pairs(layers), strict=True):
        yield from _pair(f"{name}.conv", f"{name}.bn", pair)


def _window(layer: Layer) -> tuple[int, ...]:
    size = layer.window.size if isinstance(layer, Conv) else 0
    return (size, size) if isinstance(size, int) else tuple(size)


def _stride(layer: Layer) -> int:
    stride = layer.window.stride if isinstance(layer, Conv) else 1
    return stride if isinstance(stride, int) else max(stride)


def _groups(layer: Layer) -> int:
    return layer.groups if isinstance(layer, Conv) else 1
