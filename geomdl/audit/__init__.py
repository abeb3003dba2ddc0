"""Audits: which symmetries a model has, exactly, approximately, or not at all."""

from geomdl.audit.probes.images import Images, read_images
from geomdl.audit.probes.symmetries import symmetry_names
from geomdl.audit.report.report import Audit
from geomdl.audit.results.requirement import Requirement, requirement
from geomdl.audit.results.verdict import Measurement, Verdict
from geomdl.audit.run import audit

__all__ = [
    "Audit", "Images", "Measurement", "Requirement", "Verdict", "audit", "read_images", "requirement", "symmetry_names",
]  # fmt: skip

__experimental__ = [
    "Images", "Measurement", "read_images",
]  # fmt: skip
