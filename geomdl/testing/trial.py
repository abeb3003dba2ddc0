"""Tries a model at one image size: the error of every group element, and the limit that it is held to."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.actions.laws import OutputLaw
from geomdl.actions.outputs import Movable
from geomdl.actions.warp import Padding
from geomdl.equivariance.adapters.functions import Model
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.equivariance.contracts.tolerances import (
    rounded_spread,
    rounding_per_layer,
    tolerance,
    within_spread,
)
from geomdl.equivariance.localisation.feature_transformation import on_grid
from geomdl.equivariance.measures.errors import orbit_errors
from geomdl.equivariance.measures.evaluation import output_shape
from geomdl.groups import GridTranslations, PlanarGroup, SpatialGroup
from geomdl.representations import FieldType

Output = Any
"""Anything that `geomdl.actions.output_law` understands."""

UNKNOWN_DEPTH = 16
"""The depth that the tolerance is made for when nobody says how deep a model is."""


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The limits that errors are held to.

    An element that maps the pixel grid to itself moves numbers without computing, so that an exact model's error is
    rounding alone: it is held to ``geomdl.equivariance.tolerance(dtype, depth)`` = 24 ε √depth (3 ε √depth in bfloat16
    and float16, where sums are in float32). Any other element is resampled, which changes the image itself. ε_b, the
    relative change of an image that is moved and moved back, says by how much: such an element is held to ``factor`` ·
    ε_b + tolerance. An equivariant model amplifies the change of its input by its Lipschitz constant relative to its
    gain, for which the factor has to leave room. Neither limit is ever more than half the spread between different
    images: no model passes that changes its output as much as another image would.

    Args:
      depth: layers that follow one another; from the model's contract, else `UNKNOWN_DEPTH`, when None.
      tolerance: replaces 24 ε √depth, as it is.
      factor: for resampled elements.
      bound: replaces factor · ε_b + tolerance for resampled elements.
    """

    depth: int | None = None
    tolerance: float | None = None
    factor: float = 2.0
    bound: float | None = None

    def _depth(self, model: Model) -> tuple[int, str]:
        """How many layers follow one another, and who says so."""
        if self.depth is not None:
            return self.depth, "given"
        if model.contract is not None:
            return model.contract.depth, "from the contract"
        return UNKNOWN_DEPTH, "the default, as depth= is not given"

    def least_spread(self, dtype: np.dtype, model: Model) -> float:
        """What the spread of a model that is not constant exceeds."""
        if self.tolerance is not None:
            return max(1e-6, self.tolerance)
        return rounded_spread(dtype, self._depth(model)[0])

    def rounding(self, dtype: np.dtype, model: Model) -> tuple[float, str]:
        """The tolerance and how it was derived."""
        if self.tolerance is not None:
            return self.tolerance, f"tolerance {self.tolerance:.1e} (given)"
        depth, source = self._depth(model)
        limit = tolerance(dtype, depth)
        epsilon = float(jnp.finfo(dtype).eps)
        name = jnp.dtype(dtype).name
        factor = rounding_per_layer(dtype)
        return limit, (
            f"tolerance {limit:.1e} = {factor:g} ε √depth, with ε = {epsilon:.1e} of {name} and depth"
            f" {depth} ({source})"
        )

    def exact(self, rounding: float, derivation: str, spread: float) -> tuple[float, str]:
        """The limit for an element that maps the grid to itself, from the tolerance, and how it was derived."""
        limit = rounding if self.tolerance is not None else within_spread(rounding, spread)
        return limit, derivation if limit == rounding else _half(spread)

    def resampling(self, baseline: float, rounding: float, spread: float) -> tuple[float, str]:
        """The limit for a resampled element and how it was derived."""
        if self.bound is not None:
            return self.bound, f"bound {self.bound:.1e} (given)"
        limit = self.factor * baseline + rounding
        if within_spread(limit, spread) < limit:
            return spread / 2, _half(spread)
        return limit, (
            f"limit {limit:.1e} = {self.factor:g} × {baseline:.1e} + {rounding:.1e}: factor × change of the image by"
            " resampling alone + tolerance"
        )


def _half(spread: float) -> str:
    return f"limit {spread / 2:.1e} = half the spread between images ({spread:.1e})"


@dataclasses.dataclass(frozen=True)
class Case:
    """One element: its error, the limit, and where the limit comes from.

    Attributes:
      element: as an array of numbers.
      label: in words.
      error: ‖f(ρ_in(g) x) − ρ_out(g) f(x)‖ / ‖ρ_out(g) f(x)‖.
      baseline: ‖ρ_in(g)⁻¹ ρ_in(g) x − x‖ / ‖x‖; 0 on the grid.
      limit: what the error is held to.
      derivation: of the limit, in words.
      exact: whether the element maps the grid to itself.
      nearness: how near the element is to the identity, for sorting.
    """

    element: tuple[float, ...]
    label: str
    error: float
    baseline: float
    limit: float
    derivation: str
    exact: bool
    nearness: tuple[float, ...]

    @property
    def passed(self) -> bool:
        """Whether the error is within the limit; not when it is no number."""
        return self.error <= self.limit

    def __bool__(self) -> bool:
        return self.passed


@dataclasses.dataclass(frozen=True)
class Trial:
    """The errors of one model at one image size; true, as in ``assert trial``, when the symmetry holds (`passed`).

    Attributes:
      model: its name.
      promise: in words: ``"invariant to C4"``.
      size: (height, width) of the images.
      cases: one for each element.
      spread: ‖f(x) − f(x')‖ / ‖f(x)‖ between different images.
      least_spread: what a model that is not constant exceeds.
    """

    model: str
    promise: str
    size: tuple[int, ...]
    cases: tuple[Case, ...]
    spread: float
    least_spread: float

    @property
    def is_constant(self) -> bool:
        """Whether the output does not depend on the input, to rounding: invariance of no use."""
        return not self.spread > self.least_spread

    @property
    def failures(self) -> tuple[Case, ...]:
        """The cases that exceed their limits, the nearest to the identity first."""
        return tuple(sorted((c for c in self.cases if not c.passed), key=lambda c: (not c.exact, *c.nearness)))

    @property
    def passed(self) -> bool:
        """Whether no case failed and the output is not constant."""
        return not self.failures and not self.is_constant

    def __bool__(self) -> bool:
        return self.passed

    @property
    def worst(self) -> Case:
        """The case with the largest error for its limit."""
        return max(self.cases, key=lambda c: c.error / c.limit if c.limit else np.inf * (c.error > 0))

    def __str__(self) -> str:
        worst = self.worst
        state = "kept" if self.passed else "BROKEN"
        return (
            f"{self.model} is {self.promise}: {state} at {'x'.join(map(str, self.size))}; {len(self.cases)} elements,"
            f" worst error {worst.error:.1e} ({worst.label}, limit {worst.limit:.1e}), spread {self.spread:.1e}"
        )


def measure(
    model: Model,
    x: jax.Array,
    group: Movable,
    output: Output,
    elements: np.ndarray,
    judgement: Judgement,
    *,
    field_type: FieldType | None = None,
    out_field_type: FieldType | None = None,
    padding: Padding = "zeros",
) -> tuple[list[Case], float, float]:
    """The cases of some elements, the spread between the images, and what it exceeds where the model is not constant.

    The model is compiled once.

    Raises:
      ValueError: as `geomdl.equivariance.measures.errors.orbit_errors`.
    """
    found = orbit_errors(
        model, x, group, output, elements=elements, field_type=field_type, out_field_type=out_field_type,
        padding=padding,
    )  # fmt: skip
    plain = in_plain_layout(model, output)[0] if isinstance(output, OutputLaw) else model
    shape, _ = output_shape(plain, jnp.asarray(x))
    if jnp.issubdtype(shape.dtype, jnp.floating):
        dtype = max((x.dtype, shape.dtype), key=lambda d: float(jnp.finfo(d).eps))
        rounding, derivation = judgement.rounding(dtype, model)
        least = judgement.least_spread(dtype, model)
    else:
        rounding, derivation = (
            judgement.tolerance or 0.0,
            "share of entries that differ; whole numbers are equal or not",
        )
        least = max(1e-6, rounding)
    exact = on_grid(group, elements)
    cases = []
    for i, g in enumerate(elements):
        baseline = 0.0 if exact[i] else found.baselines[i]
        if exact[i]:
            limit, why = judgement.exact(rounding, derivation, found.spread)
        else:
            limit, why = judgement.resampling(baseline, rounding, found.spread)
        case = Case(
            found.elements[i], found.labels[i], found.errors[i], baseline, limit, why, bool(exact[i]),
            _nearness(group, g),
        )  # fmt: skip
        cases.append(case)
    return cases, found.spread, least


def _nearness(group: Movable, g: np.ndarray) -> tuple[float, ...]:
    """Sorts elements by how near they are to the identity."""
    if isinstance(group, PlanarGroup):
        angle = float(group.angle(g))
        return float(g[0]), round(min(angle, 2 * np.pi - angle), 6), angle
    if isinstance(group, GridTranslations):
        sizes = np.array(group.sizes)
        return float(np.minimum(g, sizes - g).sum()), float(g.sum())
    if isinstance(group, SpatialGroup):
        matrix = group.matrix(g)
        return float(np.linalg.det(matrix) < 0), round(3 - abs(float(np.trace(matrix))), 6), *map(float, matrix.flat)
    t = g[1:] if group.reflections else g
    return float(g[0]) if group.reflections else 0.0, float(np.linalg.norm(t / np.asarray(group.strengths)))
