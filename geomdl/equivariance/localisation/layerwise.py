"""The equivariance error after every layer of a network, and the first layer that breaks the symmetry."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.families import Family
from geomdl.actions.generators import Generator
from geomdl.actions.warp import Padding
from geomdl.arrays import as_array
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.adapters.recording import Activations
from geomdl.equivariance.contracts.contract import Contract
from geomdl.equivariance.contracts.tolerances import tolerance as rounding_tolerance
from geomdl.equivariance.host.relative_error import relative_error_on_host
from geomdl.equivariance.localisation.break_reasons import AT_FAULT, reason_from_contract, reason_from_error
from geomdl.equivariance.localisation.feature_transformation import Size, feature_parts, move_feature, on_grid
from geomdl.equivariance.measures.evaluation import image_batch
from geomdl.equivariance.measures.symmetry import Transformations, dimension_of, symmetry, transformations
from geomdl.groups import GridTranslations, PlanarGroup, SpatialGroup
from geomdl.representations import FieldType

PERMUTED = "channels permuted"
"""How activations were moved whose channels come in another order."""


@dataclasses.dataclass(frozen=True)
class LayerError:
    """What was found for one layer.

    Attributes:
      layer: its path, as in ``layers.0``; ``"output"`` for the whole model.
      shape: of one of its activations, without the batch.
      moved_as: how its activation was moved: ``"scalars"``, ``"invariant"``, a field type, or ``"channels permuted"``.
      errors: one per element.
      tolerance: what rounding explains up to here.
      spread: ‖φ(x) − φ(x')‖/‖φ(x)‖ between the images, each with the next; 0 for a dead or constant layer.
      reason: why exactness is lost in this layer, as far as it is known; empty where it is not lost here.
    """

    layer: str
    shape: tuple[int, ...]
    moved_as: str
    errors: tuple[float, ...]
    tolerance: float
    spread: float
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class LayerErrors:
    """The equivariance error of every layer for every element; see `layer_errors`.

    Attributes:
      model: its name.
      group: the name of the group or family.
      labels: the elements, in words.
      exact: for each element, whether it maps the pixel grid to itself.
      layers: in the order of the calls; the output of the model is the last.
      left_out: layers whose activations are no fields or vectors of real numbers.
    """

    model: str
    group: str
    labels: tuple[str, ...]
    exact: tuple[bool, ...]
    layers: tuple[LayerError, ...]
    left_out: tuple[str, ...] = ()

    @property
    def matrix(self) -> np.ndarray:
        """The errors ``[layers, elements]``, for a heat map."""
        return np.array([row.errors for row in self.layers]).reshape(len(self.layers), len(self.labels))

    def rows(self) -> list[dict[str, object]]:
        """One row per layer and element, for a CSV file."""
        return [
            {
                "model": self.model, "group": self.group, "layer": row.layer, "moved_as": row.moved_as,
                "element": label, "exact": exact, "error": error, "tolerance": row.tolerance,
            }
            for row in self.layers
            for label, exact, error in zip(self.labels, self.exact, row.errors, strict=True)
        ]  # fmt: skip

    def worst(self, layer: str) -> float:
        """The largest error of a layer over all elements."""
        return max(next(row for row in self.layers if row.layer == layer).errors)

    def first_broken(self, tolerance: float | None = None) -> str | None:
        """The first layer, in the order of the calls, whose error exceeds a tolerance.

        Args:
          tolerance: for the errors of all elements; by default what rounding explains, for the elements that map the
            grid to itself.
        """
        row = self._first(tolerance)
        return None if row is None else row.layer

    @property
    def reason(self) -> str:
        """Why the first broken layer loses exactness, where that is known."""
        row = self._first(None)
        return "" if row is None else row.reason

    def _first(self, tolerance: float | None) -> LayerError | None:
        for row in self.layers:
            held = [e for e, exact in zip(row.errors, self.exact, strict=True) if exact or tolerance is not None]
            limit = row.tolerance if tolerance is None else tolerance
            if any(not error <= limit for error in held):
                return row
        return None

    def __str__(self) -> str:
        width = max([len(row.layer) for row in self.layers] + [5])
        lines = [f"{'layer':<{width}}  worst error  at element       moved as"]
        broken = self._first(None)
        for row in self.layers:
            worst = int(np.argmax(np.nan_to_num(row.errors, nan=np.inf)))
            mark = "  <- first broken" if row is broken else "  (constant)" if row.spread == 0 else ""
            error = f"{row.errors[worst]:.1e}"
            lines.append(f"{row.layer:<{width}}  {error:<11}  {self.labels[worst]:<15}  {row.moved_as}{mark}")
        if broken is not None and broken.reason:
            lines.append(f"{broken.layer}: {broken.reason}")
        if self.left_out:
            lines.append(f"left out: {', '.join(self.left_out)}")
        return "\n".join(lines)


def layer_errors(
    model: Any,
    x: ArrayLike,
    group: Transformations,
    *,
    elements: ArrayLike | None = None,
    field_type: FieldType | None = None,
    out_types: Mapping[str, FieldType] | None = None,
    padding: Padding = "zeros",
) -> LayerErrors:
    """The relative equivariance error ‖φ_l(g·x) − g·φ_l(x)‖ / ‖g·φ_l(x)‖ of the activations φ_l of every layer.

    Activations ``[batch, height, width, channels]`` are moved as scalar fields on their own grid, and ``[batch,
    channels]`` are compared as invariants, unless the layer has a contract (layers of geomdl) or a type is given. Where
    that fails, but the same numbers appear in another order of the channels, as in group convolutions of other
    libraries, the layer counts as equivariant (``"channels permuted"``). Coarser grids are moved by a fraction of the
    shift, see `geomdl.equivariance.localisation.feature_transformation.move_feature`.

    Args:
      model: what `geomdl.equivariance.activations` can look into.
      x: images ``[batch, height, width, channels]``, or volumes.
      group: of the plane or of space, circular shifts, a family or a generator, or its name; see
        `geomdl.equivariance.measures.symmetry`.
      elements: ``[n, element_size]``; by default all of a small finite group, or drawn ones, without the identity.
      field_type: how the channels of x transform; as scalars by default.
      out_types: field types by layer, where layers do not know them themselves.
      padding: what comes in from outside when images are resampled.

    Raises:
      ValueError: for a model that cannot be looked into, and as for `geomdl.equivariance.measures.symmetry.symmetry`.

    >>> from flax import nnx
    >>> conv = lambda stride: nnx.Conv(1, 1, (3, 3), stride, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    >>> x = np.random.default_rng(0).normal(size=(2, 8, 8, 1))
    >>> errors = layer_errors(nnx.Sequential(conv(1), conv(2)), x, "C4")
    >>> errors.first_broken()
    'layers.1'
    """
    model = as_function(model)
    x = jnp.asarray(as_array(x, "x"))
    dimension = dimension_of(group, model)
    x = image_batch(x, dimension=3 if group == "shifts" and x.ndim == 5 else dimension)
    size: Size = x.shape[1:-1]
    resolved = transformations(group, size)
    if isinstance(resolved, Generator):
        resolved = Family(resolved.name, (resolved.name,), (1.0,))
    moves = symmetry(group, size, elements=elements, field_type=field_type, padding=padding)
    keep = [i for i, label in enumerate(moves.labels) if elements is not None or label != "identity"] or [0]
    chosen = moves.elements[keep]
    evaluate = jax.jit(lambda model, x: model.activations(x)) if model.differentiable else _call
    base = evaluate(model, x)
    move = jax.jit(moves.move)
    moved = [evaluate(model, move(g, x)) for g in chosen]
    types = {path or "output": contract.out_type for path, contract in model.contracts} | dict(out_types or {})
    study = _Study(resolved, chosen, on_grid(resolved, chosen), size, len(x))
    rows: list[LayerError] = []
    left_out, before, entered, dtype = [], size, {}, x.dtype
    broken = False
    for name, y in base.items():
        parts = _parts(y, len(x), size)
        _enter(entered, name, before)
        if parts is None:
            left_out.append(name)
            continue
        dtype = max((dtype, y.dtype), key=lambda d: float(jnp.finfo(d).eps))
        limit = rounding_tolerance(dtype, len(rows) + 1)
        after = [_parts(m[name], len(x), size) or [] for m in moved]
        row, pairs = study.compare(name, parts, after, types.get(_module(name)), limit)
        if study.is_broken(row):
            contract = dict(model.contracts).get("" if name == "output" else _module(name))
            reason = study.reason(contract, row, entered[_module(name)], pairs, inherited=broken)
            if rows and rows[-1].moved_as == PERMUTED and (not reason or reason == AT_FAULT):
                reason = (
                    f"the group permutes the channels that {rows[-1].layer} gives out; it does not treat them alike"
                )
            row, broken = dataclasses.replace(row, reason=reason), True
        rows.append(row)
        fields = [part for part in parts if part.ndim == len(size) + 2]
        before = fields[0].shape[1:-1] if fields else before
    labels = tuple(moves.labels[i] for i in keep)
    return LayerErrors(model.name, moves.name, labels, tuple(study.exact.tolist()), tuple(rows), tuple(left_out))


Pairs = list[tuple[np.ndarray, np.ndarray]]
"""φ(g·x) and g·φ(x), for every element."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Study:
    """The elements, and how the activations of one layer are compared."""

    group: Any
    elements: np.ndarray
    exact: np.ndarray
    size: Size
    batch: int

    def compare(
        self, name: str, parts: list[np.ndarray], moved: list[list[np.ndarray]], kind: FieldType | None, limit: float
    ) -> tuple[LayerError, Pairs]:
        def expected(g: np.ndarray) -> list[np.ndarray]:
            return [move_feature(g, part, self.group, self.size, kind) for part in parts]

        wanted = [expected(g) for g in self.elements]
        errors = [_relative(m, w) for m, w in zip(moved, wanted, strict=True)]
        known = kind is not None and isinstance(self.group, PlanarGroup | SpatialGroup)
        moved_as = str(kind) if known else "scalars" if parts[-1].ndim == len(self.size) + 2 else "invariant"
        if not known and any(e > limit for e in np.array(errors)[self.exact]):
            ordered = [_relative(_sorted(m), _sorted(w)) for m, w in zip(moved, wanted, strict=True)]
            if all(e <= limit for e in np.array(ordered)[self.exact]):
                errors, moved_as = ordered, PERMUTED
        spread = _relative([np.roll(part, 1, 0) for part in parts], parts) if self.batch > 1 else float("nan")
        row = LayerError(name, parts[-1].shape[1:], moved_as, tuple(errors), limit, spread)
        return row, [(m[-1], w[-1]) for m, w in zip(moved, wanted, strict=True)]

    def is_broken(self, row: LayerError) -> bool:
        return any(not e <= row.tolerance for e in np.array(row.errors)[self.exact])

    def reason(self, contract: Contract | None, row: LayerError, before: Size, pairs: Pairs, *, inherited: bool) -> str:
        """The contract's reason; without one, and when layers before are fine, what the error looks like."""
        if contract is not None:
            over = self.exact & ~(np.array(row.errors) <= row.tolerance)
            reason = reason_from_contract(contract, self.group, self.elements[over], before)
            return "" if inherited and reason == AT_FAULT else reason
        used = [(m, w) for (m, w), exact in zip(pairs, self.exact, strict=True) if exact]
        if inherited or not used or used[0][0].ndim != len(self.size) + 2:
            return ""
        got, wanted = (np.stack(side) for side in zip(*used, strict=True))
        shifts = self.elements[self.exact]
        if isinstance(self.group, GridTranslations):
            shifts = shifts * np.array(before) / np.array(self.size)
        return reason_from_error(self.group, before, got - wanted, wanted, shifts, row.tolerance)


def _call(model: Model, x: jax.Array) -> Activations:
    return model.activations(x)


def _parts(y: Any, batch: int, size: Size) -> list[np.ndarray] | None:
    if not jnp.issubdtype(y.dtype, jnp.floating):
        return None
    return feature_parts(np.asarray(y, np.float64), batch, size)


def _relative(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    if [p.shape for p in a] != [p.shape for p in b]:
        return float("inf")
    return relative_error_on_host(*(np.concatenate([part.ravel() for part in parts]) for parts in (a, b)))


def _sorted(parts: list[np.ndarray]) -> list[np.ndarray]:
    return [np.sort(part, -1) for part in parts]


def _module(name: str) -> str:
    """The path of the module: without the number of the call, and the place in a tree of outputs."""
    return name.split(":")[0].split("[")[0]


def _enter(entered: dict[str, Size], name: str, before: Size) -> None:
    """Notes the size of what came into a module and into those around it, when the first of them gives its output."""
    path = _module(name).split(".")
    for depth in range(1, len(path) + 1):
        entered.setdefault(".".join(path[:depth]), before)
