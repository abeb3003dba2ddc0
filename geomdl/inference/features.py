"""Features of images with what is known of them, and the files that hold them: .npz and .parquet."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.data.sources.numpy_files import looks_like, read_numpy
from geomdl.errors import invalid
from geomdl.paths import local_path

SUFFIXES = (".npz", ".parquet")
_KEY = b"geomdl"


@dataclass(frozen=True)
class Features:
    """Features of images, in their order.

    Attributes:
      values: ``[n, channels]``, or maps ``[n, height, width, channels]``; float32.
      names: of the images.
      labels: their classes, where they are known.
      about: how they were made: network, layer, field type, and how they move with the image.

    >>> features = Features(np.zeros((2, 3), np.float32), ("a.png", "b.png"), about={"layer": "the input of 7"})
    >>> import tempfile
    >>> file = features.save(Path(tempfile.mkdtemp()) / "features.npz")
    >>> Features.load(file).about
    {'layer': 'the input of 7'}
    """

    values: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, count in (
            ("names", len(self.names)),
            ("labels", len(self.values if self.labels is None else self.labels)),
        ):
            if count != len(self.values):
                raise invalid(name, count, f"one for each of {len(self.values)} images")

    def __len__(self) -> int:
        return len(self.values)

    def save(self, path: Path | str) -> Path:
        """Writes a file: with NumPy the arrays ``features``, ``names``, ``labels`` and ``about`` (JSON); or a table of
        Parquet with the columns ``name``, ``label`` and ``features``, and ``about`` in its metadata.

        Args:
          path: ``FILE.npz`` or ``FILE.parquet``.

        Raises:
          ValueError: for another suffix, or where Parquet is asked for and pyarrow is not installed.
        """
        place = feature_path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        about = json.dumps(dict(self.about), ensure_ascii=False)
        partial = place.with_name(f"{place.stem}.partial{place.suffix}")
        if place.suffix == ".npz":
            labels: dict[str, Any] = {} if self.labels is None else {"labels": self.labels}
            np.savez(
                partial, features=self.values, names=np.array(self.names, np.str_), about=np.array(about), **labels
            )
        else:
            pa, parquet = _pyarrow(place)
            flat = pa.array(np.ravel(self.values))
            width = self.values[0].size
            columns = {"name": pa.array(self.names), "features": pa.FixedSizeListArray.from_arrays(flat, width)}
            if self.labels is not None:
                columns["label"] = pa.array(self.labels)
            noted = {_KEY: about, _KEY + b".shape": json.dumps(self.values.shape[1:])}
            parquet.write_table(pa.table(columns).replace_schema_metadata(noted), partial)
        partial.replace(place)
        return place

    @classmethod
    def load(cls, path: Path | str) -> "Features":
        """Reads what `save` has written. Nothing in a file is run.

        Args:
          path: of the file.

        Raises:
          ValueError: it is not there, it is no such file, or pyarrow is not installed and the file is of Parquet.
        """
        place = feature_path(path)
        wanted = "a file of geomdl features, .npz or .parquet"
        if not place.is_file():
            raise invalid("features", str(path), f"{wanted}, but there is none")
        if place.suffix == ".npz":
            arrays = read_numpy(place, wanted, required=("features", "names"), optional=("labels", "about"))
            about = str(arrays["about"]) if "about" in arrays else "{}"
            values, names, labels = arrays["features"], arrays["names"], arrays.get("labels")
        else:
            _, parquet = _pyarrow(place)
            try:
                table = parquet.read_table(place)
                noted = table.schema.metadata or {}
                about, shape = noted.get(_KEY, b"{}").decode(), json.loads(noted[_KEY + b".shape"])
                column = table.column("features").combine_chunks()
                values = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), *shape)
                names = table.column("name").to_pylist()
                labels = table.column("label").to_numpy() if "label" in table.column_names else None
            except Exception as error:  # of pyarrow, and of what is missing
                raise invalid("features", str(path), f"{wanted}; it is {looks_like(place)} ({error})") from error
        return cls(np.asarray(values, np.float32), tuple(map(str, names)), labels, json.loads(about))


def feature_path(path: Path | str) -> Path:
    """The path of a file of features.

    Args:
      path: as it was given.

    Raises:
      ValueError: its suffix is neither ``.npz`` nor ``.parquet``, or it is the latter and pyarrow is not installed.
    """
    place = local_path(path, "file of features")
    if place.suffix.lower() not in SUFFIXES:
        raise invalid("file of features", str(path), "FILE.npz or FILE.parquet", f"{place.with_suffix('')}.npz")
    if place.suffix == ".parquet":
        _pyarrow(place)
    return place


def _pyarrow(place: Path) -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        allowed = "FILE.npz, or FILE.parquet where pyarrow is installed: pip install 'geomdl[parquet]'"
        raise invalid("file of features", str(place), allowed, str(place.with_suffix(".npz"))) from error
