"""What the factored algorithm costs: multiply-accumulate operations (MACs), and a model of its CPU time."""

import dataclasses
import math

from geomdl.equivariance.contracts.contract import Size
from geomdl.kernels.factored.plan import InputBlock, OutputGroup, Plan, factored_plan
from geomdl.layers.convolution.algorithms.algorithm import Convolution
from geomdl.layers.convolution.algorithms.factored_correlation import images_together, one_of_the_groups
from geomdl.layers.convolution.algorithms.mixing import tiles_of
from geomdl.layers.core.window import Window
from geomdl.representations import FieldType

COPIED, PART = 60.0, 1e7
"""CPU time over that of a MAC, gradients included: of copying one number, and of starting a part of the batch."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """The work for one image.

    Attributes:
      multiply_adds: MACs.
      copied: numbers that are copied into windows.
    """

    multiply_adds: int
    copied: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.multiply_adds + other.multiply_adds, self.copied + other.copied)


def factored_cost(convolution: Convolution, window: Window, size: Size) -> Cost:
    """MACs and copies for one image of a size.

    For each pair of fields of C_N and output pixel about 2·N·S MACs instead of N²·k², S the number of functions;
    besides, the expansion, tile by tile, and the changes of basis, which grow with the fields and not with their
    product.
    """
    if convolution.groups > 1:
        one = factored_cost(one_of_the_groups(convolution), window, size)
        return Cost(convolution.groups * one.multiply_adds, convolution.groups * one.copied)
    plan, pixels = factored_plan(convolution.spaces), math.prod(window.output_size(size))
    total = Cost(0, 0)
    for i, (block, fields) in enumerate(zip(plan.inputs, convolution.in_type.blocks, strict=True)):
        if any(group.heights[i] for group in plan.groups):
            total += _expansion(block, fields.multiplicity, window, size)
    return total + Cost(pixels * _mixing_and_synthesis(plan, convolution.in_type, convolution.out_type), 0)


def expected_cost(convolution: Convolution, window: Window, size: Size) -> float:
    """CPU time of the factored algorithm for one image, in MACs of the dense one, gradients included.

    Those it has itself; besides, numbers copied into windows (`COPIED`), which cost most where fields are few, and the
    start of each part of the batch (`PART`). Fitted to layers of regular fields, batch 16, float32, on 2 CPU cores;
    ``experiments/benchmarks/cost_model.py`` compares it with measurement.
    """
    cost = factored_cost(convolution, window, size)
    return cost.multiply_adds + COPIED * cost.copied + PART / images_together(window.output_size(size))


def _expansion(block: InputBlock, fields: int, window: Window, size: Size) -> Cost:
    """The change of basis of one block of the input, and its correlation with fixed kernels."""
    tiles = tiles_of(block, window, size)
    sources, columns, components = block.kernels.shape[:3]
    seen = fields * tiles.count * tiles.window * sources * components
    analysis = 0 if block.selection is not None else fields * math.prod(size) * block.analysis.size
    return Cost(seen * tiles.pixels * columns + analysis, seen if tiles.copies else 0)


def _mixing_and_synthesis(plan: Plan, in_type: FieldType, out_type: FieldType) -> int:
    """MACs of one output pixel."""
    fields_in, fields_out = ([block.multiplicity for block in t.blocks] for t in (in_type, out_type))
    synthesis = sum(group.syntheses[o].size * fields_out[o] for group in plan.groups for o in _transformed(group))
    return plan.mixing_multiply_adds(fields_in, fields_out) + synthesis


def _transformed(group: OutputGroup) -> set[int]:
    """The blocks of the output whose synthesis is a product of matrices."""
    return {o for _, o in group.pairs if group.selections[o] is None}
