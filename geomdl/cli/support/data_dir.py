"""The option --data_dir: where prepared TensorFlow Datasets lie."""

import argparse
import os
from pathlib import Path

from geomdl.cli.support.path_option import PathOption
from geomdl.errors import invalid


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Adds the option to a verb that reads data."""
    parser.add_argument(
        "--data_dir",
        action=PathOption,
        help="folder with prepared TensorFlow Datasets (default: $TFDS_DATA_DIR, ~/tensorflow_datasets)",
    )


def add_data_path(parser: argparse.ArgumentParser) -> None:
    """Adds the option --data_path to a verb that reads the data of a run."""
    parser.add_argument(
        "--data_path",
        action=PathOption,
        metavar="PATH",
        help="where the file or folder of the run's data lies now, if it has moved; it is read where it is needed only",
    )


def moved_data(arguments: argparse.Namespace) -> str | None:
    """Returns where the data of a run lie now, if that was given."""
    return arguments.data_path


def use_data_dir(arguments: argparse.Namespace) -> None:
    """Makes the folder known to the data sets of this process; it is no part of a run's config.

    Raises:
      ValueError: when there is no such folder.
    """
    if arguments.data_dir is None:
        return
    folder = Path(arguments.data_dir)
    if not folder.is_dir():
        fault = "is a file" if folder.exists() else "does not exist"
        raise invalid(
            "--data_dir",
            arguments.data_dir,
            f"a folder with data sets prepared by TensorFlow Datasets, but {folder} {fault}; to prepare one where "
            "there is a network: pip install 'geomdl[prepare]' && python -c \"import tensorflow_datasets as tfds; "
            f"tfds.builder('mnist', data_dir={str(folder)!r}, file_format='array_record').download_and_prepare()\"",
        )
    os.environ["TFDS_DATA_DIR"] = str(folder)
