"""Folders that TensorFlow Datasets has prepared: which there are, and how one is made."""

import os
from pathlib import Path

from geomdl.errors import invalid, nearest
from geomdl.paths import local_path

PREFIX = "tfds:"
_INCOMPLETE = "incomplete"  # in the names of folders that TFDS has begun to write


def data_folder(data_dir: str | None) -> Path:
    """Where prepared data sets are looked for: ``data_dir``, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    if data_dir is not None:
        return local_path(data_dir, "data.data_dir")
    return local_path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets", "TFDS_DATA_DIR")


def prepared(data_dir: str | None = None) -> dict[str, Path]:
    """The data sets prepared in a folder: ``{"mnist": .../mnist/3.0.1, "eurosat/rgb": ...}``, newest versions, by name.

    Args:
      data_dir: the folder; None takes ``TFDS_DATA_DIR``, or the usual one.

    >>> prepared("/nonexistent")
    {}
    """
    folder = data_folder(data_dir)
    found: dict[str, Path] = {}
    for path in sorted([*folder.glob("*/*/features.json"), *folder.glob("*/*/*/features.json")], key=_version):
        if not any(_INCOMPLETE in part for part in path.relative_to(folder).parts):
            found["/".join(path.relative_to(folder).parts[:-2])] = path.parent
    return dict(sorted(found.items()))


def _version(features: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in features.parent.name.split("."))


def _prepare(builder: str, folder: Path) -> str:
    return (
        f"prepare it once where there is a network: pip install 'geomdl[prepare]' && "
        f'python -c "import tensorflow_datasets as tfds; tfds.builder({builder!r}, data_dir={str(folder)!r}, '
        "file_format='array_record').download_and_prepare()\""
    )


def find_prepared(builder: str, data_dir: str | None) -> Path:
    """The folder of the prepared builder: by name, by name/config, or by name alone where one config is prepared."""
    folder = data_folder(data_dir)
    name, _, version = builder.partition(":")
    found = prepared(data_dir)
    configs = [key for key in found if key.startswith(f"{name}/")]
    if name not in found and len(configs) == 1:
        name = configs[0]
    where = found.get(name)
    if where is not None and version and where.name != version:
        where = where.parent / version
        if not (where / "features.json").exists():
            have = sorted(path.name for path in where.parent.iterdir() if (path / "features.json").exists())
            raise invalid("data.name", PREFIX + builder, f"a prepared version of {name} in {folder}: {', '.join(have)}")
    if where is not None:
        return where
    if not folder.is_dir():
        looked = f"a folder with data sets prepared by TensorFlow Datasets, but {folder} does not exist"
        given = "data.data_dir" if data_dir else "TFDS_DATA_DIR" if os.environ.get("TFDS_DATA_DIR") else None
        if given is None:
            looked += " (neither data.data_dir nor the environment variable TFDS_DATA_DIR is set)"
        raise invalid(
            given or "data.name", str(folder) if given else PREFIX + builder, f"{looked}; {_prepare(builder, folder)}"
        )
    allowed = f"a data set prepared in {folder}: {', '.join(PREFIX + key for key in found) or 'none'}"
    close = nearest(builder, [*configs] or [*found])
    broken_off = [path for path in sorted(folder.glob(f"{name}/**/*{_INCOMPLETE}*")) if path.is_dir()]
    if broken_off:
        allowed += f"; {broken_off[0]} was begun and is not complete"
    message = invalid("data.name", PREFIX + builder, allowed, close and PREFIX + close)
    raise ValueError(f"{message}; or {_prepare(builder, folder)}")
