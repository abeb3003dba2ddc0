"""The losses of auxiliary heads, added to that of the output."""

import math
from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array

from geomdl.errors import invalid
from geomdl.layers import AuxiliaryOutputs
from geomdl.tasks.task import Outputs, shape_of


def main_output(outputs: Outputs) -> Any:
    """The output of the network itself, without those of auxiliary heads.

    >>> main_output(AuxiliaryOutputs(1, (2, 3))), main_output(1)
    (1, 1)
    """
    return outputs.main if isinstance(outputs, AuxiliaryOutputs) else outputs


def with_auxiliary_losses(
    loss: Array, outputs: Outputs, weight: float | tuple[float, ...], loss_of: Callable[[Array], Array]
) -> Array:
    """The loss that is trained on: L(y) + Σ_i w_i L(a_i).

    Args:
      loss: L(y), of the main output.
      outputs: y alone, or `geomdl.layers.AuxiliaryOutputs`.
      weight: w, one number for all heads, or one for each.
      loss_of: L.

    Raises:
      ValueError: for another number of weights than there are heads, or a head whose output has another shape than y.
    """
    if not isinstance(outputs, AuxiliaryOutputs):
        return loss
    heads = outputs.auxiliary
    weights = weight if isinstance(weight, tuple) else (weight,) * len(heads)
    if len(weights) != len(heads):
        allowed = f"one number for all auxiliary heads, or one for each of {len(heads)}"
        raise invalid("auxiliary_weight", weight, allowed, weights[0] if weights else 0.3)
    for i, head in enumerate(heads):
        if shape_of(head) != shape_of(outputs.main):
            allowed = f"{shape_of(outputs.main)}, that of the main output"
            raise invalid(f"shape of the output of auxiliary head {i}", shape_of(head), allowed)
        if weights[i]:
            with jax.named_scope(f"auxiliary_loss_{i}"):
                loss = loss + weights[i] * loss_of(head)
    return loss


def require_auxiliary_weight(what: str, weight: float | tuple[float, ...]) -> None:
    """Raises ValueError for weights of auxiliary losses that are no numbers ≥ 0.

    >>> require_auxiliary_weight("task.auxiliary_weight", (0.3, -0.3))
    Traceback (most recent call last):
    ValueError: invalid task.auxiliary_weight (0.3, -0.3); allowed: a number ≥ 0 for all heads, or one for each; try 0.3
    """
    weights = weight if isinstance(weight, tuple) else (weight,)
    if not all(0 <= w < math.inf for w in weights):
        raise invalid(what, weight, "a number ≥ 0 for all heads, or one for each", 0.3)
