"""The plan of a factored group convolution: the kernel as a spatial expansion and a mixing of channels.

In the coordinates of irreps a kernel from ψ_a to ψ_o is Σ_t w_t F_t(x) with fixed F_t = Σ_s c_t[s] b_s(x), b_s the
spatial functions of `geomdl.kernels.rings.Rings`. So the convolution of a field z of type ψ_a is

  Σ_t w_t F_t ⋆ z,   F_t ⋆ z = Σ_s c_t[s] (b_s ⋆ z):

the functions b_s are correlated with each component of the input (the expansion), a small constant matrix makes the
columns F_t ⋆ z of them, and the free weights mix columns of all input fields to all output fields. The columns know
nothing of the output fields: all of them share one expansion.

Where ψ_o is of complex type (rotations without reflections), an orthogonal J with J² = −1 commutes with it, and J F_t
is a kernel too. Then half of the columns are enough: y = Σ_t (α_t + β_t J)(F_t ⋆ z), one mixing with the matrix
[[α, β], [−β, α]] on the two rows of F_t ⋆ z. Where it is of real type, its rows are mixed alike, one after the other.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from geomdl.groups import PointGroup
from geomdl.kernels.rings import Rings
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.kernels.templates import BasisFilter, starts, template
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_matrix, irrep_size

_QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """The copies of one irrep in a block of the input, and the columns made of them.

    Args:
      rows: their components in the block's coordinates, ordered (row, copy).
      copies: how many there are in one field.
      matrix: ``[columns, functions, d]``, the columns of all outputs one after the other.
      slices: for each output irrep, by its number in `Plan.targets`, its columns; empty where there are none.
    """

    rows: slice
    copies: int
    matrix: np.ndarray
    slices: tuple[slice, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class InputBlock:
    """One block of the input: z[p] = Σ_q analysis[p, q] x[q], its components ordered (irrep, row, copy)."""

    analysis: np.ndarray
    sources: tuple[Source, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class OutputBlock:
    """One block of the output: y[p] = Σ_q synthesis[p, q] u[q], u ordered (irrep, row, copy).

    Args:
      synthesis: ``[size, components]``; components that no kernel reaches are left out.
      copies: of each irrep of `Plan.targets` in one field, 0 where there is none.
    """

    synthesis: np.ndarray
    copies: tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Mixing:
    """From the weights of a pair of blocks to their mixing matrices: m[r] = Σ_s value[r, s] w[index[r, s]].

    Rows r are, for each irrep of `Plan.targets` in turn, ``[columns · copies of the sources, copies of the target]``
    as in ``shapes``; both of those counts are of one field.
    """

    index: np.ndarray
    value: np.ndarray
    shapes: tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True)
class Target:
    """An irrep of the output: its size, and whether it is of complex type."""

    size: int
    is_complex: bool

    @property
    def stacked(self) -> int:
        """How many rows are mixed alike."""
        return 1 if self.is_complex else self.size

    @property
    def rows(self) -> int:
        """How many rows one mixing gives."""
        return self.size if self.is_complex else 1


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What `factored_plan` returns.

    Attributes:
      spatial: the rings.
      inputs: the blocks of the input.
      outputs: the blocks of the output.
      targets: the irreps of all output blocks that some kernel reaches.
      mixings: ``mixings[i][o]`` of input block i and output block o.
    """

    spatial: Rings
    inputs: tuple[InputBlock, ...]
    outputs: tuple[OutputBlock, ...]
    targets: tuple[Target, ...]
    mixings: tuple[tuple[Mixing, ...], ...]

    def mixing_multiply_adds(self, fields_in: Sequence[int], fields_out: Sequence[int]) -> int:
        """Products of the mixing for one output pixel: 2·N·S for each pair of fields, for regular fields of C_N."""
        count = 0
        for i, row in zip(fields_in, self.mixings, strict=True):
            for o, mixing in zip(fields_out, row, strict=True):
                for target, (a, b) in zip(self.targets, mixing.shapes, strict=True):
                    count += target.stacked * a * b * i * o
        return count

    def expansion_multiply_adds(self, fields_in: Sequence[int]) -> int:
        """Products of the expansion for one output pixel: taps of every function, then the columns."""
        functions, count = self.spatial.functions, 0
        for fields, block in zip(fields_in, self.inputs, strict=True):
            count += fields * functions * self.spatial.size**2 * len(block.analysis)
            count += fields * sum(source.matrix.size * source.copies for source in block.sources)
        return count


def is_factorable(spaces: tuple[tuple[KernelSpace, ...], ...]) -> bool:
    """Whether every pair of blocks has steerable kernels (pixel kernels have no harmonics to factor)."""
    return all(isinstance(space, SteerableKernelSpace) for row in spaces for space in row)


@functools.lru_cache(maxsize=128)
def factored_plan(spaces: tuple[tuple[SteerableKernelSpace, ...], ...]) -> Plan:
    """The plan for ``spaces[i][o]``, the kernels from input block i to output block o.

    >>> from geomdl.groups import C8
    >>> from geomdl.representations import regular
    >>> plan = factored_plan(((SteerableKernelSpace(regular(C8), regular(C8), 5),),))
    >>> plan.mixing_multiply_adds((1,), (1,))  # 2 · N · S, S = 11 at escnn's cut-off, less at the two real irreps
    154
    >>> 8 * 8 * 5 * 5  # the dense convolution
    1600
    """
    first = spaces[0][0]
    group = first.group
    ins = [row[0].in_representation for row in spaces]
    outs = [space.out_representation for space in spaces[0]]
    found = {o: None for rho in outs for o in rho.labels}
    labels = [o for o in found if any(_elements(first, a, o) for rho in ins for a in rho.labels)]
    targets = tuple(Target(irrep_size(group, o), _is_complex(group, o)) for o in labels)
    inputs = tuple(_input_block(first, rho, labels, targets) for rho in ins)
    outputs = tuple(_output_block(rho, labels) for rho in outs)
    mixings = tuple(tuple(_mixing(space, labels, targets) for space in row) for row in spaces)
    return Plan(first.spatial, inputs, outputs, targets, mixings)


def _elements(space: SteerableKernelSpace, a: Label, o: Label) -> int:
    return template(*_key(space, a, o)).elements


def _is_complex(group: PointGroup, label: Label) -> bool:
    """Whether a quarter turn of the components commutes with the irrep."""
    if irrep_size(group, label) != 2:
        return False
    matrices = irrep_matrix(group, label, group.generators())
    return all(np.allclose(m @ _QUARTER_TURN, _QUARTER_TURN @ m) for m in matrices)


def _copies(rho: Representation) -> dict[Label, list[int]]:
    """The irreps of ρ, each with its numbers in ``labels``."""
    found: dict[Label, list[int]] = {}
    for number, label in enumerate(rho.labels):
        found.setdefault(label, []).append(number)
    return found


def _components(rho: Representation, label: Label) -> list[int]:
    """The components of an irrep of ρ, ordered (row, copy)."""
    first = starts(rho)
    return [first[i] + row for row in range(irrep_size(rho.group, label)) for i in _copies(rho)[label]]


def _input_block(
    space: SteerableKernelSpace, rho: Representation, labels: list[Label], targets: tuple[Target, ...]
) -> InputBlock:
    functions = space.spatial.functions
    scales = [_scale(space, rho, o) for o in labels]
    order: list[int] = []
    sources = []
    for a, numbers in _copies(rho).items():
        rows = _components(rho, a)
        matrices, slices, start = [np.zeros((0, functions, irrep_size(space.group, a)))], [], 0
        for o, target, scale in zip(labels, targets, scales, strict=True):
            chosen = scale * _dense(_key(space, a, o))[_split(_key(space, a, o)).chosen]  # [t, row, d, functions]
            if not target.is_complex:
                chosen = chosen.swapaxes(0, 1)  # stacked rows first
            matrices.append(chosen.reshape(-1, *chosen.shape[2:]).swapaxes(1, 2))
            slices.append(slice(start, start + len(matrices[-1])))
            start = slices[-1].stop
        here = slice(len(order), len(order) + len(rows))
        sources.append(Source(here, len(numbers), np.concatenate(matrices), tuple(slices)))
        order += rows
    return InputBlock(np.linalg.inv(rho.change_of_basis)[order], tuple(sources))


def _output_block(rho: Representation, labels: list[Label]) -> OutputBlock:
    there = _copies(rho)
    reached = [o for o in labels if o in there]
    order = [row for o in reached for row in _components(rho, o)]
    return OutputBlock(rho.change_of_basis[:, order], tuple(len(there.get(o, ())) for o in labels))


def _scale(space: SteerableKernelSpace, rho_in: Representation, o: Label) -> float:
    """That of `SteerableKernelSpace`."""
    count = sum(_elements(space, a, o) for a in rho_in.labels)
    return space.size * math.sqrt(rho_in.size * irrep_size(space.group, o) / max(count, 1))


def _mixing(space: SteerableKernelSpace, labels: list[Label], targets: tuple[Target, ...]) -> Mixing:
    rho_in, rho_out = space.in_representation, space.out_representation
    counts = [_elements(space, a, o) for o in rho_out.labels for a in rho_in.labels]
    firsts = (np.cumsum(counts) - counts).reshape(len(rho_out.labels), len(rho_in.labels))
    ins, outs = _copies(rho_in), _copies(rho_out)
    terms: list[list[tuple[int, float]]] = []
    shapes = []
    for o, target in zip(labels, targets, strict=True):
        height = 0
        for a, numbers in ins.items():
            split = _split(_key(space, a, o))
            for t in range(len(split.chosen)):
                for row in range(target.rows):
                    for i in numbers:
                        height += 1
                        for out_row in range(target.rows):
                            plain = split.plain if row == out_row else (split.turned if row == 0 else -split.turned)
                            elements = np.flatnonzero(plain[:, t])
                            terms += [
                                [(int(firsts[j, i] + e), float(plain[e, t])) for e in elements] for j in outs.get(o, ())
                            ]
        shapes.append((height, target.rows * len(outs.get(o, ()))))
    most = max(map(len, terms), default=0)
    index, value = np.zeros((len(terms), most), np.int32), np.zeros((len(terms), most))
    for r, row_terms in enumerate(terms):
        for s, (weight, number) in enumerate(row_terms):
            index[r, s], value[r, s] = weight, number
    return Mixing(index, value, tuple(shapes))


@dataclasses.dataclass(frozen=True, eq=False)
class _Split:
    """F_t = Σ_c plain[t, c] F_{chosen[c]} + turned[t, c] J F_{chosen[c]}."""

    chosen: list[int]
    plain: np.ndarray
    turned: np.ndarray


_Key = tuple[PointGroup, Label, Label, Rings, int | None, BasisFilter | None]


def _key(space: SteerableKernelSpace, a: Label, o: Label) -> _Key:
    return space.group, a, o, space.spatial, space.maximum_offset, space.basis_filter


@functools.lru_cache(maxsize=1 << 12)
def _dense(key: _Key) -> np.ndarray:
    """F ``[elements, d_o, d_a, functions]``."""
    group, a, o, spatial = key[:4]
    part = template(*key)
    dense = np.zeros((part.elements, irrep_size(group, o), irrep_size(group, a), spatial.functions))
    np.add.at(dense, (part.element, part.row, part.column, part.function), part.value)
    return dense


@functools.lru_cache(maxsize=1 << 12)
def _split(key: _Key) -> _Split:
    """Of the elements of one template; independence is that of coefficients, whatever the samples."""
    dense = _dense(key)
    count = len(dense)
    if not count or not _is_complex(key[0], key[2]):
        return _Split(list(range(count)), np.eye(count), np.zeros((count, count)))
    flat = dense.reshape(count, -1)
    turned = np.einsum("rq,tqcs->trcs", _QUARTER_TURN, dense).reshape(count, -1)
    chosen: list[int] = []
    basis = np.zeros((0, flat.shape[1]))
    for t in range(count):
        known = np.linalg.lstsq(basis.T, flat[t], rcond=None)[0] @ basis if len(basis) else 0.0
        if np.linalg.norm(flat[t] - known) > 1e-6 * np.linalg.norm(flat[t]):
            chosen.append(t)
            basis = np.concatenate([basis, flat[t : t + 1], turned[t : t + 1]])
    found = np.linalg.lstsq(basis.T, flat.T, rcond=None)[0].T
    found = np.where(np.abs(found) > 1e-12, found, 0.0)
    return _Split(chosen, found[:, 0::2], found[:, 1::2])
