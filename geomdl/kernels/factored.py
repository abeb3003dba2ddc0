"""The plan of a factored group convolution: the kernel as a spatial expansion and a mixing of channels.

In the coordinates of irreps a kernel from ψ_a to ψ_o is Σ_t w_t F_t(x) with fixed F_t = Σ_s c_t[s] b_s(x), b_s the
spatial functions of `geomdl.kernels.rings.Rings`, or single pixels: the weights of a pixel kernel are Fourier
transformed over the group to such w_t. So the convolution of a field z of type ψ_a is

  Σ_t w_t F_t ⋆ z:

each input is correlated with fixed kernels F_t (the expansion, its outputs are called columns), and the free weights
mix the columns of all input fields to all output fields. The columns know nothing of the output fields: all of them
share one expansion.

Where ψ_o is of complex type (rotations without reflections), an orthogonal J with J² = −1 commutes with it, and J F_t
is a kernel too. Then half of the columns are enough: y = Σ_t (α_t + β_t J)(F_t ⋆ z), one mixing with the matrix
[[α, β], [−β, α]] on the two rows of F_t ⋆ z. Where it is of real type, its rows are mixed alike, one after the other.

What is mixed at once is called a unit: an irrep or, where it has one row among many irreps with two, a pair of such,
with the matrix [[α, 0], [0, β]]. Where many irreps of real type have two rows, each row is a unit of its own, with the
copies of the irrep two by two in place of rows. So all units have one shape, and there is one product for all of them.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geomdl.groups import PointGroup
from geomdl.kernels.irrep_kernels import IrrepKernels, element_coefficients, element_scale, irrep_kernels
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.sparse_rows import SparseRows
from geomdl.kernels.templates import starts
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_matrix, irrep_size

MANY = 3
"""Irreps of two rows from which on those of one row are mixed as pairs."""

_QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@dataclasses.dataclass(frozen=True, eq=False)
class InputBlock:
    """One block of the input, as sources with equally many components, and the columns that are made of each.

    A source is one copy of an irrep, or two of one dimension where others have two.

    Args:
      analysis: ``[sources · components, size]``: z = analysis x for every field x.
      kernels: ``[sources, columns, components, taps, taps]``: column = Σ_c kernel[c] ⋆ z_c.
    """

    analysis: np.ndarray
    kernels: np.ndarray

    @functools.cached_property
    def selection(self) -> SparseRows | None:
        """The analysis where it only orders components, as of fields that are irreps already."""
        return SparseRows.selecting(self.analysis)


@dataclasses.dataclass(frozen=True, eq=False)
class OutputGroup:
    """Units of the output that are computed together, as one batch of products.

    Args:
      units: how many.
      stacked: how many rows of each are mixed alike.
      rows: how many rows one mixing gives.
      copies: of each unit in one field of every output block.
      heights: for every input block the number of its columns that go into a unit.
      columns: for every input block the numbers ``[units, stacked, height]`` of what goes in, among the columns of all
        its sources; their count for nothing.
      mixings: ``mixings[i][o]``: from the weights of a pair of blocks to ``[units, height, rows, copies]``; a matrix
        where every entry is made of many weights.
      syntheses: for every output block ``[size, units, rows, copies, stacked]``: from what is mixed to the channels.
    """

    units: int
    stacked: int
    rows: int
    copies: tuple[int, ...]
    heights: tuple[int, ...]
    columns: tuple[np.ndarray, ...]
    mixings: tuple[tuple[SparseRows | np.ndarray, ...], ...]
    syntheses: tuple[np.ndarray, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The blocks of the input and of the output between which something is mixed."""
        return [(i, o) for i, height in enumerate(self.heights) for o, n in enumerate(self.copies) if height and n]

    @functools.cached_property
    def selections(self) -> tuple[SparseRows | None, ...]:
        """The syntheses where they only order components, as of fields that are irreps already."""
        return tuple(SparseRows.selecting(matrix.reshape(len(matrix), -1)) for matrix in self.syntheses)


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What `factored_plan` returns.

    Attributes:
      inputs: the blocks of the input.
      groups: the irreps of the output that some kernel reaches.
    """

    inputs: tuple[InputBlock, ...]
    groups: tuple[OutputGroup, ...]

    def mixing_multiply_adds(self, fields_in: Sequence[int], fields_out: Sequence[int]) -> int:
        """Products of the mixing for one output pixel: 2·N·S for each pair of fields, for regular fields of C_N."""
        return sum(
            group.units * group.stacked * group.rows * height * i * copies * o
            for group in self.groups
            for i, height in zip(fields_in, group.heights, strict=True)
            for o, copies in zip(fields_out, group.copies, strict=True)
        )


def is_factorable(spaces: tuple[tuple[KernelSpace, ...], ...]) -> bool:
    """Whether every pair of blocks has steerable kernels, or every one pixel kernels."""
    return len({type(space) for row in spaces for space in row}) == 1


@functools.lru_cache(maxsize=128)
def factored_plan(spaces: tuple[tuple[KernelSpace, ...], ...]) -> Plan:
    """The plan for ``spaces[i][o]``, the kernels from input block i to output block o.

    >>> from geomdl.groups import C8
    >>> from geomdl.kernels import SteerableKernelSpace
    >>> from geomdl.representations import regular
    >>> plan = factored_plan(((SteerableKernelSpace(regular(C8), regular(C8), 5),),))
    >>> plan.mixing_multiply_adds((1,), (1,))  # 2 · N · S, S = 11 at escnn's cut-off
    176
    >>> 8 * 8 * 5 * 5  # the dense convolution
    1600
    """
    first = spaces[0][0]
    kernels = irrep_kernels(first)
    ins = [row[0].in_representation for row in spaces]
    outs = [space.out_representation for space in spaces[0]]
    alike: dict[_Shape, list[_Unit]] = {}
    for o in dict.fromkeys(o for rho in outs for o in rho.labels):
        if any(_elements(kernels, a, o) for rho in ins for a in rho.labels):
            stacked = _stacked(first.group, o)
            rows = irrep_size(first.group, o) // stacked
            alike.setdefault((stacked, rows, tuple(rho.labels.count(o) for rho in outs)), []).append((o,))
    alike = _paired(alike)
    labels = list(dict.fromkeys(o for units in alike.values() for unit in units for o in _labels(unit)))
    blocks = [_input_block(first, rho, labels) for rho in ins]
    groups = []
    for (stacked, rows, copies), some in alike.items():
        heights = tuple(max(sum(len(columns[o][0]) for o in _labels(unit)) for unit in some) for _, columns in blocks)
        groups.append(
            OutputGroup(
                len(some),
                stacked,
                rows,
                copies,
                heights,
                tuple(_chosen(*block, some, stacked, height) for block, height in zip(blocks, heights, strict=True)),
                tuple(
                    tuple(_mixing(space, columns, some, rows, height) for space in row)
                    for row, (_, columns), height in zip(spaces, blocks, heights, strict=True)
                ),
                tuple(_synthesis(rho, some, stacked, rows) for rho in outs),
            )
        )
    return Plan(tuple(block for block, _ in blocks), tuple(groups))


class _Row(NamedTuple):
    """A unit that is one row of an irrep; its rows are the copies of the irrep, two by two."""

    label: Label
    number: int


_Unit = tuple[Label, ...] | _Row
_Shape = tuple[int, int, tuple[int, ...]]
"""Of units: stacked rows, rows, copies in every block."""


def _labels(unit: _Unit) -> tuple[Label, ...]:
    return (unit.label,) if isinstance(unit, _Row) else unit


def _paired(alike: dict[_Shape, list[_Unit]]) -> dict[_Shape, list[_Unit]]:
    """With single rows as pairs among units of two, where these are many: few products more, and half the programs.

    Of irreps of real type every row is a unit then.
    """
    found = dict(alike)
    for shape, units in alike.items():
        stacked, rows, copies = shape
        if len(units) < MANY or (stacked, rows) not in ((1, 2), (2, 1)):
            continue
        single = (1, 1, copies if stacked == 1 else tuple(n // 2 for n in copies))
        if single not in found or (stacked == 2 and any(n % 2 for n in copies)):
            continue
        ones = [o for unit in found.pop(single) for o in _labels(unit)]
        pairs: list[_Unit] = [tuple(ones[n : n + 2]) for n in range(0, len(ones), 2)]
        if stacked == 1:
            found[shape] = units + pairs
        else:
            del found[shape]
            found[1, 2, single[2]] = [_Row(o, n) for unit in units for o in _labels(unit) for n in range(2)] + pairs
    return found


def _elements(kernels: IrrepKernels, a: Label, o: Label) -> int:
    return len(kernels.between(a, o))


def _stacked(group: PointGroup, o: Label) -> int:
    return 1 if _is_complex(group, o) else irrep_size(group, o)


def _is_complex(group: PointGroup, label: Label) -> bool:
    """Whether a quarter turn of the components commutes with the irrep."""
    if irrep_size(group, label) != 2:
        return False
    matrices = irrep_matrix(group, label, group.generators())
    return all(np.allclose(m @ _QUARTER_TURN, _QUARTER_TURN @ m) for m in matrices)


def _copies(rho: Representation, label: Label) -> list[int]:
    return [i for i, a in enumerate(rho.labels) if a == label]


def _components(rho: Representation, copy: int) -> list[int]:
    """Those of one copy of an irrep of ρ."""
    first = starts(rho)[copy]
    return list(range(first, first + irrep_size(rho.group, rho.labels[copy])))


class _Column(NamedTuple):
    """A column: its number among those of all sources, the copy it is made of, its element, its row of the output."""

    number: int
    copy: int
    element: int
    row: int


_Columns = dict[Label, list[list[_Column]]]
"""For each irrep of the output, for each of its rows that are stacked, in the same order: the columns."""


def _input_block(space: KernelSpace, rho: Representation, labels: list[Label]) -> tuple[InputBlock, _Columns]:
    sizes = [irrep_size(space.group, a) for a in rho.labels]
    singles, components = [i for i, size in enumerate(sizes) if size == 1], max(sizes)
    sources = [[i] for i, size in enumerate(sizes) if size > 1]
    sources += [singles[n : n + components] for n in range(0, len(singles), components)]
    kernels, scales = irrep_kernels(space), {o: element_scale(space, rho, o) for o in labels}
    parts = {
        (a, o): scales[o] * kernels.between(a, o)[_split(kernels, a, o).chosen]  # [t, row, d, functions]
        for a in set(rho.labels)
        for o in labels
    }
    most = max(sum(parts[rho.labels[i], o][:, :, 0, 0].size for i in source for o in labels) for source in sources)
    sampled = kernels.sampled()
    matrix = np.zeros((len(sources), most, components, sampled.shape[1]))
    analysis = np.zeros((len(sources), components, rho.size))
    to_irreps = np.linalg.inv(rho.change_of_basis)
    found: _Columns = {o: [[] for _ in range(_stacked(space.group, o))] for o in labels}
    for s, source in enumerate(sources):
        column = first = 0
        for i in source:
            here = slice(first, first + sizes[i])
            analysis[s, here] = to_irreps[_components(rho, i)]
            for o in labels:
                part = parts[rho.labels[i], o]
                for t, row in np.ndindex(*part.shape[:2]):
                    matrix[s, column, here] = part[t, row]
                    stacked = found[o][row % len(found[o])]
                    stacked.append(_Column(s * most + column, i, t, 0 if len(found[o]) > 1 else row))
                    column += 1
            first = here.stop
    taps = (matrix @ sampled.T).reshape(*matrix.shape[:3], *space.shape)
    return InputBlock(analysis.reshape(-1, rho.size), taps), found


def _chosen(block: InputBlock, columns: _Columns, units: list[_Unit], stacked: int, height: int) -> np.ndarray:
    nothing, numbers = block.kernels.shape[0] * block.kernels.shape[1], []
    for unit in units:
        one = [[columns[unit.label][unit.number]]] if isinstance(unit, _Row) else None
        for parts in one or zip(*(columns[o] for o in _labels(unit)), strict=True):
            found = [column.number for part in parts for column in part]
            numbers += found + [nothing] * (height - len(found))
    return np.array(numbers, int).reshape(len(units), stacked, height)


def _rows_of_copies(rho: Representation, unit: _Unit) -> list[list[list[int]]]:
    """For each copy of a unit, for each of its rows that a label or a copy gives: the components of ρ, stacked."""
    if isinstance(unit, _Row):
        there = [[_components(rho, j)[unit.number]] for j in _copies(rho, unit.label)]
        return [there[n : n + 2] for n in range(0, len(there), 2)]
    return [[_components(rho, j) for j in copies] for copies in zip(*(_copies(rho, o) for o in unit), strict=True)]


def _synthesis(rho: Representation, units: list[_Unit], stacked: int, rows: int) -> np.ndarray:
    nothing = [rho.size] * (rows * stacked)  # for what a unit has fewer rows
    order = []
    for unit in units:
        for parts in _rows_of_copies(rho, unit):
            order.append(([component for part in parts for component in part] + nothing)[: rows * stacked])
    padded = np.pad(rho.change_of_basis, ((0, 0), (0, 1)))
    return padded[:, np.array(order, int).reshape(len(units), -1, rows, stacked)].swapaxes(2, 3)


def _mixing(
    space: KernelSpace, columns: _Columns, units: list[_Unit], rows: int, height: int
) -> SparseRows | np.ndarray:
    rho_in, rho_out, kernels = space.in_representation, space.out_representation, irrep_kernels(space)
    counts = [_elements(kernels, a, o) for o in rho_out.labels for a in rho_in.labels]
    firsts = (np.cumsum(counts) - counts).reshape(len(rho_out.labels), len(rho_in.labels))
    terms: list[list[tuple[int, float]]] = []
    for unit in units:
        labels = _labels(unit)
        copies = [_copies(rho_out, o) for o in labels]
        for part, o in enumerate(labels):
            single = isinstance(unit, _Row) or irrep_size(space.group, o) == 1
            splits = {a: _split(kernels, a, o) for a in set(rho_in.labels)}
            for _, i, t, row in columns[o][0]:
                split = splits[rho_in.labels[i]]
                for out_row in range(rows):
                    there = copies[part][out_row::2] if isinstance(unit, _Row) else copies[part]
                    if single and out_row != part and not isinstance(unit, _Row):  # of the other of a pair
                        terms += [[]] * len(there)
                        continue
                    same = single or row == out_row
                    values = (split.plain if same else (split.turned if row == 0 else -split.turned))[:, t]
                    for j in there:
                        terms.append([(int(firsts[j, i] + e), float(values[e])) for e in np.flatnonzero(values)])
        missing = height - sum(len(columns[o][0]) for o in labels)
        terms += [[]] * (missing * rows * (len(copies[0]) // (2 if isinstance(unit, _Row) else 1)))
    of_elements = SparseRows.of(terms, sum(counts))
    from_weights = element_coefficients(space)
    return of_elements if from_weights is None else of_elements.dense() @ from_weights


@dataclasses.dataclass(frozen=True, eq=False)
class _Split:
    """F_t = Σ_c plain[t, c] F_{chosen[c]} + turned[t, c] J F_{chosen[c]}."""

    chosen: list[int]
    plain: np.ndarray
    turned: np.ndarray


@functools.lru_cache(maxsize=1 << 12)
def _split(kernels: IrrepKernels, a: Label, o: Label) -> _Split:
    """Of the elements from ψ_a to ψ_o; independence is that of coefficients, whatever the samples."""
    dense = kernels.between(a, o)
    count = len(dense)
    if not count or not _is_complex(kernels.group, o):
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
