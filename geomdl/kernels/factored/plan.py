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

import numpy as np

from geomdl.kernels.factored.expansion import Columns, InputBlock, chosen_columns, input_block
from geomdl.kernels.factored.mixing import mixing, synthesis
from geomdl.kernels.factored.sparse_rows import SparseRows
from geomdl.kernels.factored.units import Shape, Unit, units_by_shape
from geomdl.kernels.irrep_kernels import irrep_kernels
from geomdl.kernels.select import KernelSpace
from geomdl.representations.representation import Label


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
    first, outs = spaces[0][0], [space.out_representation for space in spaces[0]]
    alike = units_by_shape(first.group, _reached(spaces), outs)
    labels = list(dict.fromkeys(label for units in alike.values() for unit in units for label in unit.labels))
    blocks = [input_block(first, row[0].in_representation, labels) for row in spaces]
    groups = [_output_group(spaces, blocks, shape, units) for shape, units in alike.items()]
    return Plan(tuple(block for block, _ in blocks), tuple(groups))


def _reached(spaces: tuple[tuple[KernelSpace, ...], ...]) -> list[Label]:
    """The irreps of the output to which there is a kernel, in the order in which the blocks have them."""
    kernels = irrep_kernels(spaces[0][0])
    ins = {label for row in spaces for label in row[0].in_representation.labels}
    outs = dict.fromkeys(label for space in spaces[0] for label in space.out_representation.labels)
    return [o for o in outs if any(len(kernels.between(a, o)) for a in ins)]


def _output_group(
    spaces: tuple[tuple[KernelSpace, ...], ...],
    blocks: Sequence[tuple[InputBlock, Columns]],
    shape: Shape,
    units: Sequence[Unit],
) -> OutputGroup:
    """The units of one shape, and what goes into them from every block of the input."""
    stacked, rows, copies = shape
    heights = [max(sum(len(columns[o][0]) for o in unit.labels) for unit in units) for _, columns in blocks]
    return OutputGroup(
        units=len(units),
        stacked=stacked,
        rows=rows,
        copies=copies,
        heights=tuple(heights),
        columns=tuple(
            chosen_columns(block, columns, units, stacked, height)
            for (block, columns), height in zip(blocks, heights, strict=True)
        ),
        mixings=tuple(
            tuple(mixing(space, columns, units, rows, height) for space in row)
            for row, (_, columns), height in zip(spaces, blocks, heights, strict=True)
        ),
        syntheses=tuple(synthesis(space.out_representation, units, stacked, rows) for space in spaces[0]),
    )
