"""Shows the model of a config: layers, field types, output shapes, parameters, multiply-adds.

  geomdl summary --config=configs/digits_gcnn_c4.py
  geomdl summary --config=digits_cnn --config.model.width=16 --config.model.match_parameters=None

The model is built with its initial weights; nothing is trained.
"""

import argparse

from geomdl.cli.support.data_dir import add_data_dir, use_data_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--config", required=True, help="a config file, or the name of one in configs/")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> None:
    """Builds the model and prints its table."""
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
    print(describe(model, dataset.image_shape))
