"""Symmetry promised, measured and tested."""

from geomdl.equivariance.activations import activations
from geomdl.equivariance.check import check_contract
from geomdl.equivariance.contract import (
    NOTHING,
    Condition,
    Contract,
    Level,
    Promise,
    compose,
    exact_everywhere,
    side_by_side,
    square,
)
from geomdl.equivariance.errors import equivariance_error, relative_error
from geomdl.equivariance.layerwise import LayerErrors, layer_errors
from geomdl.equivariance.models import Model, as_function
from geomdl.equivariance.report import Report, Row
from geomdl.equivariance.tolerances import tolerance

__all__ = [
    "NOTHING", "Condition", "Contract", "LayerErrors", "Level", "Model", "Promise", "Report", "Row", "activations",
    "as_function", "check_contract", "compose", "equivariance_error", "exact_everywhere", "layer_errors",
    "relative_error", "side_by_side", "square", "tolerance",
]  # fmt: skip
