"""Weights of torchvision and timm into networks of geomdl, and back."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid, shortened, unknown
from geomdl.layers import BatchNorm, Layer
from geomdl.models.weights.families import FAMILIES, SCHEMES, Family, activations
from geomdl.models.weights.files import Stored, stored
from geomdl.models.weights.layout import Entry, entries_of
from geomdl.models.weights.structure import NoCounterpart
from geomdl.paths import local_path

COUNTER = "num_batches_tracked"
"""Of batch norm in PyTorch, which counts training steps with it, and does not use the number."""

_SHOWN = 5
"""Names of each kind that an error lists."""

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])(?=\.)")


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What `load_weights` read.

    Attributes:
      source: the file.
      format: ``"safetensors"``, ``"PyTorch"``, ``"HDF5"`` or ``"dict"``.
      scheme: whose names the arrays have.
      family: of the network.
      arrays: how many were read.
      parameters: numbers in them, with running statistics.
      notes: what was left out or looks odd, as sentences.
    """

    source: str
    format: str
    scheme: str
    family: str
    arrays: int
    parameters: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        read = f"{self.arrays} arrays ({self.parameters:,} numbers)"
        head = f"{self.source} ({self.format}): {read} of a {self.family} with the names of {self.scheme}"
        return "\n".join([head, *(f"  {note}" for note in self.notes)])


class WeightsMismatch(ValueError):
    """The arrays of a file are not those of a network."""


def load_weights(model: Layer, source: Path | str | Mapping[str, Any]) -> Loaded:
    """Puts weights of torchvision or timm into a network of geomdl, in place.

    The names of the arrays say which library they are of. Every array has to have its place and every place its array,
    of the right shape; otherwise nothing is changed. Kernels are transposed, the first dense layer behind a flattened
    map is permuted from (channels, height, width) to (height, width, channels), running statistics are taken over, and
    ``num_batches_tracked`` is passed over. The network then computes what that of the other library computes in
    evaluation, at every size of its images that both take.

    Networks: of torchvision and timm ResNet, Wide ResNet, ResNeXt, VGG with and without batch norm, DenseNet,
    MobileNetV2 and Inception v3; of torchvision also AlexNet (``variant="torchvision"``), GoogLeNet (likewise) and
    SqueezeNet. A network for C1 only: a twin has other weights.

    Args:
      model: a network of the zoo, or one that is built as these are.
      source: a safetensors file; a ``.pth``, ``.pt`` or ``.bin`` file where PyTorch is installed, of which nothing but
        tensors is taken; or a state dict of NumPy, JAX or PyTorch arrays.

    Returns:
      What was read, and what of it was left out.

    Raises:
      ValueError: for a file that cannot be read, or would run code; for a network without counterpart;
        (`WeightsMismatch`) for arrays that are missing, unexpected or misshapen, with the likely cause.

    >>> from geomdl.models import SqueezeNetConfig
    >>> config = SqueezeNetConfig(version="1.1", width=0.1)
    >>> one, other = (config.build((32, 32, 3), 10, rngs=seed) for seed in (0, 1))
    >>> state = weights_of(one)
    >>> list(state)[:3], state["features.0.weight"].shape
    (['features.0.weight', 'features.0.bias', 'features.3.squeeze.weight'], (6, 3, 3, 3))
    >>> load_weights(other, state).arrays
    52
    >>> x = jnp.ones((1, 32, 32, 3))
    >>> bool((one(x) == other(x)).all())
    True
    """
    found = stored(source)
    found = found.renamed(lambda name: _OLD_DENSENET.sub(r"\1\2", name))
    family, entries = _fitting(model, found)
    ignored = {
        name for name in found.shapes if name.endswith(f".{COUNTER}") or name == COUNTER
    } | _headless(family, entries, found)
    _require_match(entries, found, family, ignored)
    values, notes, count = [], list(found.notes), 0
    for entry in entries:
        array = found.read(entry.name)
        if not np.issubdtype(array.dtype, np.floating) and array.dtype.name != "bfloat16":
            raise WeightsMismatch(f"{entry.name!r} of {found.source} holds {array.dtype.name}, no floating-point numbers")
        if not np.isfinite(array.astype(np.float32) if array.dtype.itemsize < 4 else array).all():
            notes.append(f"{entry.name!r} holds numbers that are not finite")
        count += array.size
        for variable, value in zip(entry.variables, entry.to_ours(array), strict=True):
            values.append((variable, jnp.asarray(np.ascontiguousarray(value), variable.dtype)))
    for variable, value in values:
        variable.set_value(value)
    heads = sorted({name.split(".")[0] for name in ignored if not name.endswith(COUNTER)})
    if heads:
        notes.append(f"left out, as the network has no auxiliary heads: {', '.join(heads)}")
    other = activations(model) - {"relu", "relu6"}
    if other:
        notes.append(f"the nonlinearity of the network is {', '.join(sorted(other))}, not that of {family.scheme}")
    return Loaded(found.source, found.format, family.scheme, family.name, len(entries), count, tuple(notes))


def weights_of(model: Layer, scheme: str = "torchvision") -> dict[str, np.ndarray]:
    """The weights of a network as a state dict with the names and shapes of another library.

    Args:
      model: see `load_weights`.
      scheme: ``"torchvision"`` or ``"timm"``.

    Raises:
      ValueError: for another scheme, or a network without counterpart in that library.

    >>> from geomdl.models import ImageNetResNetConfig
    >>> model = ImageNetResNetConfig(depth=18, width=0.05).build((33, 33, 3), 10, rngs=0)
    >>> {name: array.shape for name, array in weights_of(model).items() if name.startswith("bn1.")}
    {'bn1.weight': (3,), 'bn1.bias': (3,), 'bn1.running_mean': (3,), 'bn1.running_var': (3,), 'bn1.num_batches_tracked': ()}
    """
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, SCHEMES)
    _, entries = next(iter(_families(model, scheme)))
    state: dict[str, np.ndarray] = {}
    for entry in entries:
        values = [np.asarray(jax.device_get(variable[...])) for variable in entry.variables]
        state[entry.name] = np.ascontiguousarray(entry.to_theirs(values))
        if isinstance(entry.layer, BatchNorm) and entry.name.endswith(".running_var"):
            state[entry.name.removesuffix("running_var") + COUNTER] = np.zeros((), np.int64)
    return state


def save_weights(model: Layer, path: Path | str, scheme: str = "torchvision") -> Path:
    """Writes the weights of a network to a safetensors file that torchvision or timm load strictly.

      model.load_state_dict(safetensors.torch.load_file("weights.safetensors"))

    `load_weights` of it is the identity. ``num_batches_tracked``, which nothing here counts, is 0.

    Args:
      model: see `load_weights`.
      path: of the file, which ends in ``.safetensors``; another file in its place is replaced.
      scheme: whose names: ``"torchvision"`` or ``"timm"``.

    Returns:
      The path.

    Raises:
      ValueError: for another ending or scheme, or a network without counterpart.
      OSError: it cannot be written.

    >>> import tempfile
    >>> from geomdl.models import SqueezeNetConfig
    >>> one, other = (SqueezeNetConfig(width=0.1).build((32, 32, 3), 10, rngs=seed) for seed in (0, 1))
    >>> file = save_weights(one, tempfile.mkdtemp() + "/squeezenet.safetensors")
    >>> load_weights(other, file).format
    'safetensors'
    """
    from safetensors.numpy import save

    file = local_path(path, "file of weights")
    if file.suffix != ".safetensors":
        allowed = "a file that ends in .safetensors"
        raise invalid("file of weights", str(path), allowed, file.with_suffix(".safetensors").name)
    content = save(weights_of(model, scheme), metadata={"format": "pt", "scheme": scheme})
    partial = file.with_name(file.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return file


def _families(model: Layer, scheme: str | None = None) -> list[tuple[Family, list[Entry]]]:
    """The families that a network is of, with the arrays that it has there.

    Raises:
      ValueError: there is none.
    """
    _require_plain(model)
    found, reasons = [], {}
    for family in FAMILIES:
        if scheme not in (None, family.scheme):
            continue
        try:
            named = list(family.named(model))
            entries = [entry for name, layer, form in named for entry in entries_of(name, layer, form)]
            found.append((family, entries))
        except NoCounterpart as error:
            reasons.setdefault(str(error), []).append(family.name)
    if not found:
        why = "; ".join(f"{', '.join(dict.fromkeys(names))}: {reason}" for reason, names in reasons.items())
        where = scheme or " or ".join(SCHEMES)
        raise ValueError(f"the network has no counterpart in {where} ({why})")
    return found


def _require_plain(model: object) -> None:
    if not isinstance(model, Layer):
        allowed = "a network of the zoo: MODELS['resnet18']().build((224, 224, 3), 1000, rngs=0)"
        raise invalid("model", type(model).__name__, allowed)
    group = model.in_type.group
    if group.order != 1:
        raise invalid(
            "group of the network", str(group), "C1: those libraries have no twins, whose weights are others", "C1"
        )


def _fitting(model: Layer, found: Stored) -> tuple[Family, list[Entry]]:
    """Of the families of a network the one whose names those of the file are."""
    candidates = _families(model)
    there = set(found.shapes)
    return max(candidates, key=lambda candidate: len(there & {entry.name for entry in candidate[1]}))


def _headless(family: Family, entries: Sequence[Entry], found: Stored) -> set[str]:
    """Arrays of auxiliary heads that the network does not have."""
    absent = [head for head in family.unloaded if not any(entry.name.startswith(head) for entry in entries)]
    return {name for name in found.shapes if name.startswith(tuple(absent))} if absent else set()


def _require_match(entries: Sequence[Entry], found: Stored, family: Family, ignored: set[str]) -> None:
    wanted = {entry.name: entry for entry in entries}
    missing = [name for name in wanted if name not in found.shapes]
    unexpected = [name for name in found.shapes if name not in wanted and name not in ignored]
    misshapen = {n: (found.shapes[n], e.shape) for n, e in wanted.items() if n in found.shapes and found.shapes[n] != e.shape}
    if not (missing or unexpected or misshapen):
        return
    shapes = [f"{name} {_shape(there)} there, {_shape(here)} here" for name, (there, here) in misshapen.items()]
    lists = [("missing", missing), ("unexpected", unexpected), ("misshapen", shapes)]
    said = "; ".join(f"{what}: {_some(names)}" for what, names in lists if names)
    cause = _cause(entries, found, family, missing, unexpected, misshapen)
    raise WeightsMismatch(
        f"the arrays of {found.source} are not those of this {family.name} ({family.scheme}); {said}."
        f" Probably {cause}. Nothing was changed"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shortened(name, 80) for name in names[:_SHOWN]) + more


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "()"


def _cause(
    entries: Sequence[Entry],
    found: Stored,
    family: Family,
    missing: Sequence[str],
    unexpected: Sequence[str],
    misshapen: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]],
) -> str:
    """What most likely went wrong, in words."""
    wanted = {entry.name for entry in entries}
    if not found.shapes:
        return "the file is empty"
    for name in unexpected:
        for k in range(1, name.count(".") + 1):
            prefix, rest = ".".join(name.split(".")[:k]) + ".", ".".join(name.split(".")[k:])
            if rest in wanted and rest in missing:
                advice = "torch.nn.DataParallel puts 'module.' there; " if prefix == "module." else ""
                return f"the names have the prefix {prefix!r}, which has to go ({advice}keep the names that are the network's)"
    if missing and len(missing) == len(wanted):
        if all(re.search(r"(kernel|gamma|vars/|moving)", name) for name in found.shapes):
            return "the names are those of Keras, whose files of this network are not read"
        return f"the file is of another network than a {family.name}"
    absent = {head for head in family.unloaded if any(name.startswith(head) for name in missing)}
    if absent and not unexpected and all(name.startswith(tuple(absent)) for name in missing):
        return "the file has no auxiliary heads: build the network with model.auxiliary=False"
    last = [entry.name for entry in entries if entry.name in _classifiers(entries)]
    if misshapen and not missing and not unexpected and set(misshapen) <= set(last):
        there, here = next(iter(misshapen.values()))
        if there[0] != here[0]:
            return f"the file has {there[0]} classes and the network {here[0]}: build it with as many as the file has"
    if misshapen and not missing and not unexpected:
        name, (there, here) = next(iter(misshapen.items()))
        if len(there) == 2 and there[0] == here[0] and there[1] % here[1] == 0 or here[1:] and here[1] % there[1] == 0:
            side = math.isqrt(max(there[1], here[1]) // max(1, min(there[1], here[1])))
            if len(there) == 2 and side > 1:
                return "the network was built for images of another size, so that its first dense layer sees another map"
        return "the network has another width, or is another variant"
    if any(not name.endswith((".running_mean", ".running_var")) for name in missing) and unexpected:
        return f"another variant or another depth of {family.name}"
    if missing and all(name.endswith((".running_mean", ".running_var")) for name in missing):
        return "these are parameters alone, without running statistics: take model.state_dict()"
    deeper = "shallower" if missing else "deeper"
    return f"the file is of a {deeper} network, or of another variant"


def _classifiers(entries: Sequence[Entry]) -> set[str]:
    """The names of the arrays of the last layers, whose outputs are the classes."""
    classes = entries[-1].shape[0]
    return {e.name for e in entries if e.shape[0] == classes and e.layer.out_type == entries[-1].layer.out_type}
