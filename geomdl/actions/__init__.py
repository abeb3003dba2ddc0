"""How group elements move images, feature fields and label maps. JAX."""

from geomdl.actions.field import act, act_labels
from geomdl.actions.grid import roll, shift_crop, turn
from geomdl.actions.warp import rotate, warp

__all__ = ["act", "act_labels", "roll", "rotate", "shift_crop", "turn", "warp"]
