"""Contracts of symmetry and their check, and measures of the symmetry of any model."""

from geomdl.equivariance.adapters.activations import activations
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.contracts.check import check_contract
from geomdl.equivariance.contracts.composition import compose, side_by_side
from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.equivariance.contracts.promise import NOTHING, Condition, Level, Promise, Size, square
from geomdl.equivariance.contracts.report import Report, Row
from geomdl.equivariance.contracts.tolerances import tolerance
from geomdl.equivariance.host.relative_error import relative_error
from geomdl.equivariance.host.shifts import ideally_shifted, without_nyquist
from geomdl.equivariance.localisation.layerwise import LayerErrors, layer_errors
from geomdl.equivariance.measures.consistency import (
    Consistency,
    circular_consistency,
    crop_consistency,
    top1_change_rate,
)
from geomdl.equivariance.measures.decibels import Decibels, eq_r, eq_scale, eq_t, eq_t_frac
from geomdl.equivariance.measures.errors import OrbitErrors, equivariance_error, orbit_errors
from geomdl.equivariance.measures.invariance_score import FiringInvariance, firing_invariance
from geomdl.equivariance.measures.learned_equivariance import FeatureEquivariance, feature_equivariance
from geomdl.equivariance.measures.lie import LieDerivatives, lie_derivative, lie_derivative_per_layer
from geomdl.equivariance.measures.lie_volumes import lie_derivative_of_volumes
from geomdl.equivariance.measures.position import PositionLeak, position_leak
from geomdl.equivariance.measures.spread import OrbitSpread, orbit_spread
from geomdl.equivariance.measures.worst_case import WorstCase, worst_of_k, worst_on_grid

__all__ = [
    "NOTHING", "Condition", "Consistency", "Contract", "Decibels", "FeatureEquivariance", "FiringInvariance",
    "LayerErrors", "Level", "LieDerivatives", "Model", "OrbitErrors", "OrbitSpread", "PositionLeak", "Promise",
    "Report", "Row", "Size", "WorstCase", "activations", "as_function", "check_contract", "circular_consistency",
    "compose", "crop_consistency", "eq_r", "eq_scale", "eq_t", "eq_t_frac", "equivariance_error", "exact_everywhere",
    "feature_equivariance", "firing_invariance", "ideally_shifted", "layer_errors", "lie_derivative",
    "lie_derivative_of_volumes", "lie_derivative_per_layer", "orbit_errors", "orbit_spread", "position_leak",
    "relative_error", "side_by_side", "square", "tolerance", "top1_change_rate", "without_nyquist", "worst_of_k",
    "worst_on_grid",
]  # fmt: skip

__experimental__ = [
    "FeatureEquivariance", "FiringInvariance", "LayerErrors", "OrbitSpread", "PositionLeak", "activations",
    "feature_equivariance", "firing_invariance", "ideally_shifted", "layer_errors", "lie_derivative_of_volumes",
    "orbit_spread", "position_leak", "without_nyquist",
]  # fmt: skip
