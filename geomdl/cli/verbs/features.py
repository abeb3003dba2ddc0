"""Writes the features of images: what a layer of a trained network gives for them.

  geomdl features --workdir=runs/c4 test --out=test.npz
  geomdl features --workdir=runs/c4 photos/ scan.png --layer=7 --out=photos.parquet
  geomdl features --workdir=pretrained:eurosat_resnet20_c4 tiles/*.png --out=tiles.npz

DATA are images, or volumes, as geomdl predict takes them (files, folders, patterns, .npy or .npz files of several), or
a split of the run's own data: train, validation or test (split:test, where there is a file of that name). Without
--layer the features are the input of the last dense layer; geomdl summary prints the names of layers. An .npz file
holds the arrays features, names, labels (where the classes are known) and about; a .parquet file, which needs pyarrow,
the columns name, label and features. About is JSON, and says how the features move with the images.
"""

import argparse
import sys

from geomdl.cli.support.feature_data import FeatureMaker, add_feature_options, named_data
from geomdl.cli.support.path_option import PathOption


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "images", nargs="+", metavar="DATA", action=PathOption, help="images, or train, validation or test"
    )
    parser.add_argument("--out", required=True, action=PathOption, help="FILE.npz or FILE.parquet")
    add_feature_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the features; 2 if files were left out and nothing is left."""
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.inference.features import feature_path

    quiet_libraries()
    feature_path(arguments.out)  # refused before anything is computed
    maker = FeatureMaker(arguments)
    features, left_out = maker.make(named_data(arguments.images, maker.predictor.inputs.sources))
    for error in left_out:
        print(f"geomdl: left out: {error}", file=sys.stderr)
    if not len(features):
        return 2
    place = features.save(arguments.out)
    shape = " × ".join(map(str, features.values.shape[1:]))
    print(
        f"{len(features)} {maker.predictor.inputs.what}s, {shape} numbers each, of {features.about['layer']}; "
        f"{features.about['moves']}"
    )
    print(f"written to {place}")
    return 0
