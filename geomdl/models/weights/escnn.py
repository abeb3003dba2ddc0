"""Weights of networks of escnn and e2cnn, whose layers have names of their own: they are matched in their order.

An R2Conv there holds coefficients of a sampled basis, which is in the state dict too: their product is the kernel, and
the weights here are its coordinates in our basis of the same space. The bias is moved likewise; InnerBatchNorm has the
numbers that ours has, of each field.
"""

import dataclasses
import re
from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.layers import BatchNorm, Conv, Dense, Layer
from geomdl.layers.core.field_channels import invariant_directions
from geomdl.models.weights.files import Stored
from geomdl.models.weights.layout import Entry, entries_of
from geomdl.models.weights.mismatch import WeightsMismatch
from geomdl.models.weights.structure import NoCounterpart, flattened

_BASIS = re.compile(r"_?basisexpansion\.block_expansion_.*\.sampled_basis")
_NORM = re.compile(r"batch_norm_\[\d+\]\.(weight|bias|running_mean|running_var)")
_PASSED_OVER = re.compile(
    r"(batch_norm_\[\d+\]\.num_batches_tracked|indices_\d+|(in|out)_indices_\d+|bias_expansion|expanded_bias|filter"
    r"|weights|bias|weight|_?basisexpansion\..*)"
)
_TOLERANCE = 1e-4
"""Of a kernel of float32, relative to its largest value: how far it may lie outside our space."""

Values = list[tuple[nnx.Variable, jnp.ndarray]]


@dataclasses.dataclass
class _Module:
    """The arrays of one module of a state dict, by what follows its name."""

    name: str
    arrays: dict[str, str]

    @property
    def kind(self) -> str:
        """The letter of `geomdl.models.weights.families.kinds`, empty for a module without weights."""
        if "weights" in self.arrays or "filter" in self.arrays:
            return "c"
        if any(_NORM.fullmatch(end) for end in self.arrays):
            return "n"
        return "d" if "weight" in self.arrays else ""


def is_escnn(found: Stored) -> bool:
    """Whether these are the names of escnn or e2cnn.

    Args:
      found: the arrays.
    """
    return any(_BASIS.search(name) or name.endswith(".filter") for name in found.shapes)


def escnn_values(model: Layer, found: Stored) -> tuple[Values, int, list[str]]:
    """What the variables of a network become, how many arrays were read for it, and what is to be said.

    Args:
      model: built of the same layers in the same order.
      found: the state dict.

    Raises:
      WeightsMismatch: the layers are others, or a kernel is not in the space that it has here.
    """
    try:
        ours = flattened(model)
    except NoCounterpart as error:
        raise WeightsMismatch(f"weights of escnn are for convolutions, batch norm and dense layers; {error}") from None
    theirs = [module for module in _modules(found) if module.kind]
    letters = {Conv: "c", BatchNorm: "n", Dense: "d"}
    kinds = [next(s for kind, s in letters.items() if isinstance(layer, kind)) for layer in ours]
    if kinds != [module.kind for module in theirs]:
        words = {"c": "convolution", "n": "batch norm", "d": "dense"}
        there = ", ".join(words[module.kind] for module in theirs)
        raise WeightsMismatch(
            f"the layers of {found.source} are not those of the network: {there} there,"
            f" {', '.join(words[kind] for kind in kinds)} here. Nothing was changed"
        )
    values: Values = []
    notes: list[str] = []
    read = 0
    for module, layer in zip(theirs, ours, strict=True):
        if isinstance(layer, BatchNorm):
            made = _norm(module, layer, found)
        elif isinstance(layer, Dense):
            made = _linear(module, layer, found)
        else:
            assert isinstance(layer, Conv)  # noqa: S101
            made = _conv(module, layer, found, notes)
        values += made
        read += len(made)
    return values, read, notes


def _modules(found: Stored) -> list[_Module]:
    modules: dict[str, _Module] = {}
    for name in found.shapes:
        match = re.search(rf"(^|\.)({_PASSED_OVER.pattern}|{_NORM.pattern})$", name)
        if match is None:
            raise WeightsMismatch(
                f"{name!r} of {found.source} is an array of no R2Conv, InnerBatchNorm or Linear; others are not read."
                " Nothing was changed"
            )
        start = name[: match.start()]
        modules.setdefault(start, _Module(start, {})).arrays[match[2]] = name
    return list(modules.values())


def _mismatch(module: _Module, found: Stored, said: str) -> WeightsMismatch:
    return WeightsMismatch(f"{module.name!r} of {found.source} {said}. Nothing was changed")


def _kernel(module: _Module, found: Stored, layer: Conv, notes: list[str]) -> np.ndarray:
    """``[rows, columns, in / groups, out]``."""
    bases = [name for end, name in module.arrays.items() if _BASIS.fullmatch(end)]
    window = (layer.window.size,) * 2 if isinstance(layer.window.size, int) else tuple(layer.window.size)
    channels = layer.in_type.size // layer.groups, layer.out_type.size
    if len(bases) == 1 and "weights" in module.arrays:
        basis, weights = found.read(bases[0]).astype(float), found.read(module.arrays["weights"]).astype(float)
        dimension, size_out, size_in, points = basis.shape
        fields = channels[1] // size_out, channels[0] // size_in
        if points != np.prod(window) or weights.size != np.prod(fields) * dimension:
            raise _mismatch(module, found, f"has {weights.size} weights, and other fields or another window than here")
        kernel = np.einsum("oid,dabp->oaibp", weights.reshape(*fields, dimension), basis)
        kernel = kernel.reshape(channels[1], channels[0], *window)
    elif "filter" in module.arrays:
        kernel = found.read(module.arrays["filter"]).astype(float)
        notes.append(f"{module.name!r} has fields of several kinds: its kernel is that of the last model.eval() there")
    else:
        raise _mismatch(module, found, "has several bases and no filter: save model.eval().state_dict()")
    if kernel.shape != (channels[1], channels[0], *window):
        there, here = ("×".join(map(str, s)) for s in (kernel.shape, (channels[1], channels[0], *window)))
        raise _mismatch(module, found, f"has a kernel of {there}, and that here is {here}")
    return kernel.transpose(2, 3, 1, 0)


def _conv(module: _Module, layer: Conv, found: Stored, notes: list[str]) -> Values:
    kernel = _kernel(module, found, layer, notes)
    largest, values, variables = np.abs(kernel).max(), [], iter(layer.kernel)
    for i, row in zip(layer.in_type.blocks, layer.spaces, strict=True):
        for o, space in zip(layer.out_type.blocks, row, strict=True):
            inputs = slice(i.channels.start // layer.groups, i.channels.stop // layer.groups)
            part, variable = kernel[:, :, inputs, o.channels], next(variables)
            size_in, size_out, dimension = i.representation.size, o.representation.size, space.dimension
            basis = np.asarray(space.expand(jnp.eye(dimension)[:, None, :]), float)  # [k, k, in, dimension · out]
            basis = basis.reshape(*part.shape[:2], size_in, dimension, size_out)
            matrix = np.moveaxis(basis, 3, -1).reshape(-1, dimension)
            fields = part.reshape(*part.shape[:2], -1, size_in, o.multiplicity, size_out)
            wanted = fields.transpose(0, 1, 3, 5, 2, 4).reshape(len(matrix), -1)
            solved = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
            if np.abs(matrix @ solved - wanted).max() > _TOLERANCE * largest:
                raise _mismatch(
                    module, found,
                    "has a kernel that is not in the space of ours: another group, another representation, other rings"
                    " (basis='steerable' has those of escnn), or reflections about another axis than axis=0.0",
                )  # fmt: skip
            values.append((variable, jnp.asarray(solved.reshape(variable.shape), variable.dtype)))
    return values + _bias(module, layer, found)


def _bias(module: _Module, layer: Conv, found: Stored) -> Values:
    if ("bias" in module.arrays) != bool(len(layer.bias)):
        raise _mismatch(module, found, f"has {'a' if 'bias' in module.arrays else 'no'} bias, unlike the layer here")
    if not len(layer.bias):
        return []
    bias = found.read(module.arrays["bias"]).astype(float)
    if "bias_expansion" in module.arrays:
        channels = found.read(module.arrays["bias_expansion"]).astype(float) @ bias
    elif "expanded_bias" in module.arrays:
        channels = found.read(module.arrays["expanded_bias"]).astype(float)
    else:
        raise _mismatch(module, found, "has a bias that it does not expand: save model.eval().state_dict()")
    values = []
    for variable, block in zip(layer.bias, layer.out_type.blocks, strict=True):
        u = invariant_directions(block.representation)
        fields = channels[block.channels].reshape(block.multiplicity, -1)
        values.append((variable, jnp.asarray(fields @ u.T / block.representation.size, variable.dtype)))
    return values


def _norm(module: _Module, layer: BatchNorm, found: Stored) -> Values:
    pairs: dict[str, nnx.Variable] = {
        "weight": layer.scale,
        "bias": layer.bias,
        "running_mean": layer.mean,
        "running_var": layer.variance,
    }
    values: Values = []
    for end, variable in pairs.items():
        names = [name for key, name in module.arrays.items() if _NORM.fullmatch(key) and key.endswith(f"].{end}")]
        if len(names) != 1:
            raise _mismatch(module, found, f"has {len(names)} arrays {end}: of fields of one size alone they are read")
        array = found.read(names[0])
        if array.shape != variable.shape:
            raise _mismatch(module, found, f"normalises {array.size} fields, and the layer here {variable.shape[0]}")
        values.append((variable, jnp.asarray(array, variable.dtype)))
    return values


def _linear(module: _Module, layer: Dense, found: Stored) -> Values:
    matrix = found.read(module.arrays["weight"])
    shape = layer.out_type.size, layer.in_type.size
    if not (layer.in_type.is_trivial and layer.out_type.is_trivial) or matrix.shape != shape:
        there, here = ("×".join(map(str, s)) for s in (matrix.shape, shape))
        raise _mismatch(module, found, f"is a matrix of {there}, and the layer here one of {here} between scalars")
    if ("bias" in module.arrays) != bool(len(layer.bias)):
        raise _mismatch(module, found, f"has {'a' if 'bias' in module.arrays else 'no'} bias, unlike the layer here")
    return list(_plain(module, entries_of(module.name, layer, "linear"), found))


def _plain(module: _Module, entries: list[Entry], found: Stored) -> Iterator[tuple[nnx.Variable, jnp.ndarray]]:
    for entry in entries:
        array = found.read(module.arrays[entry.name.removeprefix(f"{module.name}.")])
        for variable, value in zip(entry.variables, entry.to_ours(array), strict=True):
            yield variable, jnp.asarray(np.ascontiguousarray(value), variable.dtype)
