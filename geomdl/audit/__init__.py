"""Audits: which symmetries a model has, exactly, approximately, or not at all."""

from geomdl.audit.images import Images, read_images
from geomdl.audit.report import Audit
from geomdl.audit.requirement import Requirement, requirement
from geomdl.audit.run import audit
from geomdl.audit.symmetries import symmetry_names
from geomdl.audit.verdict import Measurement, Verdict

__all__ = [
    "Audit", "Images", "Measurement", "Requirement", "Verdict", "audit", "read_images", "requirement",
    "symmetry_names",
]  # fmt: skip
