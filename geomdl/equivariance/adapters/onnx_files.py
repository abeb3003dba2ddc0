"""ONNX files as functions of images, run by onnxruntime (the extra ``onnx``)."""

import dataclasses
import importlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.errors import invalid, unknown

NUMBERS = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(uint16)": np.uint16, "tensor(int16)": np.int16,
    "tensor(int32)": np.int32, "tensor(int64)": np.int64,
}  # fmt: skip
"""The input types that images are converted to."""

CHANNELS = (1, 2, 3, 4)
"""Numbers of channels by which a layout is recognised."""


@dataclasses.dataclass(frozen=True)
class TakenImages:
    """The images that a model says it takes.

    Attributes:
      layout: ``"NCHW"`` or ``"NHWC"``.
      size: (height, width, channels); None for an axis that may have any length.
      batch: images per call; None for any number.
      dtype: to which images are converted.
    """

    layout: str
    size: tuple[int | None, int | None, int | None]
    batch: int | None
    dtype: np.dtype

    def arranged(self, x: np.ndarray) -> np.ndarray:
        """The same images ``[n, height, width, channels]`` with their numbers in memory in the order of the model.

        Nothing then has to copy them before the model reads them; nor what shifts, sums and the like make of them,
        which NumPy leaves in this order.
        """
        return x if self.layout == "NHWC" else np.ascontiguousarray(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)


def is_onnx(model: Any) -> bool:
    """Whether this is a path of an ONNX file, also as ``model.onnx:output``, or a session of onnxruntime."""
    if isinstance(model, str | os.PathLike):
        return os.fspath(model).rpartition(".")[2].partition(":")[0].lower() == "onnx"
    return type(model).__module__.partition(".")[0] == "onnxruntime" and hasattr(model, "get_inputs")


def open_onnx(model: Any, layout: str | None = None) -> tuple["OnnxFunction", TakenImages, str]:
    """A function of images in the model's own layout, what it takes, and its name.

    Args:
      model: a path, ``"model.onnx"``, or ``"model.onnx:name"`` for one of several outputs; or an
        ``onnxruntime.InferenceSession``.
      layout: of the images; found from the number of channels by default.

    Raises:
      ValueError: without onnxruntime; for a file that is none, or no ONNX model; for a model with several inputs or
        outputs, one that takes no images, or one whose layout cannot be seen.
    """
    wanted = None
    if isinstance(model, str | os.PathLike):
        text = os.fspath(model)
        split = text.lower().rfind(".onnx") + 5
        path, wanted = Path(text[:split]).expanduser(), text[split + 1 :] or None
        session, name = _session(path), path.name
    else:
        session, name = model, "InferenceSession"
    taken = _taken(session, name, layout)
    output = _output(session, name, wanted)
    return OnnxFunction(session, session.get_inputs()[0].name, output, taken), taken, name


@dataclasses.dataclass(frozen=True, eq=False)
class OnnxFunction:
    """Images in the layout of the model ↦ one of its outputs.

    Images are converted to the model's type: whole numbers are rounded, and cut to the range of the type. Where the
    model takes a fixed number of images, the last ones are filled up with copies.
    """

    session: Any
    input: str
    output: str
    taken: TakenImages

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """``[batch, …]`` of any floating-point type, in the model's layout."""
        x = np.ascontiguousarray(_converted(x, self.taken.dtype))
        batch = self.taken.batch
        if batch is None or batch == len(x):
            return self._run(x)
        outputs = []
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            filled = np.concatenate([part, np.repeat(part[-1:], batch - len(part), 0)])
            y = self._run(filled)
            if np.ndim(y) == 0 or len(y) != batch:
                shape = tuple(np.shape(y))
                raise invalid("output shape of the ONNX model", shape, f"one output for each of {batch} images")
            outputs.append(y[: len(part)])
        return np.concatenate(outputs)

    def _run(self, x: np.ndarray) -> np.ndarray:
        try:
            return self.session.run([self.output], {self.input: x})[0]
        except Exception as error:  # onnxruntime has its own, which derive from nothing more
            said = " ".join(str(error).split())[:300]
            raise ValueError(f"the ONNX model cannot be run on {self.input} {x.shape}: {said}") from error


def _session(path: Path) -> Any:
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*.onnx")) if path.parent.is_dir() else []
        if beside:
            raise unknown(f"ONNX file in {path.parent}", path.name, beside)
        raise invalid("model", str(path), "an ONNX file that exists")
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        message = f"{path.name} is an ONNX file, for which onnxruntime is needed: pip install 'geomdl[onnx]' ({error})"
        raise ValueError(message) from error
    options = runtime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # between calls others compute
    options.log_severity_level = 3  # errors; what a graph could do better is no matter of who audits it
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has its own, which derive from nothing more
        said = " ".join(str(error).split())[:300]
        raise ValueError(f"{path} cannot be read as an ONNX model: {said}") from error


def _taken(session: Any, name: str, layout: str | None) -> TakenImages:
    inputs = session.get_inputs()
    if len(inputs) != 1:
        listed = ", ".join(f"{i.name} {_shown(i.shape)}" for i in inputs) or "none"
        raise ValueError(
            f"{name} takes {len(inputs)} inputs ({listed}), where an audit needs one, images; give a function of images"
            " that fills in the others (as_function(…, numpy=True))"
        )
    shape, kind = list(inputs[0].shape or []), inputs[0].type
    if kind not in NUMBERS or len(shape) != 4:
        allowed = f"images: four axes of {', '.join(NUMBERS)}"
        raise invalid(f"input of {name}", f"{inputs[0].name} {_shown(shape)} of {kind}", allowed)
    axes = tuple(n if isinstance(n, int) and n > 0 else None for n in shape)
    found = layout or _layout(axes)
    if found not in ("NCHW", "NHWC"):
        said = "it cannot be seen where the channels are" if layout is None else f"layout {layout!r}"
        raise ValueError(
            f"{name} takes {inputs[0].name} {_shown(shape)}: {said}; say layout='NCHW' or 'NHWC' (--layout)"
        )
    height, width, channels = (axes[i] for i in ((2, 3, 1) if found == "NCHW" else (1, 2, 3)))
    return TakenImages(found, (height, width, channels), axes[0], np.dtype(NUMBERS[kind]))


def _layout(axes: Sequence[int | None]) -> str | None:
    """By the number of channels, which is small; by the other two axes, which are often equal or both unknown."""
    first, last = axes[1] in CHANNELS, axes[3] in CHANNELS
    if first != last:
        return "NCHW" if first else "NHWC"
    if axes[2] == axes[3] != axes[1] and axes[1] is not None:
        return "NCHW"
    if axes[1] == axes[2] != axes[3] and axes[3] is not None:
        return "NHWC"
    return None


def _output(session: Any, name: str, wanted: str | None) -> str:
    outputs = {o.name: o for o in session.get_outputs()}
    if wanted is not None and wanted not in outputs:
        raise unknown(f"output of {name}", wanted, list(outputs))
    if wanted is None and len(outputs) != 1:
        listed = ", ".join(f"{o.name} {_shown(o.shape)}" for o in outputs.values())
        first = next(iter(outputs), "name")
        raise ValueError(f"{name} has {len(outputs)} outputs ({listed}); name the one to look at: {name}:{first}")
    chosen = outputs[wanted or next(iter(outputs))]
    if not str(chosen.type).startswith("tensor"):
        raise invalid(f"output {chosen.name} of {name}", chosen.type, "a tensor")
    return chosen.name


def _converted(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "f":
        return x.astype(dtype, copy=False)
    range_of = np.iinfo(dtype)
    highest = math.nextafter(float(range_of.max), 0) if dtype.itemsize == 8 else range_of.max
    return np.clip(np.rint(x), range_of.min, highest).astype(dtype)


def _shown(shape: Sequence[Any] | None) -> str:
    return "[" + ", ".join(str(n) for n in shape or ()) + "]"
