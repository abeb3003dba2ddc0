"""Weights of torchvision, timm, Keras and escnn into networks of geomdl, and those of the first two back."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.errors import invalid, unknown
from geomdl.layers import BatchNorm, Layer
from geomdl.models.weights.escnn import escnn_values, is_escnn
from geomdl.models.weights.families import FAMILIES, SCHEMES, Family, activations
from geomdl.models.weights.files import Stored, stored
from geomdl.models.weights.keras import folded
from geomdl.models.weights.layout import Entry, entries_of
from geomdl.models.weights.mismatch import Difference, WeightsMismatch, with_article
from geomdl.models.weights.structure import NoCounterpart
from geomdl.paths import local_path

COUNTER = "num_batches_tracked"
"""Of batch norm in PyTorch, which counts training steps with it, and does not use the number."""

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

    >>> print(Loaded("resnet18.safetensors", "safetensors", "torchvision", "ResNet", 102, 11699112))
    resnet18.safetensors (safetensors): 102 arrays (11,699,112 numbers) of a ResNet with the names of torchvision
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
        head = f"{self.source} ({self.format}): {read} of {with_article(self.family)} with the names of {self.scheme}"
        return "\n".join([head, *(f"  {note}" for note in self.notes)])


def load_weights(model: Layer, source: Path | str | Mapping[str, Any]) -> Loaded:
    """Puts weights of torchvision, timm, Keras or escnn into a network of geomdl, in place.

    The names of the arrays say which library they are of. Every array has to have its place and every place its array,
    of the right shape; otherwise nothing is changed. Kernels are transposed, the first dense layer behind a flattened
    map is permuted from (channels, height, width) to (height, width, channels), running statistics are taken over, and
    ``num_batches_tracked`` is passed over. The network then computes what that of the other library computes in
    evaluation, at every size of its images that both take.

    Networks: of torchvision and timm ResNet, Wide ResNet, ResNeXt, VGG with and without batch norm, DenseNet,
    MobileNetV2 and Inception v3; of torchvision also AlexNet (``variant="torchvision"``), GoogLeNet (likewise) and
    SqueezeNet. These have the group C1: a twin has other weights.

    Of Keras (``.weights.h5``, and ``.h5`` of Keras 2) ResNet with ``version="1"``, VGG without batch norm, and
    DenseNet: biases of convolutions that batch norm follows are taken off the running means behind them, and what the ε
    there is more than here is added to the running variances, so that evaluation is the same.

    State dicts of escnn and e2cnn, in which R2Conv, InnerBatchNorm and Linear are read, go into a network of the same
    layers in the same order, for any group, representations and rings that both have; of groups with reflections there
    ``axis=0.0``.

    Args:
      model: a network of the zoo, or one that is built as these are.
      source: a safetensors file; a ``.pth``, ``.pt`` or ``.bin`` file where PyTorch is installed, of which nothing but
        tensors is taken; a file of Keras where h5py is; or a state dict of NumPy, JAX or PyTorch arrays.

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
    >>> all((array == state[name]).all() for name, array in weights_of(other).items())
    True
    """
    found = stored(source)
    found = found.renamed(lambda name: _OLD_DENSENET.sub(r"\1\2", name))
    if is_escnn(found):
        return _from_escnn(model, found)
    family, entries = _fitting(model, found)
    if family.scheme == "Keras":
        found = folded(found, entries, family.epsilon)
    headless = _headless(family, entries, found)
    ignored = headless | {name for name in found.shapes if name.endswith(COUNTER)}
    difference = _difference(entries, found, family, ignored)
    if difference:
        raise WeightsMismatch(
            f"the arrays of {found.source} are not those of the network, {with_article(family.name)} of"
            f" {family.scheme}; {difference}. Probably {difference.cause}. Nothing was changed",
            difference.classes,
        )
    values, notes, count = [], list(found.notes), 0
    for entry in sorted(entries, key=lambda entry: -math.prod(entry.shape)):  # what is freed fits what follows
        array = found.read(entry.name)
        if not np.issubdtype(array.dtype, np.floating) and array.dtype.name != "bfloat16":
            what = f"{entry.name!r} of {found.source} holds {array.dtype.name}, no floating-point numbers"
            raise WeightsMismatch(f"{what}: weights that were quantised are not read. Nothing was changed")
        if not np.isfinite(array.astype(np.float32) if array.dtype.itemsize < 4 else array).all():
            notes.append(f"{entry.name!r} holds numbers that are not finite")
        count += array.size
        for variable, value in zip(entry.variables, entry.to_ours(array), strict=True):
            value = np.ascontiguousarray(value)
            if np.may_share_memory(value, array):  # a map of the file, which may be written over later
                value = value.copy()
            values.append((variable, jnp.asarray(value, variable.dtype)))
    for variable, value in values:
        variable.set_value(value)
    heads = sorted({name.split(".")[0] for name in headless})
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
    >>> [name for name in weights_of(model) if name.startswith("bn1.")]
    ['bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.running_var', 'bn1.num_batches_tracked']
    """
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, SCHEMES)
    _, entries = _families(model, (scheme,))[0]
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


def _from_escnn(model: Layer, found: Stored) -> Loaded:
    values, read, notes = escnn_values(model, found)
    for variable, value in values:
        variable.set_value(value)
    count = sum(value.size for _, value in values)
    return Loaded(found.source, found.format, "escnn", "network", read, count, (*found.notes, *notes))


def _families(model: Layer, schemes: Sequence[str]) -> list[tuple[Family, list[Entry]]]:
    """The families that a network is of, with the arrays that it has there.

    Raises:
      ValueError: there is none.
    """
    _require_plain(model)
    found, reasons = [], {}
    for family in FAMILIES:
        if family.scheme not in schemes:
            continue
        try:
            named = list(family.named(model))
            keras = family.scheme == "Keras"
            entries = [entry for name, layer, form in named for entry in entries_of(name, layer, form, keras=keras)]
            found.append((family, entries))
        except NoCounterpart as error:
            reasons.setdefault(str(error), []).append(family.name)
    if not found:
        why = "; ".join(f"{', '.join(dict.fromkeys(names))}: {reason}" for reason, names in reasons.items())
        where = " or ".join(schemes)
        hint = (
            "; of AlexNet and GoogLeNet build that with model.variant='torchvision'" if "LocalResponse" in why else ""
        )
        raise ValueError(f"the network has no counterpart in {where} ({why}){hint}")
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
    candidates = _families(model, ("Keras",) if found.format == "HDF5" else SCHEMES)
    there = set(found.shapes)
    return max(candidates, key=lambda candidate: len(there & {entry.name for entry in candidate[1]}))


def _headless(family: Family, entries: Sequence[Entry], found: Stored) -> set[str]:
    """Arrays of auxiliary heads that the network does not have."""
    absent = [head for head in family.heads if not any(entry.name.startswith(head) for entry in entries)]
    return {name for name in found.shapes if name.startswith(tuple(absent))} if absent else set()


def _difference(entries: Sequence[Entry], found: Stored, family: Family, ignored: set[str]) -> Difference:
    classifiers = {entry.name for entry in entries if entry.layer.out_type == entries[-1].layer.out_type}
    return Difference(
        {entry.name: entry.shape for entry in entries},
        {name: shape for name, shape in found.shapes.items() if name not in ignored},
        classifiers,
        family.heads,
        family.name,
    )
