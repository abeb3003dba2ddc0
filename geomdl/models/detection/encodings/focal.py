"""Focal loss: cross-entropy in which what is easy counts little."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def focal_loss(
    logits: Float[Array, "places classes"],
    classes: Int[Array, " places"],
    counted: Array,
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> Float[Array, ""]:
    """−α_t (1 − p_t)^γ log p_t, summed over places and classes; p_t the probability given to what is true.

    Args:
      logits: p = σ(z) for each class.
      classes: the class of each place, −1 for background.
      counted: ``[places]``, which places count.
      alpha: α_t of the class that is there; 1 − α of those that are not.
      gamma: γ.

    References:
      Lin et al., Focal loss for dense object detection, ICCV 2017, equation 5.

    >>> even = focal_loss(jnp.zeros((1, 1)), jnp.array([0]), jnp.array([True]))
    >>> round(float(even), 4)  # ¼ · (½)² · log 2
    0.0433
    """
    there = classes[:, None] == jnp.arange(logits.shape[-1])
    signed = jnp.where(there, logits, -logits)  # p_t = σ of this
    missed = jax.nn.sigmoid(-signed)
    weight = jnp.where(there, alpha, 1 - alpha) * counted[:, None].astype(logits.dtype)
    return (weight * missed**gamma * jnp.logaddexp(-signed, 0.0)).sum()
