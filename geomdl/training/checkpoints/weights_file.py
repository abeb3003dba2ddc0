"""The weights of a trained network in one file, ``weights.safetensors``, in place of checkpoints."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from geomdl.errors import invalid, unknown
from geomdl.training.checkpoints.checkpoint import CheckpointError
from geomdl.training.checkpoints.parameter_mismatch import parameter_mismatch

WEIGHTS = "weights.safetensors"


def write_variables(file: Path, step: int, params: Any, rest: Any) -> None:
    """Writes the variables of a network by name: ``params.…`` and ``rest.…``.

    Args:
      file: of that name.
      step: of the run, which is noted.
      params: parameters, nested dicts.
      rest: the other variables.

    Raises:
      ValueError: a variable is no array of numbers, such as a random key.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    for name, leaf in _named({"params": params, "rest": rest}).items():
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            raise invalid(f"variable {name}", "a random key", "arrays of numbers, in a network that is to be kept")
        arrays[name] = np.ascontiguousarray(jax.device_get(leaf))
    file.write_bytes(save(arrays, metadata={"step": str(step)}))


def read_variables(file: Path, checkpoint: str | int, params: Any, rest: Any) -> tuple[int, Any, Any]:
    """Reads what `write_variables` has written: the step, the parameters and the other variables.

    Args:
      file: of that name.
      checkpoint: ``"best"``, ``"latest"`` or the step, of which there is one.
      params: parameters in the structure and shapes that are expected.
      rest: likewise.

    Raises:
      CheckpointError: the file is damaged, or of another model, or there is no such step.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="numpy") as opened:
            step = int((opened.metadata() or {})["step"])
            there = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(f"cannot read {file} ({' '.join(str(error).split())}); nothing was changed") from error
    if str(checkpoint) not in ("best", "latest", str(step)):
        raise CheckpointError(str(unknown("checkpoint", str(checkpoint), ["best", "latest", step])))
    like = {"params": params, "rest": rest}
    wanted = _named(like)
    found = parameter_mismatch(there, wanted)
    if found:
        raise CheckpointError(f"{file} is of another model ({found}); nothing was changed")
    leaves = [jax.numpy.asarray(there[name], leaf.dtype) for name, leaf in wanted.items()]
    made = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return step, made["params"], made["rest"]


def _named(tree: Any) -> dict[str, Any]:
    """The leaves by the keys that lead to them, joined by dots, in their order."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {".".join(str(getattr(key, "key", key)) for key in path): leaf for path, leaf in leaves}
