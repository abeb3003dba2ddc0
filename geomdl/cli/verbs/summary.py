"""Shows a model: layers, filters, windows, output volumes, parameters, multiply-adds; what it promises.

  geomdl summary --config=configs/digits_gcnn_c4.py
  geomdl summary --config=digits_cnn --config.model.width=16 --config.model.match_parameters=None
  geomdl summary --model=alexnet --image_shape=227x227x3 --classes=1000
  geomdl summary --model=resnet18 --config.model.group=D4 --image_shape=225x225x3 --methods

Of a config the model is built for its data, with initial weights; of ``--model`` nothing is allocated. Options of the
model are overrides: ``--config.model.group=D4``.
"""

import argparse

from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.named_model import image_shape, named_model
from geomdl.cli.support.parser import UsageError, refuse_unused, whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--config", help="a config file, or the name of one in configs/")
    parser.add_argument("--model", help="instead: the name of a model; geomdl list models lists them")
    parser.add_argument("--image_shape", help="of --model: [DEPTHx]HEIGHTxWIDTHxCHANNELS (224x224x3)")
    parser.add_argument("--classes", type=whole(1, 10**6), help="of --model: 1000 where it is left out")
    parser.add_argument("--methods", action="store_true", help="also the multiply-adds of each way to convolve")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> None:
    """Builds the model and prints its table."""
    if (arguments.config is None) == (arguments.model is None):
        raise UsageError("geomdl summary: give either --config=FILE or --model=NAME")
    described = _of_config(arguments) if arguments.model is None else _of_name(arguments)
    print(described)
    if arguments.methods and hasattr(described, "methods"):
        print(described.methods())


def _of_config(arguments: argparse.Namespace) -> object:
    """The table of the model of a config."""
    refuse_unused(arguments, ("image_shape", "classes"), "the data of the config have them")
    use_data_dir(arguments)
    from geomdl.cli.support.config_file import load_config

    values = load_config(arguments.config, arguments.overrides)
    from geomdl.layers import Layer
    from geomdl.models.tools.parameter_table import parameter_table
    from geomdl.models.tools.summary import summarize
    from geomdl.training.configuration.config import RunConfig
    from geomdl.training.loop.loop import build_model

    config = RunConfig.from_config_dict(values)
    dataset = config.data.load()
    model = build_model(config, dataset)
    describe = summarize if isinstance(model, Layer) else parameter_table
    return describe(model, dataset.image_shape)


def _of_name(arguments: argparse.Namespace) -> object:
    """The table of a model by name."""
    shape = image_shape(arguments.image_shape or "224x224x3")
    from flax import nnx

    from geomdl.layers import Layer
    from geomdl.models.tools.parameter_table import parameter_table
    from geomdl.models.tools.summary import summarize
    from geomdl.random_keys import OneKey

    config = named_model(arguments.model, arguments.overrides).model
    classes = arguments.classes or 1000
    model = nnx.eval_shape(lambda: config.build(shape, classes, rngs=OneKey(0)))
    return summarize(model, shape) if isinstance(model, Layer) else parameter_table(model, shape)
