"""Training mode is an argument of a call of our layers; Flax's ``train()``, which would set an attribute, warns."""

import warnings
from typing import Any


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
