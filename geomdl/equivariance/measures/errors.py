"""Equivariance errors: the relative distance between f(gx) and gf(x), for every element g."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.actions.disc import disc, disc_with_edge
from geomdl.actions.laws import output_law
from geomdl.actions.warp import Padding
from geomdl.arrays import as_array
from geomdl.boxes import matched
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.equivariance.host.relative_error import relative_error
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, over_elements, require_finite
from geomdl.equivariance.measures.symmetry import (
    Action,
    Transformations,
    as_output,
    dimension_of,
    symmetry,
    transformations,
)
from geomdl.errors import invalid
from geomdl.groups import LINE, PLANE, VOLUME
from geomdl.representations import FieldType


def equivariance_error(
    function: Callable[[jax.Array], jax.Array],
    x: ArrayLike,
    in_action: Action,
    out_action: Action,
    elements: ArrayLike,
) -> jax.Array:
    """The relative equivariance error for each element g of a list:

      ε(g) = ‖f(ρ_in(g) x) − ρ_out(g) f(x)‖ / ‖ρ_out(g) f(x)‖.

    The function is compiled once and mapped over the elements.

    Args:
      function: f, traceable by JAX.
      x: the input, as f takes it.
      in_action: ρ_in, ``(g, x) -> x'``.
      out_action: ρ_out; ``lambda g, y: y`` for invariance.
      elements: ``[n, element_size]``, as the actions take them.

    Returns:
      ``[n]`` errors.

    Raises:
      ValueError: for x or elements that are empty, no numbers, or not finite.

    >>> from geomdl.actions import roll
    >>> x = jnp.arange(16.0).reshape(1, 4, 4)
    >>> shifts = jnp.array([[0, 0], [1, 2]])
    >>> equivariance_error(lambda x: x**2, x, lambda g, x: roll(x, g), lambda g, y: roll(y, g), shifts)
    Array([0., 0.], dtype=float32)
    """
    x = jnp.asarray(as_array(x, "x"))
    elements = jnp.asarray(as_array(elements, "elements"))
    if not x.size or not elements.size:
        empty, shape = ("x", x.shape) if not x.size else ("elements", elements.shape)
        raise ValueError(f"invalid {empty} of shape {shape}; allowed: something to measure")
    for what, numbers in (("x", x), ("elements", elements)):
        if not isinstance(numbers, Tracer) and not bool(jnp.isfinite(numbers).all()):
            raise ValueError(f"invalid {what}: it contains NaN or infinite numbers; allowed: finite numbers")

    @jax.jit
    def errors(x: jax.Array, elements: jax.Array) -> jax.Array:
        outputs = jax.lax.map(lambda g: function(in_action(g, x)), elements)
        output = function(x)
        return jax.lax.map(lambda pair: relative_error(pair[1], out_action(pair[0], output)), (elements, outputs))

    return errors(x, elements)


@dataclasses.dataclass(frozen=True)
class OrbitErrors:
    """What `orbit_errors` found.

    Attributes:
      model: its name.
      group: the name of the group or family.
      output: how the output was held to move.
      elements: one tuple of numbers per element.
      labels: what each element does, in words.
      errors: ε(g).
      baselines: the error of resampling alone; 0 where the pixel grid is mapped to itself.
      spread: the relative distance of the outputs for different images. Near 0 the function is constant, and small
        errors mean nothing.
    """

    model: str
    group: str
    output: str
    elements: tuple[tuple[float, ...], ...]
    labels: tuple[str, ...]
    errors: tuple[float, ...]
    baselines: tuple[float, ...]
    spread: float

    @property
    def worst(self) -> float:
        """The greatest error."""
        return max(self.errors)

    @property
    def mean(self) -> float:
        """The mean error over the elements."""
        return float(np.mean(self.errors))

    @property
    def worst_index(self) -> int:
        """The position of the element with the greatest error."""
        return int(np.argmax(self.errors))

    @property
    def worst_element(self) -> tuple[float, ...]:
        """The element with the greatest error."""
        return self.elements[self.worst_index]

    @property
    def worst_label(self) -> str:
        """What the element with the greatest error does."""
        return self.labels[self.worst_index]

    @property
    def baseline(self) -> float:
        """The greatest error of resampling alone."""
        return max(self.baselines)

    @property
    def alive(self) -> bool:
        """Whether the output depends on the image (spread above 10⁻⁶)."""
        return bool(np.isfinite(self.spread) and self.spread > 1e-6)

    def rows(self) -> list[dict[str, object]]:
        """One row per element, for a table: element, label, error, baseline."""
        values = zip(self.elements, self.labels, self.errors, self.baselines, strict=True)
        return [{"element": g, "label": name, "error": e, "baseline": b} for g, name, e, b in values]

    def __str__(self) -> str:
        width = max(map(len, (*self.labels, "element")))
        lines = [f"{self.model}, {self.group}, output {self.output}: worst {self.worst:.2e}, mean {self.mean:.2e}"]
        lines += [f"{'element':<{width}}  {'error':>9}  {'baseline':>9}"]
        for label, error, baseline in zip(self.labels, self.errors, self.baselines, strict=True):
            lines.append(f"{label:<{width}}  {error:9.2e}  {baseline:9.2e}")
        if self.alive:
            lines.append(f"spread between images {self.spread:.2e}")
        else:
            lines.append(f"spread between images {self.spread:.2e}: CONSTANT; small errors mean nothing")
        return "\n".join(lines)


def orbit_errors(
    model: Any,
    x: ArrayLike,
    group: Transformations,
    output: Any = "invariant",
    *,
    elements: ArrayLike | None = None,
    field_type: FieldType | None = None,
    out_field_type: FieldType | None = None,
    padding: Padding = "zeros",
    disc_mask: bool = False,
    count: int = 16,
    seed: int = 0,
) -> OrbitErrors:
    """The relative equivariance error of a model for each element g of a group, and that of resampling alone:

      ε(g) = ‖f(ρ_in(g) x) − ρ_out(g) f(x)‖ / ‖ρ_out(g) f(x)‖,   baseline(g) = ‖ρ_in(g)⁻¹ ρ_in(g) x − x‖ / ‖x‖,

    in the 2-norm over the batch (for integer outputs ε is the fraction of entries that differ). The baseline is zero
    where g maps the pixel grid to itself; elsewhere interpolation, and what leaves the frame, keep ε from vanishing
    even for a perfect f. A model whose ε is far above the baseline breaks the symmetry itself.

    A constant function has ε = 0 for ``output="invariant"``: then `OrbitErrors.spread` is 0, `OrbitErrors.alive` is
    False, and the printed result says so. JAX models are traced and compiled once for all elements.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes.
      x: images ``[batch, height, width, channels]``; at least two for a telling spread (with one, the other is noise).
      group: a name (``"C4"``, ``"O2"``, ``"shifts"``, ``"affine"``, ``"rotate"``), a `PlanarGroup`, `GridTranslations`,
        `Family` or `Generator`.
      output: how the output moves: ``"invariant"``, ``"labels"``, ``"field"``, ``"tokens"``, ``"points"``, ``"boxes"``,
        a representation such as ``"1 regular"``, the law of a task, a function ``(g, y) -> y'``, or whatever else
        `geomdl.actions.output_law` understands.
      elements: ``[n, element_size]``, or the strengths ``[n]`` of a generator; by default all elements of a finite
        group of at most 64, else ``count`` drawn ones.
      field_type: how the channels of the input transform; as scalars by default.
      out_field_type: how the channels of the output transform; as scalars by default.
      padding: what comes in from outside when images are resampled.
      disc_mask: sets the images to zero outside the inscribed disc first, and compares fields within the disc only, so
        that a rotation loses nothing.
      count: how many elements are drawn where there are too many.
      seed: of the draw.

    Returns:
      A table that prints itself.

    Raises:
      ValueError: for images of a wrong shape or not square under quarter turns, an unknown group or output, an output
        that does not fit it, or NaN outputs.

    References:
      Weiler & Cesa, General E(2)-Equivariant Steerable CNNs, NeurIPS 2019.

    >>> x = np.random.default_rng(0).normal(size=(2, 8, 8, 1))
    >>> result = orbit_errors(lambda x: x.mean((1, 2)), x, "C4")
    >>> result.worst < 1e-6, result.baseline, result.alive
    (True, 0.0, True)
    """
    f = as_function(model)
    dimension = dimension_of(group, f)
    x = image_batch(x, dimension=dimension)
    size = tuple(map(int, x.shape[1:-1]))
    resolved = transformations(group, size)
    f, law = in_plain_layout(f, output_law(output, resolved))
    output, out_field_type = as_output(law, out_field_type, resolved, size)
    if disc_mask and dimension < 2:
        raise invalid("disc_mask", disc_mask, "False where inputs are not images or volumes", False)
    if disc_mask:
        x = x * jnp.asarray(disc_with_edge(x.shape[1:-1], edge=2.0), x.dtype)[..., None]
    shape, computed = output_shape(f, x, complex_numbers=True)
    fields = output in ("field", "labels") and len(shape.shape) > dimension
    out_size = shape.shape[1 : 1 + dimension] if fields else None
    _require_output(f.name, shape.shape, output, out_field_type, dimension)
    s = symmetry(
        group, x.shape[1:-1], output, out_size=out_size, elements=elements, field_type=field_type,
        out_field_type=out_field_type, padding=padding, count=count, seed=seed,
    )  # fmt: skip
    masked = disc_mask and output == "field" and len(shape.shape) == dimension + 2
    mask = disc(shape.shape[1:-1]) if masked else None

    def measure(f: Any, g: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        moved = s.move(g, x)
        error = _difference(jnp.asarray(f(moved)), jnp.asarray(s.expect(g, y)), f"output {output!r} of {f.name}", mask,
                            sets=output == "detections")  # fmt: skip
        return error, relative_error(s.undo(g, moved), x), jnp.isnan(error)

    y, (errors, baselines, broken) = over_elements(f, measure, s.elements, x, computed)
    if broken.any():
        require_finite(f, np.array(np.nan), f"at {s.labels[int(np.argmax(broken))]}")
    return OrbitErrors(
        f.name,
        s.name,
        output if isinstance(output, str) else getattr(output, "__name__", "function"),
        tuple(tuple(map(float, g)) for g in s.elements),
        s.labels,
        tuple(map(float, errors)),
        tuple(map(float, baselines)),
        input_spread(f, x, y, sets=output == "detections"),
    )


def input_spread(model: Model, x: jax.Array, y: np.ndarray, *, sets: bool = False) -> float:
    """‖f(x) − f(x')‖/‖f(x)‖ for the same images in another order (or, for one image, for noise of its range).

    >>> from geomdl.equivariance.adapters.functions import as_function
    >>> x = jnp.arange(8.0).reshape(2, 2, 2, 1)
    >>> input_spread(as_function(lambda x: x * 0 + 3), x, np.full((2, 2, 2, 1), 3.0))
    0.0
    """
    if len(x) > 1:
        other = np.roll(y, 1, axis=0)
    else:
        low, high = float(x.min()), float(x.max())
        noise = np.random.default_rng(0).uniform(low, (low + high) / 2 + (high == low), x.shape)
        other = np.asarray(model(jnp.asarray(noise, x.dtype)))
    return float(_difference(jnp.asarray(other), jnp.asarray(y), "output", sets=sets))


def _difference(
    a: jax.Array, b: jax.Array, what: str, mask: np.ndarray | None = None, *, sets: bool = False
) -> jax.Array:
    """The relative error; for integers the fraction of entries that differ; of sets of detections, matched."""
    if sets:  # of any numbers of detections
        return relative_error(*matched(a, b))
    if a.shape != b.shape:
        raise ValueError(
            f"{what}: the model gives shape {a.shape} where the action gives {b.shape}; they must be equal"
        )
    if not jnp.issubdtype(b.dtype, jnp.inexact):
        return jnp.mean((a != b).astype(jnp.float32))
    if mask is not None:
        a, b = (z * jnp.asarray(mask, z.dtype)[None, ..., None] for z in (a, b))
    return relative_error(a, b)


def _require_output(
    name: str, shape: Sequence[int], output: str | Action, field_type: FieldType | None, dimension: int
) -> None:
    if output == "field" and len(shape) == 2 and field_type is not None:  # a field without base space
        return
    space = {1: LINE, 2: PLANE, 3: VOLUME}.get(dimension)
    layout = "of a field" if space is None else space.layout
    wanted = {"field": (dimension + 2, layout), "labels": (dimension + 1, layout.replace(", channels", ""))}
    ndim, text = wanted.get(output, (len(shape), "")) if isinstance(output, str) else (len(shape), "")
    if len(shape) != ndim:
        raise invalid(
            f"output of shape {tuple(shape)} of {name}", output, f"an array {text} for {output!r}", "invariant"
        )
    last = {"points": 2, "boxes": 4}.get(output) if isinstance(output, str) else None
    if last is not None and shape[-1] != last:
        raise invalid(f"output of shape {tuple(shape)} of {name}", output, f"an array [..., {last}] for {output!r}")
