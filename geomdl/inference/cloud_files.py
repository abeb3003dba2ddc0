"""Point clouds in files: arrays of NumPy, polygon files (.ply), and text with a point in each line (.xyz)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.data.sources.numpy_files import read_numpy
from geomdl.data.sources.own.image_files import BrokenFile
from geomdl.errors import invalid
from geomdl.inference.image_sources import Source, named_files

CLOUD_FILES = (".npz", ".npy", ".ply", ".xyz")

_ARRAYS = (
    "an array [points, 3 + features] or [clouds, points, 3 + features]; or an .npz file with positions [points, 3] or "
    "[clouds, points, 3], if wanted features and masks, as in the data of training"
)
_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4",
    "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def cloud_sources(given: Sequence[str | Path], features: int = 0) -> list[Source]:
    """The clouds that are named, in order; those of folders and of their folders by name.

    Args:
      given: files, folders, and patterns such as ``"scans/*.ply"``: ``.ply`` (vertices, in text or binary), ``.xyz``
        (a line with x, y, z and the features of each point), ``.npy`` and ``.npz`` (a cloud, or several).
      features: how many numbers the network takes with each point. Where it takes none, those that vertices of a
        ``.ply`` file have by name, such as colours, are left out.

    Raises:
      ValueError: nothing is there, no cloud is in it, or an array is none of clouds.
    """
    files = named_files(given, _is_cloud, "cloud", "a folder with .ply, .xyz, .npy or .npz files")
    return [source for file in files for source in _of(file, features)]


def _is_cloud(file: Path) -> bool:
    return file.suffix.lower() in CLOUD_FILES


def _of(file: Path, features: int) -> list[Source]:
    readers: dict[str, Callable[[Path, int], np.ndarray]] = {".ply": _read_ply, ".xyz": _read_xyz}
    ending = file.suffix.lower()
    if ending in readers:
        return [Source(str(file), lambda: _broken(file, lambda: readers[ending](file, features)))]
    if ending not in CLOUD_FILES:
        raise invalid("file of a cloud", str(file), f"one of {', '.join(CLOUD_FILES)}")
    arrays = read_numpy(file, _ARRAYS, required=["positions"], optional=["features", "masks"], single=True)
    clouds = _clouds_of(arrays, str(file))
    if clouds.ndim == 2:
        return [Source(str(file), lambda: clouds)]
    return [Source(f"{file}[{i}]", lambda i=i: clouds[i]) for i in range(len(clouds))]


def _clouds_of(arrays: Any, where: str) -> np.ndarray:
    """Positions, features behind them, and of clouds with a mask 1 where there is a point, as in packed clouds."""
    positions, features, masks = arrays["positions"], arrays.get("features"), arrays.get("masks")
    least = 3 if features is not None else None
    if positions.ndim not in (2, 3) or positions.shape[-1] < 3 or positions.shape[-1] != (least or positions.shape[-1]):
        raise invalid(f"shape of the clouds in {where}", positions.shape, _ARRAYS)
    if positions.dtype.kind not in "fiu":
        raise invalid(f"dtype of the clouds in {where}", str(positions.dtype), "real numbers", "float32")
    if features is not None:
        if features.shape[:-1] != positions.shape[:-1]:
            allowed = f"{positions.shape[:-1]} and the features of each point; [..., None] for a single one"
            raise invalid(f"shape of the features in {where}", features.shape, allowed)
        positions = np.concatenate([positions, features.astype(positions.dtype)], -1)
    if masks is None:
        return positions
    if masks.shape != positions.shape[:-1]:
        raise invalid(f"shape of the masks in {where}", masks.shape, f"{positions.shape[:-1]}")
    kept = masks.astype(bool)[..., None]
    return np.concatenate([np.where(kept, positions, 0), kept], -1).astype(np.float64)


def _broken(file: Path, read: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return read()
    except BrokenFile:
        raise
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise BrokenFile(file, " ".join(str(error).split())[:200] or type(error).__name__) from error


def _read_xyz(file: Path, features: int) -> np.ndarray:
    """A line for each point, with spaces, tabs or commas between numbers; # begins a comment."""
    rows: list[list[float]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if words and (len(row) < 3 or (rows and len(row) != len(rows[0]))):
            allowed = f"x y z and {features} features of a point" if features else "x y z of a point"
            raise BrokenFile(file, f"line {number} is {line.strip()[:40]!r}; allowed: {allowed}, as many in each line")
        rows += [row] if row else []
    if not rows:
        raise BrokenFile(file, "it has no points")
    return np.array(rows)


def _read_ply(file: Path, features: int) -> np.ndarray:
    """The vertices of a polygon file, which come first in it."""
    content = file.read_bytes()
    head, found, body = content.partition(b"end_header")
    lines = [line.split() for line in head.decode("ascii", "replace").splitlines()]
    if not found or not lines or lines[0] != ["ply"]:
        raise BrokenFile(file, "it does not begin as a PLY file does, with 'ply' and a header")
    order = next((line[1] for line in lines if line[:1] == ["format"] and len(line) > 1), "none")
    if order not in _ORDERS:
        raise BrokenFile(file, f"its format is {order}; allowed: {', '.join(_ORDERS)}")
    places = [i for i, line in enumerate(lines) if line[:1] == ["element"]]
    if not places or lines[places[0]][1] != "vertex":
        raise BrokenFile(file, "its first element is no vertex")
    end = places[1] if len(places) > 1 else len(lines)
    properties = [line for line in lines[places[0] : end] if line[:1] == ["property"]]
    if wrong := [line for line in properties if len(line) != 3 or line[1] not in _TYPES]:
        raise BrokenFile(file, f"a property of its vertices is {' '.join(wrong[0][1:])}; allowed: {', '.join(_TYPES)}")
    count, names = int(lines[places[0]][2]), [line[2] for line in properties]
    if missing := {"x", "y", "z"} - set(names):
        raise BrokenFile(
            file, f"its vertices have no {', '.join(sorted(missing))}, but {', '.join(names) or 'nothing'}"
        )
    body = body.partition(b"\n")[2]
    if order == "ascii":
        words = [line.split() for line in body.decode("ascii", "replace").splitlines() if line.strip()][:count]
        table = {name: np.array([float(row[i]) for row in words]) for i, name in enumerate(names)}
    else:
        kind = np.dtype(
            [(name, _ORDERS[order] + _TYPES[line[1]]) for name, line in zip(names, properties, strict=True)]
        )
        rows = np.frombuffer(body[: len(body) // kind.itemsize * kind.itemsize], kind)[:count]
        table = {name: rows[name].astype(np.float64) for name in names}
    if len(table["x"]) < count or not count:
        raise BrokenFile(file, f"it says {count} vertices and has {len(table['x'])}; allowed: one or more, all there")
    further = [name for name in names if name not in "xyz"] if features else []
    if len(further) != features:
        what = f"its vertices have {len(further)} numbers besides x, y, z: {', '.join(further) or 'none'}"
        raise BrokenFile(file, f"{what}; allowed: {features}, the features that the network was trained with")
    return np.stack([table[name] for name in ("x", "y", "z", *further)], -1)
