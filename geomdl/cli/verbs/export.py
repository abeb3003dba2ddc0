"""Writes the trained model of a work directory to files that run without geomdl.

  geomdl export --workdir=runs/c4 --out=exported/c4

A network of geomdl layers is frozen: kernels expanded, batch norm folded; any other is written as it is. OUT gets
network.stablehlo, a serialized jax.export program for any batch size, and any image size where the network allows it;
weights.safetensors, its weights by name; and network.json: names of the classes, preprocessing, dtype, sizes, contract.
`geomdl predict --workdir=OUT` and geomdl.load("OUT") read the folder. To run it with jax, flatbuffers and safetensors
only:

  from jax import export
  from safetensors.numpy import load_file
  program = export.deserialize(open("OUT/network.stablehlo", "rb").read())
  scores = program.call(load_file("OUT/weights.safetensors"), images)   # images: float32 [batch, H, W, C], prepared as
                                                                        # network.json says

With --format=torchvision or timm OUT is a safetensors file of the weights alone, which torchvision's or timm's network
of the same kind loads strictly: model.load_state_dict(safetensors.torch.load_file(OUT)).
"""

import argparse

from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_dir, add_data_path, use_data_dir
from geomdl.cli.support.path_option import PathOption

SCHEMES = ("torchvision", "timm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--workdir", required=True, action=PathOption, help="directory of the run")
    parser.add_argument(
        "--out", required=True, action=PathOption, help="folder for the files; made if it is not there; or a file"
    )
    parser.add_argument("--checkpoint", default="best", help="best (the default), latest, or a step")
    parser.add_argument(
        "--format",
        choices=("stablehlo", "onnx", *SCHEMES),
        default="stablehlo",
        help="of the program, onnx needs jax2onnx; torchvision and timm: weights under their names",
    )
    add_data_dir(parser)
    add_data_path(parser)
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> None:
    """Exports, and says where."""
    use_data_dir(arguments)
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.inference.exported import export_trained
    from geomdl.training.loop.loop import load_trained

    quiet_libraries()
    trained = load_trained(
        arguments.workdir, arguments.checkpoint, data_path=arguments.data_path, data_dir=arguments.data_dir
    )
    if arguments.format in SCHEMES:
        from geomdl.models import save_weights

        file = save_weights(trained.model, arguments.out, arguments.format)
        size = f"{file.stat().st_size / 1e6:.2f} MB"
        print(
            f"{arguments.workdir}, step {trained.step}: weights with the names of {arguments.format}\n  {file}  {size}"
        )
        return
    files = export_trained(trained, arguments.out, arguments.format)
    shape = ", ".join(map(str, trained.image_shape))
    print(f"{arguments.workdir}, step {trained.step}: images [batch, {shape}] to {trained.task.outputs} scores")
    for file in (files.program, files.weights, files.about):
        print(f"  {file}  {file.stat().st_size / 1e6:.2f} MB")
