"""What is wrong with a folder that was prepared by TensorFlow Datasets, by the name of the file."""

import json
from pathlib import Path
from typing import Any

from geomdl.data.sources.numpy_files import looks_like

_RECORDS = b"\x83\xaf\x70\xd1"  # the signature of the Riegeli files that array_record writes


def corrupt(where: Path | str, what: str, error: Exception) -> ValueError:
    """The error for a prepared folder that cannot be read, with the file that is at fault, where one is found.

    Args:
      where: the folder of the version.
      what: was tried, in words.
      error: what came of it.
    """
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    fault = fault_of(Path(where))
    return ValueError(
        f"corrupt data set in {where}: {what} ({fault or first_line}); allowed: a complete folder in the array_record "
        "format; copy or prepare it again"
    )


def fault_of(where: Path) -> str | None:
    """Names the first file that is missing, truncated, or not what its name says; None where none is found."""
    for name in ("dataset_info.json", "features.json"):
        fault = _json_fault(where / name)
        if fault:
            return fault
    info = json.loads((where / "dataset_info.json").read_text(encoding="utf-8"))
    other = sorted(file.name for file in where.iterdir() if file.is_file() and ".tfrecord" in file.name)
    kind = info.get("fileFormat") or ("tfrecord" if other else "array_record")
    if kind != "array_record":
        return f"it was prepared in the {kind} format, which only TensorFlow reads" + (f": {other[0]}" if other else "")
    for split in info.get("splits", ()):
        fault = _split_fault(where, split)
        if fault:
            return fault
    return None


def _json_fault(file: Path) -> str | None:
    if not file.is_file():
        return f"{file.name} is missing"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        kind = looks_like(file)
        return f"{file.name} is {'no JSON, or truncated' if kind == 'text' else kind}"
    return None if isinstance(found, dict) and found else f"{file.name} holds nothing"


def _split_fault(where: Path, split: dict[str, Any]) -> str | None:
    """The same of the files of one split, whose lengths are written down."""
    name, lengths = split.get("name"), [int(length) for length in split.get("shardLengths", ())]
    files = sorted(file for file in where.iterdir() if f"-{name}.array_record" in file.name)
    if len(files) < len(lengths):
        return f"of split {name!r} {len(lengths) - len(files)} of {len(lengths)} files are missing"
    for file, length in zip(files, lengths, strict=False):
        with file.open("rb") as opened:
            signature = opened.read(len(_RECORDS))
        if signature != _RECORDS:
            return f"{file.name} is {looks_like(file)}"
        there = _records_in(file)
        if there != length:
            return f"{file.name} is truncated or corrupt: {there} of {length} records"
    return None


def _records_in(file: Path) -> int:
    from array_record.python.array_record_module import ArrayRecordReader

    try:
        reader = ArrayRecordReader(str(file))
        return reader.num_records()
    except Exception:
        return 0
