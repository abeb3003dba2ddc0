"""Files of weights, as mappings from names to arrays that are read one by one. Nothing in a file is ever run.

Which format a file has is seen in its first bytes, whatever it is called: safetensors, which is read with NumPy alone;
PyTorch's ``.pth``, ``.pt`` and ``.bin``, by ``torch.load(weights_only=True)`` where PyTorch is installed; HDF5
(``.weights.h5`` and ``.h5`` of Keras), where h5py is.
"""

import dataclasses
import importlib
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from geomdl.errors import invalid
from geomdl.nesting import require_finite_nesting
from geomdl.paths import local_path

FORMATS = "safetensors, a state dict of PyTorch (.pth, .pt, .bin), or weights of Keras (.weights.h5)"

_DTYPES: dict[str, Any] = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "I64": np.int64,
    "I32": np.int32, "I16": np.int16, "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16,
    "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip

_LARGEST_HEADER = 100_000_000
"""Bytes; the reference implementation of safetensors refuses more too."""

_NESTED = ("state_dict", "model", "model_state_dict", "model_ema", "net")
"""Keys of checkpoints under which training scripts of PyTorch keep the state dict."""

_WRAPPERS = ("module.", "_orig_mod.")
"""What `torch.nn.DataParallel` and `torch.compile` put before every name."""


@dataclasses.dataclass(frozen=True)
class Stored:
    """Named arrays of a file, or of a dict, whose shapes are known before they are read.

    Attributes:
      source: what they are read from, for messages.
      format: of the file.
      shapes: of the arrays by name, in the order of the file.
      read: the array of a name.
      notes: what was done to find them.
    """

    source: str
    format: str
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]
    notes: tuple[str, ...] = ()

    def renamed(self, name_of: Callable[[str], str], *notes: str) -> "Stored":
        """The same arrays under other names.

        Args:
          name_of: the new name of each.
          notes: what is to be said of it.
        """
        old = {name_of(name): name for name in self.shapes}
        shapes = {new: self.shapes[name] for new, name in old.items()}
        return dataclasses.replace(
            self, shapes=shapes, read=lambda new: self.read(old[new]), notes=(*self.notes, *notes)
        )


def stored(source: Path | str | Mapping[str, Any]) -> Stored:
    """The arrays of a file of weights, or of a dict that is at hand.

    Args:
      source: a file in one of `FORMATS`; or a mapping from names to arrays of NumPy, JAX or PyTorch.

    Raises:
      ValueError: there is no such file, it has none of these formats, is truncated or damaged, would run code, or needs
        a package that is not installed.

    >>> stored({"fc.weight": np.zeros((10, 4))}).shapes
    {'fc.weight': (10, 4)}
    """
    if isinstance(source, Mapping):
        return _unwrapped(_of_mapping("the dict", "dict", source))
    path = local_path(source, "file of weights")
    if path.is_dir():
        raise invalid("file of weights", str(source), f"a file: {FORMATS}; this is a folder")
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise invalid("file of weights", str(source), f"a file that can be read ({error.strerror})") from error
    if start[8:9] == b"{":
        return _unwrapped(_safetensors(path))
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return _hdf5(path)
    if start.startswith(b"PK\x03\x04") or re.match(rb"\x80[\x02-\x05]", start):
        return _unwrapped(_pytorch(path))
    what = "it is empty" if not start else "its first bytes are those of none of them"
    raise invalid("file of weights", str(source), f"{FORMATS}; {what}")


def _unwrapped(found: Stored) -> Stored:
    """Without what wrappers put before every name."""
    for wrapper in _WRAPPERS:
        if found.shapes and all(name.startswith(wrapper) for name in found.shapes):
            cut = len(wrapper)
            found = found.renamed(
                lambda name, cut=cut: name[cut:], f"the prefix {wrapper!r} of every name was left out"
            )
    return found


def _of_mapping(source: str, form: str, arrays: Mapping[Any, Any], *notes: str) -> Stored:
    shapes = {}
    for name, array in arrays.items():
        if not isinstance(name, str) or not hasattr(array, "shape"):
            allowed = "names with arrays of NumPy, JAX or PyTorch: model.state_dict()"
            raise invalid("weights", {name: type(array).__name__}, allowed)
        shapes[name] = tuple(int(n) for n in array.shape)
    return Stored(source, form, shapes, lambda name: _as_numpy(arrays[name]), notes)


def _as_numpy(array: Any) -> np.ndarray:
    """A NumPy array of an array of any library."""
    if hasattr(array, "detach"):  # of PyTorch
        array = array.detach().cpu()
        if "bfloat16" in str(array.dtype):
            array = array.float()
        array = array.numpy()
    return np.asarray(array)


def _damaged(path: Path, why: str) -> ValueError:
    return ValueError(f"cannot read the file of weights {path} ({why}); it seems to be truncated or damaged")


def _safetensors(path: Path) -> Stored:
    """Eight bytes of length, a header of JSON, and the arrays one after the other."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LARGEST_HEADER, size - 8):
            raise _damaged(path, f"a header of {length:,} bytes in a file of {size:,}")
        raw = file.read(length)
    try:
        header = json.loads(raw.decode("utf-8"))
        require_finite_nesting(header, "the header")
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its header is no JSON: {type(error).__name__}") from None
    entries: dict[str, tuple[Any, tuple[int, ...], int]] = {}
    for name, about in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype = np.dtype(_DTYPES[about["dtype"]])
            shape = tuple(about["shape"])
            start, end = about["data_offsets"]
            whole = all(type(n) is int and n >= 0 for n in (*shape, start, end))
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, f"{name!r} has no dtype, shape and place that are known: {error}") from None
        if not whole or end - start != math.prod(shape) * dtype.itemsize:
            raise _damaged(path, f"the place of {name!r} does not have the size of its shape")
        if 8 + length + end > size:
            raise _damaged(path, f"{name!r} ends at byte {8 + length + end:,} of a file of {size:,}")
        entries[name] = dtype, shape, 8 + length + start

    def read(name: str) -> np.ndarray:
        dtype, shape, offset = entries[name]
        if not math.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", offset, shape)  # unmapped as soon as it has been copied

    return Stored(str(path), "safetensors", {name: shape for name, (_, shape, _) in entries.items()}, read)


def _pytorch(path: Path) -> Stored:
    """A state dict in a zip archive of PyTorch or, of old versions, a bare pickle: only tensors are taken out."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        raise ValueError(
            f"{path} is a file of PyTorch, which is not installed here; where it is, make a file that needs none:"
            " safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'weights.safetensors')"
        ) from None
    try:
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # a file of an old version, which cannot be mapped
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of pickle, zipfile and PyTorch
        said = " ".join(str(error).split())
        if "weights_only" in said or "Unsupported" in said or "global" in said.lower():
            raise ValueError(
                f"{path} holds more than tensors: reading it would run code that comes with it, so nothing of it was"
                " read; save model.state_dict(), not the model"
            ) from None
        raise _damaged(path, f"{type(error).__name__}: {said[:120]}") from None
    notes: list[str] = []
    while isinstance(loaded, Mapping) and not any(hasattr(value, "shape") for value in loaded.values()):
        key = next((key for key in _NESTED if isinstance(loaded.get(key), Mapping)), None)
        if key is None:
            break
        loaded = loaded[key]
        notes.append(f"the state dict lies under {key!r}")
    if not isinstance(loaded, Mapping):
        raise invalid("file of weights", str(path), f"a state dict; this holds a {type(loaded).__name__}")
    return _of_mapping(str(path), "PyTorch", loaded, *notes)


def _hdf5(path: Path) -> Stored:
    try:
        h5py = importlib.import_module("h5py")
    except ImportError:
        raise ValueError(f"{path} is an HDF5 file, which needs h5py: pip install 'geomdl[keras]'") from None
    try:
        file = h5py.File(path, "r")
        places: dict[str, str] = {}

        def note(path: str, found: Any) -> None:
            if isinstance(found, h5py.Dataset) and (name := _keras_name(path, found)) is not None:
                places[name] = path

        file.visititems(note)
        shapes = {name: tuple(int(n) for n in file[place].shape) for name, place in places.items()}
    except Exception as error:  # of HDF5, whatever it makes of damaged files
        raise _damaged(path, f"{type(error).__name__}: {' '.join(str(error).split())[:120]}") from None
    return Stored(str(path), "HDF5", shapes, lambda name: np.asarray(file[places[name]]))


_NUMBERS = {"kernel": 0, "bias": 1, "gamma": 0, "beta": 1, "moving_mean": 2, "moving_variance": 3}
"""The arrays of a layer of Keras in their order, of a convolution or dense layer, and of batch norm."""


def _keras_name(path: str, found: Any) -> str | None:
    """``layer.number`` of an array: of Keras 3, whose groups say which layer they are, or as Keras 2 wrote it."""
    *folders, last = path.split("/")
    if last.isdigit() and folders[-1:] == ["vars"]:
        name = found.parent.attrs.get("name")
        return None if folders[0] == "optimizer" else f"{name or folders[-2]}.{last}"
    number = _NUMBERS.get(last.removesuffix(":0"))
    return None if number is None or not folders else f"{folders[-1]}.{number}"
