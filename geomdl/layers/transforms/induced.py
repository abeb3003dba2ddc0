"""Weights of a network for its twin of a larger group: the twin then averages the network over the group.

Let H ≤ G, and f a network whose fields are functions on H. Its twin has as many fields, functions on G. The kernels of
the twin that relate elements of the same coset of H alone, with the values that f has there, make [G : H] copies of f
run beside one another, one for each coset, on an image that is moved by its representative. The mean over the group
before the last linear map gives

  F(x) = 1 / [G : H] · Σ_r f(ρ(r)⁻¹ x),   r from each coset of H in G,

which is the "equi-tuned" network of Basu et al. for H = {e}, and an induced network otherwise. Where the twin's kernels
span too little, as those of angles that the pixel grid does not have, the nearest kernel in the sense of least squares
takes its place, and the rest is projected away.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.groups import PlanarGroup, subgroup
from geomdl.kernels import KernelSpace
from geomdl.layers.convolution.conv import Conv
from geomdl.layers.convolution.dense import Dense
from geomdl.layers.core.field_channels import invariant_directions, invariants
from geomdl.layers.core.layer import Layer, path_of
from geomdl.layers.normalization.batch_norm import BatchNorm
from geomdl.layers.resampling.subsampling import TrainableSubsampling
from geomdl.representations import Block, FieldType


@dataclass(frozen=True)
class Projected:
    """What a layer has lost.

    Attributes:
      layer: its name, as ``geomdl summary`` prints it.
      lost: the share of the squared norm of its kernel that its twin cannot have, in [0, 1].
    """

    layer: str
    lost: float


def induce(source: nnx.Module, twin: nnx.Module, *, without: Collection[str] = ()) -> list[Projected]:
    """Gives the twin of a network of a larger group the weights with which it averages the network over the group.

    Args:
      source: a network whose hidden fields are channels, or regular fields of a group H.
      twin: the same network with regular fields of a group G ≥ H in their place, as many; is changed.
      without: the names of layers that keep the weights that they have, such as a head for other classes.

    Returns:
      What was lost, for each layer with a kernel.

    Raises:
      ValueError: the networks are not the same but for the group; the twin is not changed.

    References:
      Basu et al., Equi-tuning: group equivariant fine-tuning of pretrained models, AAAI 2023.

    >>> from geomdl.models import MODELS
    >>> plain, twin = (
    ...     MODELS["lenet5_modern"](group=g, width=0.25, over_group="mean").build((32, 32, 1), 3, rngs=seed)
    ...     for g, seed in (("C1", 0), ("C4", 1))
    ... )
    >>> max(part.lost for part in induce(plain, twin)) < 1e-6
    True
    """
    old, new = (list(_with_variables(model)) for model in (source, twin))
    names = [name for name, _ in new]
    if [type(layer) for _, layer in old] != [type(layer) for _, layer in new]:
        kinds = [[type(layer).__name__ for _, layer in layers] for layers in (old, new)]
        raise ValueError(f"the layers with weights are others: {_first_difference(*kinds)}")
    changes: list[tuple[nnx.Variable, Any]] = []
    lost = []
    for name, (_, before), (_, after) in zip(names, old, new, strict=True):
        if name in without:
            continue
        try:
            found, share = _changes(before, after)
        except ValueError as error:
            raise ValueError(f"layer {name}: {error}") from error
        changes += found
        lost += [] if share is None else [Projected(name, share)]
    for variable, value in changes:
        variable[...] = jnp.asarray(value, variable[...].dtype)
    return lost


Changes = tuple[list[tuple[nnx.Variable, Any]], float | None]


def _changes(before: Layer, after: Layer) -> Changes:
    if isinstance(before, Conv | Dense) and isinstance(after, Conv | Dense):
        return _linear(before, after)
    if isinstance(before, BatchNorm) and isinstance(after, BatchNorm):
        _require_fields(before.in_type, after.in_type)
        values: list[tuple[nnx.Variable, Any]] = [
            (after.scale, before.scale[...]), (after.variance, before.variance[...])
        ]  # fmt: skip
        for there, here in ((before.bias, after.bias), (before.mean, after.mean)):
            values.append((here, _constants(there[...], before.in_type, after.in_type)))
        return values, None
    if isinstance(before, TrainableSubsampling) and isinstance(after, TrainableSubsampling):
        _require_fields(before.in_type, after.in_type)
        bias = _biases(before.bias, before.in_type, after.bias, after.in_type)
        return [(after.scale, before.scale[...]), *bias], None
    allowed = "Conv, Dense, BatchNorm, TrainableSubsampling"
    raise ValueError(
        f"weights of {type(before).__name__} cannot be carried over to a larger group; those of {allowed} can"
    )


def _linear(before: Any, after: Any) -> Changes:
    _require_fields(before.in_type, after.in_type)
    _require_fields(before.out_type, after.out_type)
    target = np.asarray(before.dense_kernel(), np.float64)
    if isinstance(before, Dense):
        target = target[None, None]
    groups = getattr(before, "groups", 1)
    values: list[tuple[nnx.Variable, Any]] = []
    weights, wanted, left = iter(after.kernel), 0.0, 0.0
    row = 0
    for i, (source_in, block_in) in enumerate(zip(before.in_type.blocks, after.in_type.blocks, strict=True)):
        column, height = 0, source_in.multiplicity // groups * source_in.representation.size
        for o, (source_out, block_out) in enumerate(zip(before.out_type.blocks, after.out_type.blocks, strict=True)):
            width = source_out.multiplicity * source_out.representation.size
            part = target[..., row : row + height, column : column + width]
            found, norm, rest = _projected(part, source_in, source_out, block_in, block_out, after.spaces[i][o], groups)
            values.append((next(weights), found))
            wanted, left, column = wanted + norm, left + rest, column + width
        row += height
    if len(before.bias):
        values += _biases(before.bias, before.out_type, after.bias, after.out_type)
    return values, left / wanted if wanted else 0.0


def _projected(
    kernel: np.ndarray, old_in: Block, old_out: Block, new_in: Block, new_out: Block, space: KernelSpace, groups: int
) -> tuple[np.ndarray, float, float]:
    """The weights of one pair of blocks, the squared norm of the kernel that is wanted, and that of what is lost."""
    fields_in, fields_out = old_in.multiplicity // groups, old_out.multiplicity
    window = kernel.shape[:2]
    small = kernel.reshape(*window, fields_in, old_in.representation.size, fields_out, old_out.representation.size)
    places_in, places_out = _places(old_in, new_in), _places(old_out, new_out)
    if new_out.representation.size == old_out.representation.size == 1 and len(places_in) < new_in.representation.size:
        # From functions on the group to one number: the mean over the cosets.
        index = new_in.representation.size // old_in.representation.size
        wanted = np.repeat(small.mean(3, keepdims=True), new_in.representation.size, 3) / index
        rows = range(1)
    else:
        shape = (*window, fields_in, new_in.representation.size, fields_out, len(places_out))
        wanted, rows = np.zeros(shape), places_out
        wanted[:, :, :, places_in] = small
    count = space.dimension
    basis = np.asarray(space.expand(jnp.eye(count).reshape(count, 1, count)), np.float64)
    basis = basis.reshape(*window, new_in.representation.size, count, new_out.representation.size)[..., list(rows)]
    matrix = np.moveaxis(basis, 3, -1).reshape(-1, count)  # [window, entries in, entries out | basis]
    values = wanted.transpose(0, 1, 3, 5, 2, 4).reshape(len(matrix), -1)  # the same | fields in, fields out
    weights = np.linalg.lstsq(matrix, values, rcond=None)[0]
    rest = ((matrix @ weights - values) ** 2).sum()
    return weights.reshape(count, fields_in, fields_out), float((values**2).sum()), float(rest)


def _places(old: Block, new: Block) -> list[int]:
    """Which entries of a field of the twin are those of a field of the network."""
    if new.representation.size == 1:
        return [0]
    larger, smaller = new.representation.group, old.representation.group
    if larger == smaller:
        return list(range(new.representation.size))
    if not isinstance(larger, PlanarGroup) or not isinstance(smaller, PlanarGroup):
        raise ValueError(f"{larger} and {smaller} are no groups of the plane")
    return [int(i) for i in larger.index(subgroup(larger, smaller).embed(smaller.elements()))]


def _require_fields(old: FieldType, new: FieldType) -> None:
    """Raises ValueError unless the fields are as many, and functions on a group and on a subgroup, or numbers."""
    fits = len(old.blocks) == len(new.blocks)
    for before, after in zip(old.blocks, new.blocks, strict=False):
        functions = all(b.representation.size in (1, b.representation.group.order) for b in (before, after))
        fits &= before.multiplicity == after.multiplicity and functions
        fits &= before.representation.size <= after.representation.size
        fits &= before.representation.is_permutation and after.representation.is_permutation
    if not fits:
        raise ValueError(
            f"{new} is not {old} of a larger group; allowed: as many fields, all of them regular or trivial "
            "(the same model.width makes such a twin; in the zoo also model.equal='fields')"
        )


def _constants(value: Any, old: FieldType, new: FieldType) -> np.ndarray:
    """Coordinates of invariant vectors, one for each field, of the network as those of its twin."""
    return np.asarray(invariants(jnp.asarray(_channels(np.asarray(value), old, new), jnp.float32), new))


def _channels(coordinates: np.ndarray, old: FieldType, new: FieldType) -> np.ndarray:
    """The constant that each field of the network has, in every channel of the twin's."""
    found, at = [], 0
    for before, after in zip(old.blocks, new.blocks, strict=True):
        direction = np.asarray(invariant_directions(before.representation), np.float64)[0, 0]
        part = coordinates[at : at + before.multiplicity] * direction
        found.append(np.repeat(part, after.representation.size))
        at += before.multiplicity
    return np.concatenate(found)


def _biases(
    there: Sequence[Any], old: FieldType, here: Sequence[Any], new: FieldType
) -> list[tuple[nnx.Variable, Any]]:
    values: list[tuple[nnx.Variable, Any]] = []
    for value, variable, before, after in zip(there, here, old.blocks, new.blocks, strict=True):
        ratio = [np.asarray(invariant_directions(b.representation), np.float64)[0, 0] for b in (before, after)]
        values.append((variable, np.asarray(value[...]) * ratio[0] / ratio[1]))
    return values


def _with_variables(model: nnx.Module) -> Iterator[tuple[str, Layer]]:
    """The layers that have variables of their own, by name, in the order of the calls."""
    for path, module in _in_order(model):
        own = [value for name, value in vars(module).items() if name in ("kernel", "bias", "scale")]
        if own and isinstance(module, Layer):
            yield path_of(path), module


def _in_order(model: nnx.Module) -> list[tuple[tuple[Any, ...], nnx.Module]]:
    """All modules, those of a list by their numbers."""

    def order(item: tuple[tuple[Any, ...], nnx.Module]) -> list[tuple[bool, int, str]]:
        return [(isinstance(key, str), key if isinstance(key, int) else 0, str(key)) for key in item[0]]

    return sorted(nnx.iter_modules(model), key=order)


def _first_difference(there: Sequence[str], here: Sequence[str]) -> str:
    for i, (a, b) in enumerate(zip(there, here, strict=False)):
        if a != b:
            return f"the {i + 1}th is {a} in the network, {b} in its twin"
    return f"{len(there)} in the network, {len(here)} in its twin"
