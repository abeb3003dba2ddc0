"""Which box each place learns, where several could: boxes are looked at in turn, so that memory does not grow with
their number."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from geomdl.models.detection.encodings.outputs import Targets


class Assigned(NamedTuple):
    """Which box each place is to learn.

    Attributes:
      box: ``[places]``, its index, or −1.
      ignored: ``[places]``, whether the place counts nowhere, because the box that it would learn is to be ignored.
    """

    box: Int[Array, " places"]
    ignored: Array


def assign(targets: Targets, count: int, claim: Callable[[Array], tuple[Array, tuple[Array, ...]]]) -> Assigned:
    """Gives each place the box that has the smallest keys among those that claim it.

    The keys should be invariants of place and box, such as areas and distances: then what each place learns moves with
    the image. Where all keys are equal the box that comes first in the list stays.

    Args:
      targets: of one image: boxes ``[k, 4 or 5]``, classes ``[k]``, ignored ``[k]``.
      count: how many places.
      claim: a box ``[4 or 5]`` → which places it claims ``[places]``, and its keys there, each ``[places]``, of which
        the first counts most.
    """
    keys = len(jax.eval_shape(claim, jax.ShapeDtypeStruct(targets.boxes.shape[1:], targets.boxes.dtype))[1])

    def look(best: tuple, listed: tuple) -> tuple[tuple, None]:
        box, real, index = listed
        claimed, own = claim(box)
        smaller, equal = jnp.zeros(count, bool), jnp.ones(count, bool)
        for new, old in zip(own, best[1:], strict=True):
            smaller = smaller | (equal & (new < old))
            equal = equal & (new == old)
        better = claimed & smaller & real
        return tuple(jnp.where(better, new, old) for new, old in zip((index, *own), best, strict=True)), None

    start = (jnp.full(count, -1, jnp.int32), *(jnp.full(count, jnp.inf) for _ in range(keys)))
    indices = jnp.arange(len(targets.boxes), dtype=jnp.int32)
    (index, *_), _ = jax.lax.scan(look, start, (targets.boxes, targets.classes >= 0, indices))
    hidden = (index >= 0) & targets.ignored[jnp.maximum(index, 0)]
    return Assigned(jnp.where(hidden, -1, index), hidden)


def gathered(assigned: Assigned, targets: Targets) -> tuple[Array, Array, Array]:
    """Whether each place learns a box, which box ``[places, 4 or 5]``, and of which class; −1 for background.

    Args:
      assigned: see `assign`.
      targets: of one image.
    """
    found, chosen = assigned.box >= 0, jnp.maximum(assigned.box, 0)
    return found, targets.boxes[chosen], jnp.where(found, targets.classes[chosen], -1)
