"""Whether the state of one optimiser is that of another: the moments, momenta and counts that both keep."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

Number = tuple[str, tuple[int, ...], str]
"""What is kept: the optax state that it belongs to and its name there, its shape and dtype."""


def kept(state: Any, owner: str = "") -> list[Number]:
    """Returns what an optimiser keeps, in the order of `jax.tree.leaves`; what keeps nothing leaves no trace.

    >>> import optax
    >>> params = {"w": jnp.zeros(3)}
    >>> clipped = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9))
    >>> kept(clipped.init(params)) == kept(optax.sgd(0.1, momentum=0.5).init(params))
    True
    >>> kept(optax.sgd(0.1, momentum=0.9).init(params))
    [('TraceState.trace.w', (3,), 'float32')]
    """
    if isinstance(state, tuple) and hasattr(state, "_fields"):  # a state of optax
        named = [(f"{type(state).__name__}.{name}", getattr(state, name)) for name in state._fields]  # pyright: ignore[reportAttributeAccessIssue]
    elif isinstance(state, tuple | list):
        named = [(owner, part) for part in state]
    elif isinstance(state, Mapping):
        named = [(f"{owner}.{key}", state[key]) for key in sorted(state)]
    else:
        leaves = jax.tree_util.tree_flatten_with_path(state)[0]
        return [(owner + jax.tree_util.keystr(path), jnp.shape(a), str(jnp.result_type(a))) for path, a in leaves]
    return [number for name, part in named for number in kept(part, name)]


def carried_over(old: Any, new: Any) -> Any | None:
    """Returns the state of an old optimiser in the structure of a new one; None where the new one keeps other numbers.

    Args:
      old: the state that is to be gone on with.
      new: the first state of the new optimiser.
    """
    if kept(old) != kept(new):
        return None
    return jax.tree.unflatten(jax.tree.structure(new), jax.tree.leaves(old))


def difference(old: Any, new: Any) -> str:
    """Says what two optimisers keep that the other does not, by the names of optax's states.

    >>> import optax
    >>> params = {"w": jnp.zeros(3)}
    >>> difference(optax.sgd(0.1).init(params), optax.sgd(0.1, momentum=0.9).init(params))
    'nothing in the checkpoint, TraceState.trace needed'
    """
    there, here = ({".".join(name.split(".")[:2]) for name, _, _ in kept(state)} for state in (old, new))
    if there == here:
        return "the same in the checkpoint, but of other shapes or types"
    only = (", ".join(sorted(names)) or "nothing" for names in (there - here, here - there))
    return "{} in the checkpoint, {} needed".format(*only)
