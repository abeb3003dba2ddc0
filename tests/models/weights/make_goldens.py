"""Makes goldens/*.npz: what every layer of networks of torchvision and timm gives, for test_foreign.py to compare with.

The networks are the libraries' own, narrow and partly shallow: the channels of every layer are divided by a number.
Weights and running statistics follow from the names by a rule, so that no weights are kept: the file has the names and
shapes of the state dict, and of the output of every convolution, batch norm and linear layer, in the order of the
calls, its root mean square and 24 of its values.

    python -m venv foreign
    foreign/bin/pip install torch==2.14.1 torchvision==0.29.1 timm==1.0.31
    foreign/bin/python tests/models/weights/make_goldens.py
"""

import json
import pathlib
import zlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "goldens"
KEPT = 24
"""Values of each layer."""

CLASSES = 10

# our model: its options, the network there, the divisor of its channels, sizes of the images (even and odd)
CASES = {
    "torchvision resnet18": ("resnet18", {"blocks": (1, 2, 1, 1)}, 16, (64, 65)),
    "torchvision resnet50": ("resnet50", {"blocks": (1, 2, 1, 1)}, 16, (64, 65)),
    "torchvision resnext": ("resnet50", {"blocks": (1, 1, 1, 1), "cardinality": 4, "base_width": 8}, 8, (64, 65)),
    "torchvision alexnet": ("alexnet", {"variant": "torchvision", "units": 4096}, 32, (224, 255)),
    "torchvision vgg11": ("vgg11", {}, 32, (64, 65)),
    "torchvision vgg11_bn": ("vgg11_bn", {}, 32, (96, 97)),
    "torchvision densenet": ("densenet121", {"blocks": (1, 2, 2, 1)}, 8, (64, 65)),
    "torchvision squeezenet1_0": ("squeezenet1_0", {}, 8, (64, 65)),
    "torchvision squeezenet1_1": ("squeezenet1_1", {}, 8, (64, 65)),
    "torchvision mobilenet_v2": ("mobilenet_v2", {}, None, (64, 65)),
    "torchvision googlenet": ("googlenet", {"variant": "torchvision"}, 8, (64, 65)),
    "torchvision inception_v3": ("inception_v3", {"auxiliary": False}, 16, (98, 107)),
    "timm vgg11_bn": ("vgg11_bn", {}, 32, (224, 225)),
    "timm densenet": ("densenet121", {"blocks": (1, 2, 2, 1)}, 8, (64, 65)),
    "timm mobilenet_v2": ("mobilenet_v2", {}, None, (64, 65)),
}
WIDTH_OF_MOBILENET = 0.1


def by_rule(shapes):
    """The arrays of a state dict from its names and shapes; variances are in [0.5, 1.5]."""
    state = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if name.endswith("num_batches_tracked"):
            array = np.array(7)
        elif name.endswith(("running_mean", ".bias")):
            array = 0.2 * rng.standard_normal(shape)
        elif len(shape) == 1:
            array = rng.uniform(0.5, 1.5, shape)
        else:
            array = rng.standard_normal(shape) * np.sqrt(1 / np.prod(shape[1:]))
        state[name] = array.astype(np.int64 if name.endswith("num_batches_tracked") else np.float32)
    return state


def images(side):
    """Two images ``[2, side, side, 3]``."""
    return np.random.default_rng(side).standard_normal((2, side, side, 3)).astype(np.float32)


def digest(output):
    """The root mean square of an output in the layout of PyTorch, and some of its values, spread over it."""
    flat = np.asarray(output, np.float64).ravel()
    return np.array([np.sqrt(np.mean(flat**2)), *flat[np.linspace(0, flat.size - 1, KEPT).astype(int)]], np.float32)


def _narrowed(net, divisor):
    """The network with the channels of all its layers but the image divided, and the last to `CLASSES`."""
    import torch
    from timm.layers import BatchNormAct2d

    def part(count, last=False):
        return CLASSES if last else count if count == 3 else max(1, count // divisor)

    modules = [(m, n, c) for m in list(net.modules()) for n, c in list(m.named_children())]
    for module, name, child in modules:
        last = getattr(child, "out_features", getattr(child, "out_channels", 0)) == 1000
        if isinstance(child, torch.nn.Conv2d):
            groups = child.groups
            groups = part(groups) if groups == child.in_channels else groups
            shape = part(child.in_channels), part(child.out_channels, last)
            made = torch.nn.Conv2d(
                *shape, child.kernel_size, child.stride, child.padding, groups=groups, bias=child.bias is not None
            )
        elif isinstance(child, torch.nn.Linear):
            made = torch.nn.Linear(part(child.in_features), part(child.out_features, last))
        elif isinstance(child, BatchNormAct2d):
            made = BatchNormAct2d(part(child.num_features), eps=child.eps, act_layer=None)
            made.drop, made.act = child.drop, child.act
        elif isinstance(child, torch.nn.BatchNorm2d):
            made = torch.nn.BatchNorm2d(part(child.num_features), eps=child.eps)
        else:
            continue
        setattr(module, name, made)
    return net


def _network(case):
    """The network there, in evaluation."""
    import timm
    import torch
    import torchvision

    library, name = case.split()
    _, options, divisor, sizes = CASES[case]
    if name == "mobilenet_v2" and library == "torchvision":
        return torchvision.models.MobileNetV2(num_classes=CLASSES, width_mult=WIDTH_OF_MOBILENET).eval()
    if name == "mobilenet_v2":
        net = timm.models.efficientnet._gen_mobilenet_v2(
            "mobilenetv2_100", channel_multiplier=WIDTH_OF_MOBILENET, num_classes=CLASSES
        )
        return net.eval()
    models, blocks = torchvision.models, options.get("blocks")
    resnet, make = models.resnet, models.get_model
    if library == "timm":
        net = {
            "densenet": lambda: timm.models.densenet.DenseNet(32, blocks),
            "vgg11_bn": lambda: timm.create_model("vgg11_bn"),
        }[name]()
    else:
        net = {
            "resnet18": lambda: resnet.ResNet(resnet.BasicBlock, blocks),
            "resnet50": lambda: resnet.ResNet(resnet.Bottleneck, blocks),
            "resnext": lambda: resnet.ResNet(resnet.Bottleneck, blocks, groups=4, width_per_group=8),
            "densenet": lambda: models.DenseNet(32, blocks, 64),
            "googlenet": lambda: models.GoogLeNet(init_weights=False),
            "inception_v3": lambda: models.Inception3(aux_logits=False, init_weights=False),
        }.get(name, lambda: make(name))()
    net = _narrowed(net, divisor)
    if name.startswith("vgg") and library == "torchvision":  # as many pixels as are left, in place of 7 × 7
        net.avgpool, side = torch.nn.Identity(), sizes[0] // 32
        net.classifier[0] = torch.nn.Linear(512 // divisor * side**2, 4096 // divisor)
    return net.eval()


def main():
    import torch

    FOLDER.mkdir(exist_ok=True)
    for case, (_, _, _, sizes) in CASES.items():
        net = _network(case)
        shapes = {name: tuple(array.shape) for name, array in net.state_dict().items()}
        net.load_state_dict({name: torch.from_numpy(array) for name, array in by_rule(shapes).items()})
        outputs = []
        kinds = (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.Linear)
        for name, module in net.named_modules():
            if isinstance(module, kinds) and not hasattr(module, "act"):  # or its output has gone through that already
                module.register_forward_hook(
                    lambda m, i, y, name=name, outputs=outputs: outputs.append((name, y.detach().clone()))
                )
        arrays = {}
        for side in sizes:
            outputs.clear()
            with torch.no_grad():
                y = net(torch.from_numpy(images(side).transpose(0, 3, 1, 2).copy()))
            arrays[f"names_{side}"] = np.array([name for name, _ in outputs])
            arrays[f"layers_{side}"] = np.stack([digest(output.numpy()) for _, output in outputs])
            arrays[f"scores_{side}"] = y.numpy()
        file = FOLDER / f"{case.replace(' ', '_')}.npz"
        np.savez_compressed(file, shapes=np.array(json.dumps(shapes)), **arrays)
        print(file.name, file.stat().st_size, "bytes;", len(outputs), "layers; scores", np.abs(y.numpy()).max())


if __name__ == "__main__":
    main()
