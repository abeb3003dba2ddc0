"""Training mode is an argument of a call of our layers; Flax's ``train()``, which would set an attribute, warns."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_KEPT: ContextVar[bool] = ContextVar("geomdl_batch_statistics_kept", default=False)


class ModeWarning(UserWarning):
    """A layer was to be put into training mode, and has none."""


class ModeOfCall:
    """An attribute that Flax's ``train()`` sets, of layers that differ in training: also within modules of Flax.

    It reads True, and warns when it is to become False: the layer goes on to evaluate.

    >>> class Noise:
    ...     deterministic = ModeOfCall()
    >>> Noise().deterministic
    True
    """

    def __get__(self, layer: Any, kind: type | None = None) -> bool:
        return True

    def __set__(self, layer: Any, value: bool) -> None:
        if not value:
            warn_of_mode(stacklevel=6)  # who called Flax's train()


def warn_of_mode(stacklevel: int) -> None:
    """Says that Flax's switch has no effect; stacklevel counts as in `warnings.warn`, from the caller."""
    warnings.warn(
        "train() changes nothing in layers of geomdl: whether they train is an argument of the call, "
        "layer(x, train=True, key=...)",
        ModeWarning,
        stacklevel=stacklevel + 1,
    )


@contextmanager
def statistics_kept(on: bool = True) -> Iterator[None]:
    """Whether batch norm uses the averages that it has in training too, and leaves them as they are.

    Args:
      on: False follows the statistics of batches, as outside.

    >>> import jax.numpy as jnp
    >>> from geomdl.layers import BatchNorm, statistics_kept
    >>> from geomdl.representations import FieldType
    >>> layer = BatchNorm(FieldType("C1", "1 trivial"), epsilon=0.0)
    >>> with statistics_kept():
    ...     kept = layer(jnp.array([[1.0], [3.0]]), train=True)
    >>> kept.ravel().tolist(), layer(jnp.array([[1.0], [3.0]]), train=True).ravel().tolist()
    ([1.0, 3.0], [-1.0, 1.0])
    """
    token = _KEPT.set(on)
    try:
        yield
    finally:
        _KEPT.reset(token)


def keeping_statistics() -> bool:
    """Whether `statistics_kept` is on."""
    return _KEPT.get()
