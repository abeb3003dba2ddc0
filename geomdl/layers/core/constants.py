"""Arrays of a network that evaluates and does not train."""

from collections.abc import Callable
from typing import Any, TypeVar

from flax import nnx

M = TypeVar("M", bound=nnx.Module)


class Weight(nnx.Variable):
    """An array of a frozen network; no `nnx.Param`, for a step along its gradient would break the symmetry."""


def constant_copy(module: M, frozen: Callable[[nnx.Module], nnx.Module | None]) -> M:
    """A copy of a module with `Weight` variables in place of all others.

    Args:
      module: any NNX module, which stays as it is.
      frozen: what takes the place of a module inside; None for its own constant copy.

    >>> from jax.numpy import ones
    >>> type(constant_copy(nnx.BatchNorm(3, rngs=nnx.Rngs(0)), lambda part: None).mean).__name__
    'Weight'
    """

    def constant(part: Any) -> Any:
        if isinstance(part, nnx.Variable):
            return Weight(part[...])
        if isinstance(part, nnx.List):
            return nnx.List([constant(inner) for inner in part])
        if isinstance(part, nnx.Module):
            found = frozen(part)
            return constant_copy(part, frozen) if found is None else found
        return part

    copy = nnx.clone(module)
    for name, value in list(vars(copy).items()):
        if isinstance(value, nnx.Variable | nnx.Module):
            setattr(copy, name, constant(value))
    return copy
