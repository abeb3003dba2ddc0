"""Takes over weights of torchvision or timm into a work directory, which predict, audit, export and geomdl.load take.

  geomdl import resnet50.safetensors --model=resnet50 --out=imported/resnet50
  geomdl import alexnet.pth --model=alexnet --config.model.variant=torchvision --out=imported/alexnet
  geomdl import mine.safetensors --model=resnet18 --classes=10 --image_shape=96x96x3 --out=imported/mine
  geomdl predict --workdir=imported/resnet50 photos/

FILE is a safetensors file; or, where PyTorch is installed, a state dict (.pth, .pt, .bin), of which nothing but tensors
is read. The library is seen in the names of its arrays. Every array has to have its place in the network, or nothing is
written. Options of the model are overrides: --config.model.variant=torchvision.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from geomdl.cli.support.named_model import image_shape, named_model
from geomdl.cli.support.parser import UsageError
from geomdl.cli.support.path_option import PathOption
from geomdl.paths import local_path

if TYPE_CHECKING:
    from geomdl.data import Preprocessing

NORMALISATIONS = ("imagenet", "symmetric", "none")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("file", metavar="FILE", action=PathOption, help="the weights")
    parser.add_argument("--model", required=True, help="the name of the network; geomdl list models lists them")
    parser.add_argument("--out", required=True, action=PathOption, help="the work directory; made if it is not there")
    parser.add_argument("--image_shape", default="224x224x3", help="HEIGHTxWIDTHxCHANNELS of its images (224x224x3)")
    parser.add_argument("--classes", default="1000", help="how many, or a file with one name a line (1000)")
    parser.add_argument(
        "--normalize",
        choices=NORMALISATIONS,
        help="of pixels in [0, 1]: by the means and deviations of ImageNet, to [-1, 1], or not at all; by default the "
        "first, and the second for GoogLeNet and Inception v3, whose networks in torchvision do so themselves",
    )
    parser.set_defaults(config=None)


def run(arguments: argparse.Namespace) -> None:
    """Reads, builds and writes."""
    shape = image_shape(arguments.image_shape)
    classes = _classes(arguments.classes)
    config = named_model(arguments.model, arguments.overrides)
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.models import ModelConfig, load_weights
    from geomdl.training import save_as_run

    quiet_libraries()
    if not isinstance(config.model, ModelConfig):
        raise UsageError(f"geomdl import: {arguments.model} is no model of the zoo; geomdl list models lists them")
    model = config.model.shapes(shape, len(classes))
    loaded = load_weights(model, arguments.file)
    form = arguments.normalize or ("symmetric" if loaded.family in ("GoogLeNet", "Inception v3") else "imagenet")
    folder = save_as_run(
        model,
        config,
        arguments.out,
        image_shape=shape,
        classes=classes,
        preprocessing=_preprocessing(shape, form if shape[-1] == 3 or arguments.normalize else "none"),
        provenance=f"weights of {Path(arguments.file).name}, a {loaded.family} of {loaded.scheme}",
    )
    print(loaded)
    print(f"images [batch, {', '.join(map(str, shape))}] to {len(classes)} scores; written to {folder}")


def _classes(text: str) -> tuple[str, ...]:
    """The names of the classes: numbers, or the lines of a file."""
    if text.isdigit() and 0 < int(text) <= 10**6:
        return tuple(map(str, range(int(text))))
    try:
        lines = local_path(text, "--classes").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"invalid --classes {text!r}; allowed: a number, or a text file with one name a line"
        ) from None
    names = tuple(line.strip() for line in lines if line.strip())
    if not names or len(set(names)) < len(names):
        raise UsageError(f"invalid --classes {text!r}; allowed: a file with names, each of which is there once")
    return names


def _preprocessing(shape: tuple[int, ...], normalize: str) -> "Preprocessing":
    from geomdl.data import Preprocessing
    from geomdl.data.preprocessing import IMAGENET

    height, width, channels = shape
    if normalize == "imagenet" and channels != 3:
        raise UsageError(f"--normalize=imagenet is for 3 channels, and --image_shape has {channels}; try symmetric")
    mean, std = {"imagenet": IMAGENET, "symmetric": ((0.5,) * channels,) * 2, "none": ((), ())}[normalize]
    return Preprocessing(channels=channels, size=(height, width), mean=mean, std=std)
