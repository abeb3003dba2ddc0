"""Outputs averaged over a group that moves the images or volumes."""

from collections.abc import Callable
from typing import Any

import jax

from geomdl.actions import OutputLaw, input_action
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, SpatialGroup, group
from geomdl.inference.inputs import Inputs

Network = Callable[[jax.Array], Any]


def averaged(
    network: Network, average: str | PlanarGroup | SpatialGroup, law: OutputLaw | None, inputs: Inputs
) -> Network:
    """The group average of a network f: f̄(x) = 1/|G| Σ_g ρ_out(g)⁻¹ f(ρ_in(g) x).

    Args:
      network: f, images ``[batch, height, width, channels]`` or volumes ``[batch, depth, height, width, channels]``.
      average: G, a finite group of the plane or of space, or its name.
      law: how the outputs move, where it is known.
      inputs: what the network takes.

    Raises:
      ValueError: for another group, or outputs of which it is not known how they move.
    """
    over = group(average) if isinstance(average, str) else average
    kind = SpatialGroup if inputs.what == "volume" else PlanarGroup
    if not isinstance(over, kind) or not over.is_finite:
        where, example = ("space", "O") if inputs.what == "volume" else ("the plane", "C4")
        raise invalid("average", str(average), f"a finite group of rotations and reflections of {where}", example)
    if law is not None and law.kind == "detections":
        raise invalid("average", str(over), "None for a detector: a mean of sets of boxes is not defined")
    if law is None or not law.covers(over):
        raise invalid("average", str(over), "None: it is not known how it moves the outputs of this network")
    forward = input_action(over)

    def call(x: jax.Array) -> jax.Array:
        total: Any = 0
        for g in over.elements():
            y = network(forward(g, x))
            size = x.shape[1:-1]
            out_size = y.shape[1:-1] if y.ndim == x.ndim else None
            total = total + law.action(over, size=size, out_size=out_size)(over.inverse(g), y)
        return total / over.order

    return call
