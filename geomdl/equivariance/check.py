"""Measures whether a module keeps its contract."""

import dataclasses
from fractions import Fraction
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from geomdl.actions import act, roll
from geomdl.equivariance.contract import Contract, Level, Size
from geomdl.equivariance.errors import relative_error
from geomdl.equivariance.tolerances import tolerance
from geomdl.errors import invalid
from geomdl.groups import GridTranslations, PlanarGroup, Subgroup, require_planar


class HasContract(Protocol):
    """A module that can be checked: called as ``module(x, train=…, key=…)``, with a contract."""

    @property
    def contract(self) -> Contract: ...  # noqa: D102

    def __call__(self, x: jax.Array, /, *, train: bool = False, key: jax.Array | None = None) -> jax.Array: ...  # noqa: D102


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured element: its error, and the tolerance it was held to (None where nothing is promised)."""

    symmetry: str
    element: tuple[float, ...]
    level: Level
    error: float
    tolerance: float | None

    @property
    def passed(self) -> bool:
        """Whether the promise, if there is one, was kept."""
        return self.tolerance is None or self.error <= self.tolerance


@dataclasses.dataclass(frozen=True)
class Report:
    """What `check_contract` found.

    Attributes:
      rows: one per element.
      spread: ‖f(x) − f(x')‖/‖f(x)‖ between independent inputs. A constant function is invariant in no useful sense: a
        spread of zero fails.
      reasons: the conditions that the input size does not meet, in words: nothing is promised there.
      problems: promises that could not be measured, and an output of another size than promised; each fails the check.
    """

    rows: tuple[Row, ...]
    spread: float
    reasons: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether the output depends on the input at all."""
        return np.isfinite(self.spread) and self.spread > 1e-6

    @property
    def passed(self) -> bool:
        """Whether every promise was kept, by a function that is not constant."""
        return self.alive and not self.problems and all(row.passed for row in self.rows)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The broken promises."""
        return tuple(row for row in self.rows if not row.passed)

    @property
    def promised(self) -> tuple[Row, ...]:
        """The rows that were held to a tolerance."""
        return tuple(row for row in self.rows if row.tolerance is not None)

    def worst(self, symmetry: str) -> float:
        """The largest error over the elements of a symmetry (``"points"`` or ``"shifts"``); 0 if none was measured."""
        return max((row.error for row in self.rows if row.symmetry == symmetry), default=0.0)

    def __str__(self) -> str:
        lines = [f"{'kept' if self.passed else 'BROKEN'}; spread between inputs {self.spread:.1e}"]
        lines += [f"not promised at this size: needs {reason}" for reason in self.reasons]
        lines += self.problems
        for symmetry, level in dict.fromkeys((row.symmetry, row.level) for row in self.rows):
            rows = [row for row in self.rows if (row.symmetry, row.level) == (symmetry, level)]
            worst = max(rows, key=lambda row: row.error)
            held = {"approximate": "approximate, not judged", "none": "not promised"}.get(level)
            held = held or f"tolerance {worst.tolerance:.1e}"
            lines.append(f"{symmetry}: {len(rows)} elements, worst error {worst.error:.1e} at {worst.element} ({held})")
        return "\n".join(lines)


def check_contract(
    module: HasContract,
    key: jax.Array,
    *,
    size: Size = (9, 9),
    batch: int = 2,
    dtype: DTypeLike = jnp.float32,
    train: bool = False,
    max_shifts: int = 32,
) -> Report:
    """Measures every promise of a module's contract on white-noise inputs, over the full frame.

    Every element of a finite point group is tried (the grid symmetries and four random elements of a continuous one),
    every circular shift up to ``max_shifts`` of them (else the generators and random ones). The module is compiled
    once.

    Exact promises are held to `geomdl.equivariance.tolerance`; approximate ones (elements that do not map the grid to
    itself) are measured and shown, not judged.

    Args:
      module: with ``contract``; called as ``module(x, train=…, key=…)``.
      key: a JAX random key, for the inputs and for dropout.
      size: (height, width) of the input; () for a module without base space.
      batch: how many inputs.
      dtype: of the input and so of the computation (float64 needs ``jax.enable_x64``).
      train: whether to call the module in training mode.
      max_shifts: at most this many shifts.

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
    if not isinstance(size, tuple | list) or len(size) not in (0, 2):
        raise invalid("size", size, "(height, width), or () without base space", (9, 9))
    size = tuple(size)
    if batch < 1 or max_shifts < 0:
        raise invalid("batch, max_shifts", (batch, max_shifts), "at least 1 input, and 0 or more shifts", (2, 32))
    if size:
        require_planar(contract.in_type.group, "a check with base space (size=() is without)")
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    shape = (batch, *size, contract.in_type.size)
    x, other = (jnp.asarray(rng.normal(size=shape), dtype) for _ in range(2))
    graph, state = nnx.split(module)

    def call(x: jax.Array, state: Any) -> jax.Array:
        fresh = jax.tree.map(lambda leaf: leaf, state)  # variables of this trace, which batch norm may update
        return nnx.merge(graph, fresh)(x, train=train, key=key)

    point_level = contract.points.at(size)
    shift_level = contract.shifts.at(size) if size else "none"
    if train and contract.random_in_training:
        point_level = shift_level = "none"
    points = _point_elements(contract, size, key)
    points_in = _embedded(contract, points)
    shifts = _shift_elements(contract, size, max_shifts) if size else np.zeros((0, 2), int)
    stride = Fraction(contract.stride)
    out_shifts = shifts * stride.denominator // stride.numerator

    @jax.jit
    def measure(state: Any, x: jax.Array, other: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        turned = jax.vmap(lambda g: act(g, x, contract.in_type))(points_in)
        rolled = jax.vmap(lambda s: roll(x, s))(shifts) if len(shifts) else jnp.zeros((0, *x.shape), x.dtype)
        outputs = jax.lax.map(lambda z: call(z, state), jnp.concatenate([x[None], other[None], turned, rolled]))
        y, of_turned, of_rolled = outputs[0], outputs[2 : 2 + len(points)], outputs[2 + len(points) :]
        expected = jax.vmap(lambda g: act(g, y, contract.out_type))(points)
        repeated = jax.vmap(lambda s: roll(y, s) if y.ndim == 4 else y)(out_shifts)
        compare = jax.vmap(relative_error)
        return compare(of_turned, expected), compare(of_rolled, repeated), relative_error(outputs[1], y)

    point_errors, shift_errors, spread = measure(state, x, other)
    out_shape = jax.eval_shape(call, x, state).shape
    limit = tolerance(dtype, contract.depth)
    rows = []
    for g, error in zip(points, np.asarray(point_errors), strict=True):
        exact = _is_exact(contract, g, size)
        level = point_level if exact or point_level == "none" else "approximate"
        rows.append(Row("points", tuple(g.tolist()), level, float(error), limit if level == "exact" else None))
    for s, error in zip(shifts, np.asarray(shift_errors), strict=True):
        rows.append(
            Row("shifts", tuple(s.tolist()), shift_level, float(error), limit if shift_level == "exact" else None)
        )
    reasons = contract.points.violated(size) + (contract.shifts.violated(size) if size else [])
    problems = []
    if shift_level != "none" and max_shifts and not len(shifts):
        problems.append(f"shifts by multiples of {contract.step} pixels are promised, but do not fit a size of {size}")
    if (found := out_shape[1:-1]) != (expected := tuple(contract.output_size(size))):
        problems.append(f"the output has spatial size {found}, but {expected} is promised")
    return Report(tuple(rows), float(spread), tuple(dict.fromkeys(reasons)), tuple(problems))


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
    if size and size[0] != size[1]:  # a quarter turn would change the shape
        turned = np.abs(require_planar(group, "a field on the plane").matrix(elements)[:, 0, 0])
        elements = elements[np.isclose(turned, 1)]
    return elements


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
        on_grid = not size or bool(group.is_grid_symmetry(g))
        return on_grid and bool(Subgroup(group, exact).contains(g))
    return True  # a direct product acts on the channels only


def _shift_elements(contract: Contract, size: Size, at_most: int) -> np.ndarray:
    step = contract.step
    if any(n % step for n in size):
        return np.zeros((0, 2), int)
    group = GridTranslations(size[0], size[1], step)
    if group.order <= at_most:
        return group.elements()
    rng = np.random.default_rng(group.order)
    return np.concatenate([group.generators(), group.sample(rng, max(0, at_most - 2))])[:at_most]
