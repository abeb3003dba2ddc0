"""Measures whether a module keeps its contract."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import DTypeLike

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.equivariance.contracts.crops import crop_shifts, inside_both, window_of
from geomdl.equivariance.contracts.elements import (
    elements_that_fit,
    fractional_shifts,
    required_size,
    shift_elements,
    shift_of_output,
    whole_shifts,
)
from geomdl.equivariance.contracts.promise import Level
from geomdl.equivariance.contracts.report import Report, Row
from geomdl.equivariance.contracts.tolerances import tolerance
from geomdl.equivariance.host.orbit import distance, orbit
from geomdl.equivariance.host.shifts import (
    aligned,
    ideally_shifted,
    rolled,
    without_nyquist,
)
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, Subgroup, along, require_planar

Call = Callable[[np.ndarray], np.ndarray]


class HasContract(Protocol):
    """A module that can be checked: called as ``module(x, train=…, key=…)``, with a contract."""

    @property
    def contract(self) -> Contract: ...  # noqa: D102

    def __call__(self, x: jax.Array, /, *, train: bool = False, key: jax.Array | None = None) -> jax.Array: ...  # noqa: D102


def check_contract(
    module: HasContract,
    key: jax.Array,
    *,
    size: Size | None = None,
    batch: int = 2,
    dtype: DTypeLike = jnp.float32,
    train: bool = False,
    max_shifts: int = 32,
    approximate: bool = True,
    sharding: NamedSharding | None = None,
) -> Report:
    """Measures every promise of a module's contract on white-noise inputs, over the full frame.

    Every element of a finite point group is tried (the grid symmetries and four random elements of a continuous one),
    every circular shift up to ``max_shifts`` of them (else the generators and random ones), and three of each other
    kind that the contract promises something about: shifts up to a shift of the output, fractional shifts of images
    without Nyquist component, and moves of a window on a larger scene (in evaluation; compared where the fields of view
    lie inside). The module is compiled once and called for one element after the other; inputs and outputs are moved
    and compared on the host.

    Exact promises are held to `geomdl.equivariance.tolerance`; approximate ones (elements that do not map the grid to
    itself) are measured and shown, not judged.

    Args:
      module: with ``contract``; called as ``module(x, train=…, key=…)``.
      key: a JAX random key, for the inputs and for dropout.
      size: of the input, one number for each axis of the base space of its type: (height, width) of images; () for a
        module without base space. 9 along every axis by default.
      batch: how many inputs.
      dtype: of the input and so of the computation; float64, which needs ``jax.enable_x64``, also of the variables.
      train: whether to call the module in training mode.
      max_shifts: at most this many shifts.
      approximate: whether to measure also the elements for which at most an approximate promise can hold.
      sharding: how the batch is placed on the devices of a mesh; the variables are copied to all of them.

    Returns:
      A report with a row per element. It never raises for a broken promise.

    Raises:
      ValueError: for float64 while JAX has it switched off, or an impossible size, batch or number of shifts; for a
        direct product of groups with a size other than (), as it does not act on the plane.

    >>> from geomdl.groups import C4
    >>> from geomdl.layers import Conv
    >>> from geomdl.representations import FieldType
    >>> layer = Conv(FieldType(C4, "1 trivial"), FieldType(C4, "2 regular"), 3, padding=1, rngs=nnx.Rngs(0))
    >>> check_contract(layer, jax.random.key(0), size=(8, 8)).passed
    True
    """
    contract = module.contract
    if jnp.dtype(dtype) == jnp.float64 and not jax.config.read("jax_enable_x64"):
        raise ValueError("dtype float64 is off in JAX; call check_contract within jax.enable_x64(True), or use float32")
    size = required_size(contract, size)
    if batch < 1 or max_shifts < 0:
        raise invalid("batch, max_shifts", (batch, max_shifts), "at least 1 input, and 0 or more shifts", (2, 32))
    if sharding is not None and batch % sharding.num_devices:
        raise invalid("batch", batch, "a multiple of the number of devices", sharding.num_devices)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    x, other = (rng.normal(size=(batch, *size, contract.in_type.size)).astype(dtype) for _ in range(2))
    graph, state = nnx.split(module)
    if jnp.dtype(dtype) == jnp.float64:  # kernels are expanded in the precision of their weights
        state = jax.tree.map(lambda v: np.asarray(v, dtype) if jnp.issubdtype(v.dtype, jnp.floating) else v, state)
    if sharding is not None:
        state = jax.device_put(state, NamedSharding(sharding.mesh, PartitionSpec()))

    @jax.jit
    def apply(state: Any, x: jax.Array, key: jax.Array) -> jax.Array:
        return nnx.merge(graph, state)(x, train=train, key=key)

    def call(x: np.ndarray) -> np.ndarray:
        return np.asarray(apply(state, jax.device_put(x, sharding), key))

    y, limit = call(x), tolerance(dtype, contract.depth)
    random = train and contract.random_in_training
    rows: list[Row] = []

    def measure(symmetry: str, element: np.ndarray, level: Level, x_g: np.ndarray, y_g: np.ndarray) -> None:
        rows.append(_row(symmetry, element, level, distance(call(x_g), y_g), limit))

    point_level: Level = "none" if random else contract.points.at(size)
    points = _point_elements(contract, size, key)
    exact = np.array([_is_exact(contract, g, size) for g in points])
    if not approximate:
        points, exact = points[exact], exact[exact]
    moved = orbit(_embedded(contract, points), x, contract.in_type), orbit(points, y, contract.out_type)
    for g, is_exact, x_g, y_g in zip(points, exact, *moved, strict=True):
        measure("points", g, point_level if is_exact or point_level == "none" else "approximate", x_g, y_g)

    shift_level: Level = "none" if random or not size else contract.shifts.at(size)
    shifts = shift_elements(contract, size, max_shifts)
    for s in shifts:
        measure("shifts", s, shift_level, rolled(x, s), rolled(y, shift_of_output(contract, s)))

    if size and max_shifts and not random:
        rows += _up_to_shift(contract, call, x, limit, approximate=approximate)
        rows += _fractional(contract, call, x, limit, approximate=approximate)
    if size and max_shifts and not train:
        rows += _cropped(contract, call, x, limit, rng)

    reasons = contract.points.violated(size) + (contract.shifts.violated(size) if size else [])
    problems = []
    if shift_level != "none" and max_shifts and not len(shifts):
        problems.append(f"shifts by multiples of {contract.step} pixels are promised, but do not fit a size of {size}")
    if y.ndim > 2 and contract.cropped.level == "exact" and not len(crop_shifts(contract, size)):
        reasons.append("larger images, for crops: no field of view lies inside two of them")
    if (found := y.shape[1:-1]) != (expected := tuple(contract.output_size(size))):
        problems.append(f"the output has spatial size {found}, but {expected} is promised")
    return Report(tuple(rows), distance(call(other), y), tuple(dict.fromkeys(reasons)), tuple(problems))


def _row(symmetry: str, element: np.ndarray, level: Level, error: float, limit: float) -> Row:
    return Row(symmetry, tuple(element.tolist()), level, error, limit if level == "exact" else None)


def _up_to_shift(contract: Contract, call: Call, x: np.ndarray, limit: float, *, approximate: bool) -> Iterator[Row]:
    """Shifts by any whole number of pixels, where they move the output by some shift."""
    level: Level = "none" if contract.up_to_shift is None else contract.up_to_shift.at(x.shape[1:-1])
    if level == "exact" or (level == "approximate" and approximate):
        y = call(x)
        for s in whole_shifts(x.ndim - 2):
            y_s = call(rolled(x, s))
            yield _row("up to a shift", s, level, distance(y_s, aligned(y, to=y_s)), limit)


def _fractional(contract: Contract, call: Call, x: np.ndarray, limit: float, *, approximate: bool) -> Iterator[Row]:
    """Shifts by any real number of pixels, of images without Nyquist component."""
    level = contract.fractional.at(x.shape[1:-1])
    if level == "exact" or (level == "approximate" and approximate):
        x = without_nyquist(x)
        y = call(x)
        for s in fractional_shifts(x.ndim - 2):
            expected = ideally_shifted(y, s / np.array(along(contract.stride, len(s)), float))
            yield _row("fractional", s, level, distance(call(ideally_shifted(x, s)), expected), limit)


def _cropped(contract: Contract, call: Call, x: np.ndarray, limit: float, rng: np.random.Generator) -> Iterator[Row]:
    """Moves of a window on a larger scene."""
    size = x.shape[1:-1]
    shifts = crop_shifts(contract, size)
    if len(shifts):
        larger = tuple(n + 2 * step for n, step in zip(size, along(contract.step, len(size)), strict=True))
        scene = rng.normal(size=(len(x), *larger, x.shape[-1])).astype(x.dtype)
        y = call(window_of(scene, size))
        for s in shifts:
            moved = call(window_of(scene, size, s))
            yield _row("cropped", s, "exact", distance(*inside_both(contract, size, y, moved, s)), limit)


def _point_elements(contract: Contract, size: Size, key: jax.Array) -> np.ndarray:
    group = contract.group
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    if group.is_finite:
        elements = group.elements()
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
    large, small = (require_planar(g, "restriction") for g in (contract.in_type.group, contract.group))
    return Subgroup(large, small).embed(elements)


def _is_exact(contract: Contract, g: np.ndarray, size: Size) -> bool:
    """Whether an exact promise is exact for one element: it maps the grid to itself, and is in the exact group."""
    group, exact = contract.group, contract.exact_group
    if isinstance(group, PlanarGroup) and isinstance(exact, PlanarGroup):
        on_grid = not size or bool(contract.out_type.space.is_grid_symmetry(group, g))
        return on_grid and bool(Subgroup(group, exact).contains(g))
    return True  # a direct product acts on the channels only
