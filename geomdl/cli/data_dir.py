"""The option --data_dir: where prepared TensorFlow Datasets lie."""

import argparse
import os


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Adds the option to a verb that reads data."""
    parser.add_argument(
        "--data_dir", help="folder with prepared TensorFlow Datasets (default: $TFDS_DATA_DIR, ~/tensorflow_datasets)"
    )


def use_data_dir(arguments: argparse.Namespace) -> None:
    """Makes the folder known to the data sets of this process; it is no part of a run's config."""
    if arguments.data_dir is not None:
        os.environ["TFDS_DATA_DIR"] = arguments.data_dir
