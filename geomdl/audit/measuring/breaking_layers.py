"""The layers at which a model loses its symmetries."""

import dataclasses
import math

import numpy as np

from geomdl.actions.laws import OutputLaw
from geomdl.audit.measuring.plan import FEW, Plan
from geomdl.audit.probes.images import Images
from geomdl.audit.probes.space import SpaceElement
from geomdl.audit.probes.symmetries import group_elements
from geomdl.audit.probes.transformations import PointElement, in_group, point_name, shift_name
from geomdl.audit.results.findings import LayerBreak, LayerTable
from geomdl.equivariance.adapters.functions import Model
from geomdl.equivariance.localisation.layerwise import LayerErrors, layer_errors

SHIFTS = ((1, 0), (0, 1), (2, 2))
SHIFTS_OF_VOLUMES = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 2, 2))
AT_MOST = 16
"""Point elements in the table."""


def layer_table(model: Model, images: Images, plan: Plan, notes: list[str]) -> LayerTable | None:
    """The error of every layer under the elements of the group and some circular shifts.

    Args:
      model: whose layers are looked at.
      images: a few of them are used.
      plan: the group and the size.
      notes: a line is added when the model cannot be looked into.
    """
    if model.kind == "onnx":
        return None  # a file tells nothing of its layers
    x = images.first(FEW).pixels
    chosen = group_elements(plan.group)
    if len(chosen) > AT_MOST:
        chosen = [element for element in chosen if _is_simple(element)]
        step = 1 if len(plan.size) == 2 else math.ceil(len(chosen) / AT_MOST)  # rotations and reflections of space
        chosen = chosen[::step][:AT_MOST]
    parts: list[tuple[str, LayerErrors, list[str]]] = []
    law, judged = plan.output.law, plan.output.kind in ("invariant", "field")  # others move as no layer is taken to
    try:
        if chosen:
            elements = np.stack([in_group(element, plan.group) for element in chosen])
            types = {"output": law.field_type} if isinstance(law, OutputLaw) and law.field_type is not None else None
            errors = layer_errors(model, x, plan.group, elements=elements, field_type=plan.in_type, out_types=types)
            if not judged:
                errors = dataclasses.replace(errors, layers=errors.layers[:-1])
            parts.append((str(plan.group), errors, [point_name(element) for element in chosen]))
        shifts = SHIFTS if len(plan.size) == 2 else SHIFTS_OF_VOLUMES
        names = [f"shift {shift_name(shift)}" for shift in shifts]
        if min(plan.size) > 2:
            errors = layer_errors(model, x, "shifts", elements=np.array(shifts))
            if not judged:
                errors = dataclasses.replace(errors, layers=errors.layers[:-1])
            parts.append(("shifts", errors, names))
    except ValueError as error:
        if model.kind not in ("function", "numpy"):
            notes.append(f"layers were not looked at: {' '.join(str(error).split())[:200]}")
        return None
    layers = tuple(dict.fromkeys(row.layer for _, errors, _ in parts for row in errors.layers))
    if len(layers) < 2:
        return None
    columns: list[list[float]] = []
    for _, errors, names in parts:
        by_layer = {row.layer: row.errors for row in errors.layers}
        missing = (float("nan"),) * len(names)
        columns += [list(column) for column in zip(*(by_layer.get(layer, missing) for layer in layers), strict=True)]
    breaks = tuple(
        LayerBreak(symmetry, first, errors.reason)
        for symmetry, errors, _ in parts
        if (first := errors.first_broken()) is not None
    )
    return LayerTable(
        layers,
        tuple(name for _, _, names in parts for name in names),
        tuple(tuple(float(column[row]) for column in columns) for row in range(len(layers))),
        breaks,
    )


def _is_simple(element: PointElement) -> bool:
    """A multiple of 45°; of volumes one that maps the grid to itself."""
    return element.is_on_grid if isinstance(element, SpaceElement) else element[1] % 45 == 0
