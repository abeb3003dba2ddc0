"""Config classes of models from anybody's classes and functions."""

import inspect
from typing import Any, Protocol

from flax import nnx

from geomdl.errors import invalid
from geomdl.models.core.config import ImageShape
from geomdl.random_keys import as_rngs
from geomdl.registry import function_config, is_config_class, options

_GIVEN = ("image_shape", "num_classes", "rngs")


class BuildsModel(Protocol):
    """The ``model`` section of a run's config: a dataclass of plain values."""

    def build(self, image_shape: ImageShape, num_classes: int, *, rngs: nnx.Rngs) -> nnx.Module:
        """The network, initialised."""
        ...


def model_class(found: Any, name: str) -> type[BuildsModel]:
    """Returns the config class of a model.

    Args:
      found: a config class: a dataclass with ``build``, such as a subclass of `geomdl.models.ModelConfig`. Or a
        function, or a class of modules, ``(image_shape, num_classes, *, rngs, own options) -> nnx.Module``: its own
        options are then the fields. The module is called as ``module(x, train=..., key=...)``.
      name: of the object, in errors.

    Raises:
      ValueError: it is neither.

    >>> def network(image_shape, num_classes, *, rngs, width: int = 16): ...
    >>> model_class(network, "models.py:network")(width=8)
    network(width=8)
    """
    if is_config_class(found, "build", name):
        return found
    if not callable(found):
        raise invalid("model", name, f"a config class or a function ({', '.join(_GIVEN)}, own options) -> nnx.Module")

    def build(self: Any, image_shape: ImageShape, num_classes: int, *, rngs: nnx.Rngs) -> nnx.Module:
        made = found(image_shape=image_shape, num_classes=num_classes, rngs=as_rngs(rngs), **options(self))
        return _require_network(made, name)

    return function_config(found, name, what="model", given=_GIVEN, members={"build": build})


def _require_network(made: Any, name: str) -> nnx.Module:
    """The module, when it can be called as training does."""
    if not isinstance(made, nnx.Module) or not callable(made):
        raise invalid(f"model of {name}", type(made).__name__, "a flax.nnx.Module that can be called")
    parameters = inspect.signature(type(made).__call__).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    optional = all(
        key in parameters and parameters[key].default is not inspect.Parameter.empty for key in ("train", "key")
    )
    if not takes_any and not optional:
        given = ", ".join(list(parameters)[1:])
        raise invalid(f"call of the model of {name}", f"({given})", "(x, *, train=False, key=None)")
    return made
