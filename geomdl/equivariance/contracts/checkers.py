"""One checker for each kind of promise: it tries a few elements and says what it found.

A new kind of promise gets a checker here, and a place in ``CHECKERS``.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from geomdl.equivariance.contracts.contract import Contract
from geomdl.equivariance.contracts.crops import crop_shifts, inside_both, window_of
from geomdl.equivariance.contracts.elements import (
    elements_that_fit,
    shift_elements,
    shift_of_output,
    some_fractional_shifts,
    some_whole_shifts,
)
from geomdl.equivariance.contracts.promise import Level, Size
from geomdl.equivariance.contracts.report import Row
from geomdl.equivariance.contracts.subject import Subject
from geomdl.equivariance.host.orbit import orbit
from geomdl.equivariance.host.shifts import aligned, ideally_shifted, rolled, without_nyquist
from geomdl.groups import DirectProduct, PlanarGroup, SpatialGroup, along, require_point_group
from geomdl.groups import subgroup as subgroup_of


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a checker found.

    Args:
      rows: one per element that was tried.
      reasons: the conditions that the input size does not meet, in words.
      problems: what is promised and could not be measured, or is otherwise than promised.
    """

    rows: tuple[Row, ...] = ()
    reasons: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


Checker = Callable[[Subject], Findings]
"""Measures one kind of promise of a module."""


def points(subject: Subject) -> Findings:
    """Every element of a finite point group; the grid symmetries and some random elements of a continuous one."""
    contract, size = subject.contract, subject.size
    promised: Level = "none" if subject.random else contract.points.at(size)
    elements = _point_elements(contract, size, subject.seed)
    exact = np.array([_is_exact(contract, g, size) for g in elements])
    if not subject.approximate:
        elements, exact = elements[exact], exact[exact]
    inputs = orbit(_embedded(contract, elements), subject.x, contract.in_type)
    rows = []
    for g, is_exact, x_g, y_g in zip(elements, exact, inputs, subject.moved(elements), strict=True):
        level: Level = promised if is_exact or promised == "none" else "approximate"
        rows.append(subject.row("points", g, level, subject.call(x_g), y_g))
    return Findings(tuple(rows), tuple(contract.points.violated(size)))


def shifts(subject: Subject) -> Findings:
    """Circular shifts by multiples of the contract's step: all of them, or the generators and random ones."""
    contract, size = subject.contract, subject.size
    if not size or len(subject.outputs) > 1 or subject.sets:
        return Findings()
    level: Level = "none" if subject.random else contract.shifts.at(size)
    elements = shift_elements(contract, size, subject.max_shifts)
    rows = []
    for s in elements:
        expected = rolled(subject.y, shift_of_output(contract, s))
        rows.append(subject.row("shifts", s, level, subject.call(rolled(subject.x, s)), expected))
    problems = ()
    if level != "none" and subject.max_shifts and not len(elements):
        problems = (f"shifts by multiples of {contract.step} pixels are promised, but do not fit a size of {size}",)
    return Findings(tuple(rows), tuple(contract.shifts.violated(size)), problems)


def shifts_up_to_a_shift(subject: Subject) -> Findings:
    """Shifts by any whole number of pixels, where they move the output by some shift."""
    promise = subject.contract.up_to_shift
    if promise is None or subject.random or not subject.shifts_are_tried:
        return Findings()
    level = promise.at(subject.size)
    if not subject.measures(level):
        return Findings()
    rows = []
    for s in some_whole_shifts(len(subject.size)):
        found = subject.call(rolled(subject.x, s))
        rows.append(subject.row("up to a shift", s, level, found, aligned(subject.y, to=found)))
    return Findings(tuple(rows))


def fractional_shifts(subject: Subject) -> Findings:
    """Shifts by any real number of pixels, of images without Nyquist component."""
    contract = subject.contract
    if subject.random or not subject.shifts_are_tried:
        return Findings()
    level = contract.fractional.at(subject.size)
    if not subject.measures(level):
        return Findings()
    x = without_nyquist(subject.x)
    y = subject.call(x)
    rows = []
    for s in some_fractional_shifts(len(subject.size)):
        expected = ideally_shifted(y, s / np.array(along(contract.stride, len(s)), float))
        rows.append(subject.row("fractional", s, level, subject.call(ideally_shifted(x, s)), expected))
    return Findings(tuple(rows))


def crops(subject: Subject) -> Findings:
    """Moves of a window on a larger scene, in evaluation."""
    contract, size = subject.contract, subject.size
    elements = crop_shifts(contract, size)
    if not len(elements):
        promised = subject.outputs[0].ndim > 2 and contract.cropped.level == "exact"
        reason = "larger images, for crops: no field of view lies inside two of them"
        return Findings(reasons=(reason,) if promised else ())
    if subject.train or not subject.shifts_are_tried:
        return Findings()
    larger = (n + 2 * step for n, step in zip(size, along(contract.step, len(size)), strict=True))
    scene = subject.rng.normal(size=(len(subject.x), *larger, subject.x.shape[-1])).astype(subject.x.dtype)
    y = subject.call(window_of(scene, size))
    rows = []
    for s in elements:
        moved = subject.call(window_of(scene, size, s))
        rows.append(subject.row("cropped", s, "exact", *inside_both(contract, size, y, moved, s)))
    return Findings(tuple(rows))


def spatial_size(subject: Subject) -> Findings:
    """The size of the output."""
    if subject.sets:
        return Findings()
    found, expected = subject.outputs[0].shape[1:-1], tuple(subject.contract.output_size(subject.size))
    if found == expected:
        return Findings()
    return Findings(problems=(f"the output has spatial size {found}, but {expected} is promised",))


CHECKERS: tuple[Checker, ...] = (points, shifts, shifts_up_to_a_shift, fractional_shifts, crops, spatial_size)
"""In the order of the rows of a report."""


def _point_elements(contract: Contract, size: Size, seed: np.ndarray) -> np.ndarray:
    group = contract.group
    rng = np.random.default_rng(seed)
    if group.is_finite:
        elements = group.elements()
    elif isinstance(group, SpatialGroup):
        elements = np.concatenate([group.grid_symmetries(), group.sample(rng, 4)])
    elif not isinstance(group, PlanarGroup):
        elements = np.concatenate([group.generators(), group.sample(rng, 8)])
    else:  # the grid symmetries, and some rotations in general position
        quarters = [[f, k * np.pi / 2] for f in range(2 if group.reflections else 1) for k in range(4)]
        elements = np.concatenate([np.array(quarters), group.sample(rng, 4)])
    return elements_that_fit(contract, elements, size)


def _embedded(contract: Contract, elements: np.ndarray) -> np.ndarray:
    """The elements of the contract's group as elements of that of its input."""
    if contract.in_type.group == contract.group:
        return elements
    large, small = (require_point_group(g, "restriction") for g in (contract.in_type.group, contract.group))
    return subgroup_of(large, small).embed(elements)


def _is_exact(contract: Contract, g: np.ndarray, size: Size) -> bool:
    """Whether an exact promise is exact for one element: it maps the grid to itself, and is in the exact group."""
    group, exact = contract.group, contract.exact_group
    if isinstance(group, DirectProduct) or isinstance(exact, DirectProduct):
        return not size or bool(contract.out_type.space.is_grid_symmetry(group, g))
    on_grid = not size or bool(contract.out_type.space.is_grid_symmetry(group, g))
    return on_grid and (group == exact or bool(subgroup_of(group, exact).contains(g)))
