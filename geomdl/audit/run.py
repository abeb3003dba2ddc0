"""Audits a model: one verdict per symmetry, from the measurements that it takes."""

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from geomdl.actions.laws import OutputLaw, output_law
from geomdl.arrays import as_floating, wide_dtype
from geomdl.audit.measuring.breaking_layers import layer_table
from geomdl.audit.measuring.conclude import conclude
from geomdl.audit.measuring.inspection import (
    depth_of,
    find_size,
    first_outputs,
    is_dead,
    moderated,
    outputs_or_none,
    remarks_on_calls,
)
from geomdl.audit.measuring.literature import further_measures
from geomdl.audit.measuring.plan import FEW, Measured, Plan, worst_pictures
from geomdl.audit.measuring.stream import Stream, arranged
from geomdl.audit.probes.images import FOR_CLOUDS, Images, Size, band_limited, normal, white_noise
from geomdl.audit.probes.output import AUTO, Output, output_of
from geomdl.audit.probes.symmetries import AuditedGroup, symmetries
from geomdl.audit.report.report import Audit, LayerTable
from geomdl.audit.results.findings import Measure
from geomdl.audit.results.verdict import Measurement, Verdict
from geomdl.environment import environment
from geomdl.equivariance import Contract
from geomdl.equivariance import tolerance as rounding
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.errors import invalid
from geomdl.groups import PLANE, VOLUME, PlanarGroup, SpatialGroup
from geomdl.groups import group as group_of
from geomdl.numbers import whole_number
from geomdl.representations import FieldType

DEFAULT_COUNT = 32
"""Images of noise."""

DEFAULT_VOLUMES = 8
"""Volumes of noise, which have more numbers each."""

SYNTHETIC = "band-limited"
"""The name of the noise that is made when no images are given."""


def audit(
    model: Any,
    variables: Any = None,
    *,
    group: AuditedGroup | str | None = None,
    images: Images | ArrayLike | None = None,
    size: Size | None = None,
    count: int | None = None,
    output: Any = AUTO,
    dtype: DTypeLike | None = None,
    seed: int = 0,
    batch: int = 32,
    tolerance: float | None = None,
    measures: bool = False,
    name: str | None = None,
    **adapter: Any,
) -> Audit:
    """Measures which symmetries a model has: exactly, approximately, or not at all.

    Each symmetry is a set of transformations g. For each g the error ‖f(g·x) − g·f(x)‖/‖g·f(x)‖ is measured: where g
    maps the pixel grid to itself on white noise over the full frame (and on the images, if some are given); where g
    resamples,
    on band-limited images within a disc (or on the given images, within it), next to what resampling alone does to the
    output. `geomdl.audit.results.verdict.judge` turns errors into levels.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes, or a pair (module, variables).
      variables: of a Linen module or Haiku function.
      group: the point group asked for, e.g. ``"D4"``, ``"C8"``, ``"SO2"``; ``"C1"`` for shifts only. A group of space,
        e.g. ``"O"``, ``"Oh"``, ``"C4z"``, ``"SO3"``, ``"C1z"`` for shifts only, audits a model of volumes. D4 if not
        given, and Oh of volumes.
      images: ``[n, height, width, channels]``; band-limited noise if not given. Volumes have a depth before.
      size: (height, width, channels) of the noise; the first common size that the model takes, if not given. Of volumes
        (depth, height, width, channels).
      count: how many images; all that are given, or 32.
      output: how the output should move: ``"invariant"``, ``"field"``, ``"channels-first"``, ``"tokens"``,
        ``"labels"``, ``"points"``, ``"boxes cxcywh"``, ``"detections"`` (sets, which are matched; with
        ``select=task.predictions`` for the detectors of geomdl), a representation such as ``"1 regular"``, permutations
        of the generators, the law of a task's outputs, or a function ``(g, y) -> y'`` of the group's elements; see
        `geomdl.actions.output_law`. ``"auto"`` guesses from the shape, and the first line of the report says what.
      dtype: of the images and so of the computation; that of the images, or float32.
      seed: of the noise and of the choice of shifts.
      batch: images per call of the model.
      tolerance: the rounding error that ``exact`` allows; derived from dtype and depth if not given.
      measures: whether to add measures of the literature (`geomdl.audit.measuring.literature`), each of which compiles
        the model.
      name: how the report calls the model.
      **adapter: further arguments of `as_function`, such as ``layout="NCHW"`` or ``numpy=True``.

    Returns:
      A report: ``report.verdicts``, ``report["C4"]``, ``str(report)``, ``report.to_json()``.

    Raises:
      ValueError: for bad arguments, a model that fails on the images, gives NaN, or something else than one array; for
        quarter turns of images that are not square, or of volumes whose exchanged axes differ; and for a group of the
        plane with volumes, or one of space with images.

    >>> report = audit(lambda x: x.mean((1, 2)), group="C4", size=(8, 8, 1), count=4)
    >>> report["C4"].level, report["shifts"].level, report["brightness"].level
    ('exact', 'exact', 'broken')
    """
    started = time.perf_counter()
    batch, seed = whole_number("batch", batch), whole_number("seed", seed, least=0)
    if isinstance(model, tuple) and len(model) == 2 and variables is None:
        model, variables = model
    options: dict[str, Any] = {"select": _without_activations, **adapter}
    f = as_function(model, variables, **options)
    chosen = _group(group, images, size, f)
    rng = np.random.default_rng(seed)
    found, normal = _images(images, size, count, dtype, f, seed, rng, volumes=isinstance(chosen, SpatialGroup))
    found, said = _in_units_of(f, found)
    chosen_images = dataclasses.replace(found, pixels=arranged(found.pixels, f))
    white = Images("white noise", moderated(chosen_images, normal))
    del found, normal  # which may be large
    subject = _Subject.of(f, chosen, chosen_images, white, rng, output, seed, batch, tolerance)
    subject.notes.extend(said)
    measured = subject.measured()
    verdicts, measurements = subject.concluded(measured)
    notes, images = subject.notes, subject.images
    return Audit(
        model=name or f.name,
        kind=f.kind,
        group=str(chosen),
        input_shape=images.size,
        output=subject.output.name,
        assumed=subject.output.assumed,
        doubtful=subject.output.doubtful,
        output_shape=subject.output.shape,
        dtype=str(images.pixels.dtype),
        images=images.name,
        count=len(images.pixels),
        seed=seed,
        verdicts=verdicts,
        measurements=measurements,
        layers=subject.layers(),
        measures=subject.further(seed) if measures and not subject.dead else (),
        notes=tuple(notes),
        environment=environment(),
        seconds=round(time.perf_counter() - started, 2),
        forward_passes=subject.stream.calls,
        dead=subject.dead,
        pictures=worst_pictures([p for _, part in measured for p in part]),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Subject:
    """A model under audit, and what is known of it before its symmetries are measured.

    Attributes:
      model: as a function.
      stream: calls it.
      images: that were given, or band-limited noise.
      white: white noise of the same size.
      output: how its output moves.
      plan: which transformations are tried.
      tolerance: the rounding error that ``exact`` allows.
      dead: whether the output does not depend on the images.
      notes: remarks for the report; more are added on the way.
      rng: for further noise.
    """

    model: Model
    stream: Stream
    images: Images
    white: Images
    output: Output
    plan: Plan
    tolerance: float
    dead: bool
    notes: list[str]
    rng: np.random.Generator

    @classmethod
    def of(
        cls,
        model: Model,
        group: AuditedGroup,
        images: Images,
        white: Images,
        rng: np.random.Generator,
        output: Any,
        seed: int,
        batch: int,
        limit: float | None,
    ) -> "_Subject":
        """Calls the model for the first time."""
        law = None
        if not (isinstance(output, str) and output == AUTO):
            law = output_law(output, group)  # or it is refused, before the model is called
        sets = isinstance(law, OutputLaw) and law.kind == "detections"
        in_type, out_type = _field_types(model.contract, group, images.size[-1], decoded=sets)
        if isinstance(law, OutputLaw) and sets:
            model, _ = in_plain_layout(model, law)  # one array, whatever the model gives
        size = images.size[:-1]
        stream = Stream(model, batch=min(batch, max(len(images.pixels), 2)))
        y = first_outputs(stream, white.pixels)
        treated = _treated(output, out_type, y, size, group)
        stream.canonical = treated.canonical
        y = treated.canonical(y, size)
        if isinstance(treated.law, OutputLaw) and treated.kind != "detections":
            model, _ = in_plain_layout(model, treated.law)
        computed = {model.takes.dtype} if model.takes is not None and model.takes.dtype.kind == "f" else set()
        dtypes = stream.dtypes | computed
        tolerance = max(rounding(t, depth_of(model)) for t in dtypes) if limit is None else limit
        dead = is_dead(treated, y, stream(images.pixels))
        notes = remarks_on_calls(stream, white.pixels, y, treated, tolerance)
        plan = Plan(group, treated, in_type, size, seed)
        if treated.kind == "function":
            notes.append(f"nothing but {group} is measured: the function of the output says how {group} moves it")
        elif treated.is_typed:
            notes.append(f"of turns, flips and scalings only {group} is measured: the output moves as {treated.name!r}")
        return cls(model, stream, images, white, treated, plan, tolerance, dead, notes, rng)

    def measured(self) -> list[Measured]:
        """All transformations of the plan, on noise and on the given images."""
        plan, stream, synthetic = self.plan, self.stream, self.images.name == SYNTHETIC
        measured = [plan.on_grid(stream, self.white), plan.shifts(stream, self.white)]
        if not synthetic:
            measured.append(plan.on_grid(stream, self.images))
        if not self.dead:
            measured += plan.resampled(stream, self.images)
            measured.append(plan.crops(stream, self.images, self.rng if synthetic else None))
        return measured

    def concluded(self, measured: Sequence[Measured]) -> tuple[tuple[Verdict, ...], tuple[Measurement, ...]]:
        """One verdict per symmetry, those asked for first; and the measurements that they rest on."""
        measurements = [m for part, _ in measured for m in part]
        measurements += _one_more(self.stream, self.plan, self.images.size, self.images.pixels.dtype, self.notes)
        contract, size = self.model.contract, self.plan.size
        reasons = contract.points.violated(size) if contract else []
        verdicts = (
            conclude(s, measurements, tolerance=self.tolerance, size=size, dead=self.dead, reasons=reasons)
            for s in symmetries(self.plan.group)
        )
        return tuple(sorted(verdicts, key=lambda v: not v.asked)), tuple(measurements)

    def further(self, seed: int) -> tuple[Measure, ...]:
        """The measures of the literature."""
        return further_measures(self.model, self.images, self.output, self.plan.group, seed, self.notes)

    def layers(self) -> LayerTable | None:
        """Which layers break what was asked for; None for a model that looks at nothing."""
        return None if self.dead else layer_table(self.model, self.white, self.plan, self.notes)


def _group(group: AuditedGroup | str | None, images: Any, size: Any, model: Model) -> AuditedGroup:
    """The group that is asked for, or D4, and Oh of volumes; refused where it does not move what is audited."""
    pixels = images.pixels if isinstance(images, Images) else images
    given = len(size) if isinstance(size, tuple | list) else np.ndim(pixels) - 1 if pixels is not None else None
    if given is None and model.contract is not None:
        given = (model.contract.in_type.space.dimension or 2) + 1
    volumes = given == 4
    if group is None:
        return group_of("Oh" if volumes else "D4")
    chosen = group_of(group)
    moves_volumes = isinstance(chosen, SpatialGroup)
    if given in (3, 4) and volumes != moves_volumes:
        if volumes:
            near = f"{chosen}z" if chosen.is_finite and isinstance(chosen, PlanarGroup) and not chosen.mirror else "SO3"
            raise invalid("group of an audit of volumes", str(chosen), "a group of space, such as O, Oh or C4z", near)
        if pixels is not None:
            allowed = (
                f"volumes [n, depth, height, width, channels], which {chosen} moves, or a group of the plane for them"
            )
            near = "images[..., None] if they are volumes without channels"
            raise invalid("images of shape", np.shape(pixels), allowed, near)
        raise invalid("group of an audit of images", str(chosen), f"a group of the plane; {chosen} moves volumes", "D4")
    return chosen


def _without_activations(y: Any) -> Any:
    """The output of a function that returns ``(y, {"layer": array, …})``."""
    return y[0] if isinstance(y, tuple) and len(y) == 2 and isinstance(y[1], dict) else y


def _images(
    given: Images | ArrayLike | None,
    size: Size | None,
    count: int | None,
    dtype: DTypeLike | None,
    model: Model,
    seed: int,
    rng: np.random.Generator,
    *,
    volumes: bool,
) -> tuple[Images, np.ndarray]:
    """The given images, or noise of a size that the model takes; and normal numbers of their shape, by ``rng``."""
    if count is not None and whole_number("count", count) < 2:
        raise invalid("count", count, "at least 2 images, to see whether the output depends on them", DEFAULT_COUNT)
    if given is None:
        dtype = np.float32 if dtype is None else dtype
        _require_dtype(dtype, model)
        if size is not None:
            axes = (*(VOLUME if volumes else PLANE).axes, "channels")
            if not isinstance(size, tuple | list) or len(size) != len(axes):
                near = (16, 16, 16, 1) if volumes else (32, 32, 3)
                clouds = f"; {FOR_CLOUDS}" if isinstance(size, tuple | list) and len(size) == 2 else ""
                raise invalid("size", size, f"({', '.join(axes)}){clouds}", near)
            size = tuple(whole_number(axis, n) for axis, n in zip(axes, size, strict=True))
        size = find_size(model, dtype, volumes=volumes) if size is None else size
        count = count or (DEFAULT_VOLUMES if volumes else DEFAULT_COUNT)
        with ThreadPoolExecutor(1) as pool:  # drawing takes long: both at once, each in its own order
            drawn = pool.submit(normal, rng, (count, *size), dtype)
            noise = band_limited(np.random.default_rng([seed, 1]), count, size, dtype)
        return Images(SYNTHETIC, noise), drawn.result()
    if size is not None:
        raise invalid("size", size, "nothing next to images, which have their own size")
    images = given if isinstance(given, Images) else _as_images(given)
    dtype = images.pixels.dtype if dtype is None else dtype
    _require_dtype(dtype, model)
    images = Images(images.name, images.pixels.astype(dtype), images.labels).first(count or len(images.pixels))
    return images, normal(rng, images.pixels.shape, dtype)


def _in_units_of(model: Model, images: Images) -> tuple[Images, list[str]]:
    """The images as a model of whole numbers (ONNX) takes them, and a remark on it; as they are for any other.

    Such models take pixels of 0 to 255: noise gets the mean 128 and the deviation 40, images of 0 to 1 are multiplied.
    """
    if model.takes is None or model.takes.dtype.kind == "f":
        return images, []
    x, kind = images.pixels, model.takes.dtype
    if images.name == SYNTHETIC:
        pixels, said = 128 + 40 * (x - x.mean()) / (x.std() or 1.0), "noise of mean 128 and deviation 40"
    elif x.max() <= 1:
        pixels, said = 255 * x, "the images times 255"
    else:
        return images, [f"the model takes {kind}: images are rounded"]
    return Images(images.name, pixels.astype(x.dtype), images.labels), [f"the model takes {kind}: {said}, rounded"]


def _as_images(given: ArrayLike) -> Images:
    """Images ``[n, height, width, channels]`` of floating-point numbers, in float32 at least."""
    pixels = as_floating(given, "images")
    return Images("given images", np.asarray(pixels, wide_dtype(pixels.dtype)))


def _require_dtype(dtype: DTypeLike, model: Model) -> None:
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise invalid("dtype", str(dtype), "float32 or float64", "float32")
    if np.dtype(dtype) == np.float64 and model.differentiable and not jax.config.read("jax_enable_x64"):
        raise ValueError("dtype float64 is off in JAX; call audit within jax.enable_x64(True), or use float32")


def _field_types(
    contract: Contract | None, group: AuditedGroup, channels: int, *, decoded: bool = False
) -> tuple[FieldType | None, FieldType | None]:
    """How the channels of input and output transform, by the contract of a module of ours; None for scalars.

    Of what is decoded from the output (boxes) its channels say nothing.
    """
    if contract is None:
        return None, None
    types = [None if t.is_trivial else t for t in (contract.in_type, contract.out_type)]
    if decoded:
        types[1] = None
    for t in types:
        if t is not None and t.group != group:
            raise invalid("group", str(group), f"{t.group}, as the model's channels transform as {t}", str(t.group))
    if contract.in_type.size != channels:
        raise invalid("channels of the images", channels, f"{contract.in_type.size}, as {contract.in_type} has")
    return types[0], types[1]


def _treated(
    output: Any, out_type: FieldType | None, y: np.ndarray, size: tuple[int, ...], group: AuditedGroup
) -> Output:
    """How an output is treated: as is said, by the contract of a module of ours, or by its shape."""
    auto = isinstance(output, str) and output == AUTO
    law = output if auto else output_law(output, group)
    if auto and out_type is not None:
        law = OutputLaw("field", out_type)
    if isinstance(law, OutputLaw):
        field_type = law.type_under(group)
        scalars = isinstance(output, OutputLaw) if field_type is None else field_type.is_trivial
        if law.kind == "field" and y.ndim == 2 and not law.layout and scalars:
            return output_of(y.shape, size, "invariant", group=group)  # numbers of the whole image, which stay
        law = dataclasses.replace(law, field_type=None if field_type is None or field_type.is_trivial else field_type)
    return output_of(y.shape, size, law, group=group, integers=y.dtype.kind in "iub")


def _one_more(stream: Stream, plan: Plan, size: Size, dtype: DTypeLike, notes: list[str]) -> list[Measurement]:
    """The exact symmetries again on images one pixel larger, where the model takes them."""
    larger = (*(n + 1 for n in size[:-1]), size[-1])
    was, there = ("×".join(map(str, s[:-1])) for s in (size, larger))
    rng = np.random.default_rng([plan.seed, 2])
    noise = Images("white noise", arranged(white_noise(rng, FEW, larger, dtype), stream.model))
    stream.canonical = lambda y, size: y
    y = outputs_or_none(stream, noise.pixels)
    if y is None:
        notes.append(f"takes images of {was} only: not tried at {there}")
        return []
    try:
        output = plan.output.at(y.shape, larger[:-1])
    except ValueError:
        notes.append(f"at {there} the output has another layout ({y.shape[1:]}): not tried there")
        return []
    stream.canonical = output.canonical
    return plan.at_size(larger[:-1], output).few(stream, noise)[0]
