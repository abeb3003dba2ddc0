"""The verbs of the command, and the parser of each."""

import argparse
import importlib

from geomdl.cli.support.parser import Parser

VERBS = {
    "train": "train the model of a config, or go on with a run that was stopped",
    "evaluate": "measure a trained model: accuracy, rotations, shifts, invariance",
    "sweep": "train one model for every combination of values, and gather the results",
    "runs": "list and compare work directories",
    "report": "write the report of a run: curves, metrics, parameters, environment, config",
    "reproduce": "run a study and draw its figure",
    "audit": "measure which symmetries any model has: exactly, approximately, or not",
    "predict": "apply a trained model to images: classes, label maps, values",
    "features": "write what a layer of a trained model gives for images: vectors, maps",
    "retrieve": "find the images that are nearest to others by their features, and how well",
    "export": "write a trained model to files that run without geomdl",
    "import": "take over weights of torchvision, timm or Keras into a work directory",
    "data": "show what a data set holds: counts, sizes, ranges, doubtful images, a contact sheet",
    "summary": "show the layers, field types and sizes of a model",
    "autotune": "measure which method computes the convolutions of a model faster",
    "list": "list models, groups, datasets, pretrained networks, configs or figures",
    "completion": "print a script that completes geomdl's verbs and options in a shell",
}
"""The verbs of the command; each is a module of ``geomdl.cli.verbs`` with ``add_arguments(parser)`` and
``run(arguments)``, which may return an exit status."""


def verb_parser(verb: str) -> Parser:
    """Returns the parser of a verb's arguments."""
    module = importlib.import_module(f"geomdl.cli.verbs.{verb}")
    parser = Parser(
        prog=f"geomdl {verb}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser
