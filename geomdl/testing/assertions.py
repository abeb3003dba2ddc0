"""Assertions about a model's symmetry, which say what fails, by how much, against which limit, and in which layer."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from geomdl.actions.families import Family
from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.outputs import Movable
from geomdl.actions.warp import Padding
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.equivariance.contracts.check import HasContract, check_contract
from geomdl.equivariance.contracts.report import Report
from geomdl.equivariance.contracts.tolerances import rounding_per_layer
from geomdl.equivariance.localisation.layerwise import LayerErrors, layer_errors
from geomdl.equivariance.measures.evaluation import image_batch
from geomdl.equivariance.measures.symmetry import Transformations, dimension_of, symmetry, transformations
from geomdl.errors import invalid
from geomdl.groups import GridTranslations
from geomdl.numbers import whole_number
from geomdl.representations import FieldType
from geomdl.testing.drawing import draw_images, resolved_group, tiers
from geomdl.testing.messages import constant_output, first_layer, how_sets_differ, trial_message
from geomdl.testing.smallest import Size, Sizes, smallest_failing
from geomdl.testing.trial import Case, Judgement, Output, Trial, measure


class SymmetryError(AssertionError):
    """A symmetry that does not hold.

    Args:
      message: what is shown.

    Attributes:
      trial: what was measured: a `Trial`, or a `Report` about a contract.
      layers: the error after every layer, where the model can be looked into.
    """

    def __init__(self, message: str, trial: Trial | Report, layers: LayerErrors | None = None) -> None:
        super().__init__(message)
        self.trial = trial
        self.layers = layers


def assert_invariant(model: Any, x: ArrayLike | None = None, group: Transformations = "C4", **options: Any) -> Trial:
    """Asserts f(ρ(g)x) = f(x): `assert_equivariant` with ``output="invariant"``, whose other arguments it takes.

    Args:
      model: f, see `assert_equivariant`.
      x: inputs; None draws them.
      group: the transformations, see `assert_equivariant`.
      **options: the other arguments of `assert_equivariant`.

    >>> import jax.numpy as jnp
    >>> print(assert_invariant(lambda x: jnp.tanh(x).mean((1, 2)), group="D4", size=6))
    <lambda> is invariant to D4: kept at 6x6; 8 elements, worst error ... spread ...
    """
    __tracebackhide__ = True
    if "output" in options:
        raise invalid("output of assert_invariant", options["output"], "none; use assert_equivariant for others")
    return assert_equivariant(model, x, group, output="invariant", **options)


def assert_equivariant(
    model: Any,
    x: ArrayLike | None = None,
    group: Transformations = "C4",
    *,
    output: Output = "field",
    size: Sizes | None = None,
    channels: int | None = None,
    batch: int = 2,
    dtype: DTypeLike = jnp.float32,
    elements: ArrayLike | None = None,
    field_type: FieldType | None = None,
    out_field_type: FieldType | None = None,
    padding: Padding = "zeros",
    depth: int | None = None,
    tolerance: float | None = None,
    factor: float = 2.0,
    bound: float | None = None,
    samples: int = 8,
    seed: int = 0,
) -> Trial:
    """Asserts f(ρ_in(g)x) = ρ_out(g)f(x) for the elements g of a group, and that f is not constant.

    Exact tier: every element of a finite group that maps the pixel grid to itself (quarter turns and flips, circular
    shifts, maps of pixel values), held to 24 ε √depth (3 ε √depth in bfloat16 and float16). Approximate tier: the other
    elements, which are resampled, held to ``factor`` times what resampling alone changes, plus that tolerance; or to
    ``bound``. Neither is more than half of the spread between outputs for different images. See
    `geomdl.testing.Judgement` for the derivation. The largest allowed error is never chosen to make a model pass.

    Where no x is given, white noise is drawn for the exact tier and low-pass noise inside the inscribed disc for the
    approximate one.

    Args:
      model: f, anything that `geomdl.equivariance.as_function` takes (with more arguments: give its result).
      x: images ``[batch, height, width, channels]``; drawn when None. Groups of space take volumes, with a depth
        before; circular shifts signals and volumes too: as the contract says, or ``GridTranslations`` of as many sizes.
      group: a group of the plane or of space (``"Oh"``), circular shifts (``"shifts"``), a family of Klein's ladder
        such as ``"affine"``, or its name.
      output: ``"invariant"``, ``"field"``, ``"tokens"``, ``"labels"``, ``"points"``, ``"boxes"``, a representation such
        as ``"1 regular"``, permutations, the law of a task's outputs, ``(g, y) -> y'``, or whatever else
        `geomdl.actions.output_law` understands.
      size: where x is None: n or (height, width), or as inputs have axes; or several, as a list, a range or a
        hypothesis strategy: then the smallest that fails is reported.
      channels: where x is None: of the contract, else 3.
      batch: where x is None: how many images.
      dtype: where x is None (float64 needs ``jax.enable_x64(True)``).
      elements: ``[n, element_size]``, to try only these.
      field_type: how the channels of x transform; as scalars by default.
      out_field_type: how the channels of f(x) transform; as scalars, or as the contract says, by default.
      padding: what comes in from outside when images are resampled.
      depth: layers that follow one another, for the tolerance; from the contract, else 16.
      tolerance: instead of 24 ε √depth.
      factor: for the approximate tier.
      bound: instead of factor · baseline + tolerance.
      samples: how many elements of a continuous group or family are drawn.
      seed: of the images and elements that are drawn.

    Returns:
      What was measured, when everything holds.

    Raises:
      AssertionError: (`SymmetryError`) with the smallest failing case, its error and limit, how the limit was derived,
        and the first layer that loses exactness.
      ValueError: when nothing can be measured: no x and no size, NaN in the output, an output of another shape.

    >>> blur = lambda x: jnp.roll(x, 1, 1) + 2 * x + jnp.roll(x, -1, 1)  # along the columns only
    >>> assert_equivariant(blur, group="C4", size=range(4, 8), channels=1)
    Traceback (most recent call last):
    ...
    geomdl.testing.assertions.SymmetryError: <lambda> is not equivariant (output: field) to C4
      smallest failing case: rotate 90° of 4x4 images...
    """
    __tracebackhide__ = True
    f = as_function(model)
    for name, number, least in (("samples", samples, 0), ("seed", seed, 0), ("batch", batch, 1)):
        whole_number(name, number, least)
    if channels is not None:
        whole_number("channels", channels)
    if x is None and not jnp.issubdtype(jnp.dtype(dtype), jnp.floating):
        raise invalid("dtype", str(jnp.dtype(dtype)), "that of floating-point images", "float32")
    law = output_law(output, transformations(group, (1,) * dimension_of(group, f)))
    trials = _Trials(
        f, group, law, Judgement(depth, tolerance, factor, bound), field_type or _in_type(f, group),
        _out_type(f, group, law, out_field_type), padding, elements, samples, seed, channels, batch, dtype,
    )  # fmt: skip
    failing = trials.of_images(x, size) if x is not None else trials.of_drawn_images(size)
    if failing is None:
        return max(trials.tried.values(), key=lambda t: t.worst.error / (t.worst.limit or 1.0))
    raise trials.error(failing)


@dataclasses.dataclass(frozen=True)
class _Trials:
    """Measures a model at one size after the other; the arguments are those of `assert_equivariant`."""

    model: Model
    group: Transformations
    output: Output
    judgement: Judgement
    field_type: FieldType | None
    out_field_type: FieldType | None
    padding: Padding
    elements: ArrayLike | None
    samples: int
    seed: int
    channels: int | None
    batch: int
    dtype: DTypeLike
    tried: dict[Size, Trial] = dataclasses.field(default_factory=dict)
    inputs: dict[tuple[Size, bool], jax.Array] = dataclasses.field(default_factory=dict)

    def of_images(self, x: ArrayLike, size: Sizes | None) -> Size | None:
        """Tries given images; returns their size if the symmetry does not hold."""
        if size is not None:
            raise invalid("size", size, "None when x is given")
        images = image_batch(x, dimension=dimension_of(self.group, self.model))
        result = self._at(images.shape[1:-1], images)
        return None if result.passed else result.size

    def of_drawn_images(self, size: Sizes | None) -> Size | None:
        """Tries images of one size after the other; returns the smallest for which the symmetry does not hold."""
        if size is None:
            raise invalid("x and size", None, "images x, or the size of the images to draw", "size=8")
        dimension = dimension_of(self.group, self.model)
        return smallest_failing(size, lambda n: not self._at(n).passed, dimension=dimension)

    def error(self, failing: Size) -> SymmetryError:
        """Says what fails at a size, and in which layer."""
        broken, layers = self.tried[failing], None
        if broken.failures:
            smallest = broken.failures[0]
            shown = np.array([case.element for case in broken.failures if case.exact == smallest.exact][:6])
            images, moved_by = self.inputs[failing, smallest.exact], resolved_group(self.group, failing)
            layers = _look_inside(self.model, images, moved_by, shown, self.field_type, self.padding)
        held = [t.size for t in self.tried.values() if t.passed]
        message = trial_message(broken, layers, held)
        if broken.failures and isinstance(self.output, OutputLaw) and self.output.kind == "detections":
            message = "\n".join([message, *(f"  {line}" for line in self._sets(failing, broken.failures[0]))])
        return SymmetryError(message, broken, layers)

    def _sets(self, size: Size, case: Case) -> list[str]:
        """How the sets of detections of a failing case differ."""
        images, group = self.inputs[size, case.exact], resolved_group(self.group, size)
        g: Any = np.array(case.element)
        if not isinstance(group, Family) and group.is_finite:
            g = np.rint(g).astype(int)
        model, law = in_plain_layout(self.model, self.output)
        move = symmetry(group, size, law, elements=g[None], field_type=self.field_type, padding=self.padding)
        found, expected = model(move.move(g, images)), move.expect(g, model(images))
        return how_sets_differ(np.asarray(found), np.asarray(expected))

    def _at(self, size: Size, given: jax.Array | None = None) -> Trial:
        resolved, labels = resolved_group(self.group, size), self._named.startswith("labels")
        cases: list[Case] = []
        spreads, least = [], 0.0
        for exact, some in tiers(resolved, self.elements, self.samples, self.seed, labels=labels):
            images = given
            if images is None:
                images = draw_images(self.model, size, self.channels, self.batch, self.dtype, self.seed, exact)
            self.inputs[size, exact] = images
            found, spread, least = measure(
                self.model, images, resolved, self.output, some, self.judgement,
                field_type=self.field_type, out_field_type=self.out_field_type, padding=self.padding,
            )  # fmt: skip
            cases += found
            spreads.append(spread)
        promise = f"{self._promise} to {resolved}"
        self.tried[size] = Trial(self.model.name, promise, size, tuple(cases), max(spreads), least)
        return self.tried[size]

    @property
    def _named(self) -> str:
        """The kind of the output."""
        law = self.output
        return str(law) if isinstance(law, OutputLaw) else getattr(law, "__name__", "function")

    @property
    def _promise(self) -> str:
        return "invariant" if self._named == "invariant" else f"equivariant (output: {self._named})"


def assert_contract(
    module: HasContract,
    key: jax.Array | int = 0,
    *,
    size: Sizes | tuple[()] | None = None,
    batch: int = 2,
    dtype: DTypeLike = jnp.float32,
    train: bool = False,
    decode: Callable[[Any], Any] | None = None,
) -> Report:
    """Asserts that a module of geomdl keeps its contract; see `geomdl.equivariance.check_contract`.

    Args:
      module: with a ``contract``.
      key: a JAX random key, or a seed.
      size: (height, width), or as the base space has axes; () without base space; or several, or a strategy: then the
        smallest that fails is reported. 9 along every axis by default.
      batch: how many inputs.
      dtype: of the inputs.
      train: whether to call the module in training mode.
      decode: of a detector, to compare sets of boxes; see `geomdl.equivariance.check_contract`.

    Returns:
      The report of the largest size that was tried, when everything holds.

    Raises:
      AssertionError: (`SymmetryError`) with the report, and the first layer that breaks its own contract.

    >>> from geomdl.layers import GlobalPool
    >>> assert_contract(GlobalPool(FieldType("C4", "2 regular")), size=range(4, 6)).passed
    True
    """
    __tracebackhide__ = True
    size = (9,) * module.contract.in_type.space.dimension if size is None else size
    reports: dict[tuple[int, ...], Report] = {}

    def fails(size: tuple[int, ...]) -> bool:
        reports[size] = check_contract(module, key, size=size, batch=batch, dtype=dtype, train=train,
                                      decode=decode)  # fmt: skip
        return not reports[size].passed

    failing = () if size == () and fails(()) else None
    if size != ():
        failing = smallest_failing(size, fails, dimension=module.contract.in_type.space.dimension or 2)
    if failing is None:
        return reports[max(reports, key=np.prod)]
    raise _contract_error(module, reports[failing], failing, batch, dtype, train=train)


def _contract_error(
    module: HasContract, report: Report, size: tuple[int, ...], batch: int, dtype: DTypeLike, *, train: bool
) -> SymmetryError:
    """Says what a check of a contract found, and which layer breaks it.

    Args:
      module: that was checked.
      report: of the check.
      size: of its inputs.
      batch: how many inputs were drawn.
      dtype: of the inputs.
      train: whether the module was called in training mode, in which nothing is drawn to look into the layers.
    """
    why = f"{rounding_per_layer(dtype):g} ε √depth, depth {module.contract.depth} from the contract"
    at = f"{'x'.join(map(str, size))} inputs" if size else "inputs without base space"
    lines = [f"{type(module).__name__} does not keep its contract for {at}"]
    lines += [
        f"  {row.symmetry} {row.element}: error {row.error:.1e} > tolerance {row.tolerance:.1e}"
        f" ({'half the spread' if row.tolerance == report.spread / 2 else why})"
        for row in report.failures[:3]
    ]
    lines += [f"  {line}" for line in str(report).splitlines()]
    if not report.alive:
        lines.append(f"  {constant_output(report.spread)}")
    layers = None
    movable = [row for row in report.failures if row.symmetry in ("points", "shifts")]
    if size and movable and not train:
        kind = movable[0].symmetry
        f = as_function(module)
        images = draw_images(f, size, None, batch, dtype, 0, True)
        of: Any = GridTranslations(*size) if kind == "shifts" else module.contract.group
        shown = np.array([row.element for row in movable[:4] if row.symmetry == kind])
        layers = _look_inside(f, images, of, shown, module.contract.in_type, "zeros")
        lines += [f"  {line}" for line in first_layer(layers)]
    return SymmetryError("\n".join(lines), report, layers)


def _in_type(f: Model, group: Transformations) -> FieldType | None:
    contract = f.contract
    return contract.in_type if contract is not None and str(contract.in_type.group) == str(group) else None


def _out_type(f: Model, group: Transformations, output: Output, given: FieldType | None) -> FieldType | None:
    contract = f.contract
    if given is not None or output != OutputLaw("field") or contract is None or str(contract.group) != str(group):
        return given
    return contract.out_type


def _look_inside(
    f: Model, x: jax.Array, group: Movable, elements: np.ndarray, field_type: FieldType | None, padding: Padding
) -> LayerErrors | None:
    """The errors of the layers; None for a model that cannot be looked into."""
    if not isinstance(group, Family) and group.is_finite:
        elements = np.rint(elements).astype(int)
    try:
        return layer_errors(f, x, group, elements=elements, field_type=field_type, padding=padding)
    except ValueError:
        return None
