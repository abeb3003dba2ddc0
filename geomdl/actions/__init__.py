"""Actions of group elements on images, feature fields and label maps, in JAX."""

from geomdl.actions.boxes import le90, move_inscribed, move_oriented, move_upright
from geomdl.actions.disc import disc
from geomdl.actions.families import FAMILIES, Family, family
from geomdl.actions.field import act, act_labels
from geomdl.actions.generators import GENERATORS, Generator
from geomdl.actions.grid import roll, shift_crop, turn
from geomdl.actions.grid_elements import GridElements
from geomdl.actions.image_transformations import (
    CropResize,
    Cutout,
    ImageTransformation,
    LeftRightFlip,
    QuarterTurns,
    Recolour,
    Shift,
    Warp,
    Window,
)
from geomdl.actions.labels import warp_labels
from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.outputs import input_action, output_action, packed_detections
from geomdl.actions.projective import move, warp_projective
from geomdl.actions.traced import representation_matrix
from geomdl.actions.values import move_values
from geomdl.actions.volume_warp import warp_volume
from geomdl.actions.warp import rotate, rotation_matrix, warp

__all__ = [
    "FAMILIES", "GENERATORS", "CropResize", "Cutout", "Family", "Generator", "GridElements", "ImageTransformation",
    "LeftRightFlip", "OutputLaw", "QuarterTurns", "Recolour", "Shift", "Warp", "Window", "act", "act_labels", "disc",
    "family", "input_action", "le90", "move", "move_inscribed", "move_oriented", "move_upright", "move_values",
    "output_action", "output_law", "packed_detections", "representation_matrix", "roll", "rotate",
    "rotation_matrix", "shift_crop", "turn", "warp", "warp_labels", "warp_projective", "warp_volume",
]  # fmt: skip

__experimental__ = [
    "FAMILIES", "GENERATORS", "CropResize", "Cutout", "Family", "Generator", "GridElements", "ImageTransformation",
    "LeftRightFlip", "OutputLaw", "QuarterTurns", "Recolour", "Shift", "Warp", "Window", "disc", "family",
    "input_action", "le90", "move", "move_inscribed", "move_oriented", "move_upright", "move_values", "output_action",
    "output_law", "packed_detections", "representation_matrix", "warp_projective", "warp_volume",
]  # fmt: skip
