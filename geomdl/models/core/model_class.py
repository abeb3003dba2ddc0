"""Config classes of models from anybody's classes and functions."""

import inspect
from collections.abc import Mapping
from typing import Any, Protocol

from flax import nnx

from geomdl.errors import invalid
from geomdl.layers import BatchNorm, Dropout, Layer
from geomdl.layers.containers.foreign import MODES, TRAINS, ForeignModule
from geomdl.models.core.config import ImageShape
from geomdl.random_keys import as_rngs
from geomdl.registry import function_config, is_config_class, options, signature_of

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
        function ``(image_shape, num_classes, *, rngs, own options) -> nnx.Module``. Or any class of Flax NNX modules,
        which takes of ``image_shape``, ``num_classes`` and ``rngs`` those that it names. Its own options are then the
        fields. What the call of a module takes beside the images: `geomdl.layers.ForeignModule`.
      name: of the object, in errors.

    Raises:
      ValueError: it is none of these; of a Linen module, with what makes an NNX module of it.

    >>> def network(image_shape, num_classes, *, rngs, width: int = 16): ...
    >>> model_class(network, "models.py:network")(width=8)
    network(width=8)
    >>> class Net(nnx.Module):
    ...     def __init__(self, num_classes: int, width: int = 8, *, rngs: nnx.Rngs) -> None: ...
    >>> model_class(Net, "models.py:Net")()
    Net(width=8)
    """
    if is_config_class(found, "build", name):
        return found
    if not callable(found):
        raise invalid("model", name, f"a config class or a function ({', '.join(_GIVEN)}, own options) -> nnx.Module")
    if inspect.isclass(found) and any(base.__module__.startswith("flax.linen") for base in found.__mro__):
        bridge = "nnx.bridge.ToNNX(module, rngs=rngs).lazy_init(jnp.zeros((1, *image_shape)))"
        raise invalid("model", name, f"a Flax NNX module; a function makes one of a Linen module: return {bridge}")
    given = _GIVEN
    if inspect.isclass(found) and issubclass(found, nnx.Module):
        taken = signature_of(found, name).parameters
        given = tuple(key for key in _GIVEN if key in taken)

    def build(self: Any, image_shape: ImageShape, num_classes: int, *, rngs: nnx.Rngs) -> nnx.Module:
        values = {"image_shape": image_shape, "num_classes": num_classes, "rngs": as_rngs(rngs)}
        return _network(found(**{key: values[key] for key in given}, **options(self)), name)

    return function_config(found, name, what="model", given=given, members={"build": build})


def _network(made: Any, name: str) -> nnx.Module:
    """The module, called as training does."""
    if not isinstance(made, nnx.Module) or not callable(made):
        raise invalid(f"model of {name}", type(made).__name__, "a flax.nnx.Module that can be called")
    if isinstance(made, Layer):
        return made
    parameters = inspect.signature(type(made).__call__).parameters
    _require_mode(made, name, parameters)
    of_flax = type(made).__module__.split(".")[0] == "flax"  # hands such arguments on to what does not know them
    takes_any = not of_flax and any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    as_ours = takes_any or all(
        key in parameters and parameters[key].default is not inspect.Parameter.empty for key in ("train", "key")
    )
    with_modes = any(hasattr(part, mode) for _, part in nnx.iter_modules(made) for mode in MODES)
    return made if as_ours and not with_modes else ForeignModule(made)


def _require_mode(made: nnx.Module, name: str, parameters: Mapping[str, inspect.Parameter]) -> None:
    """Raises if layers of geomdl inside, which train by an argument of their call, cannot be told so.

    A batch norm would keep mean 0 and variance 1, and a dropout do nothing, without a word.
    """
    takes = any(p.name in (*TRAINS, "deterministic") or p.kind is p.VAR_KEYWORD for p in parameters.values())
    told = takes and not isinstance(made, nnx.Sequential)
    held = {type(part).__name__ for _, part in nnx.iter_modules(made) if isinstance(part, BatchNorm | Dropout)}
    if held and not told:
        layers = " and ".join(sorted(held))
        raise ValueError(
            f"the model of {name} holds {layers} of geomdl, which train by an argument of the call, but its own call is"
            f" ({', '.join(parameters)}): make it (self, x, *, train=False, key=None), and hand train and key on to the"
            " layers; geomdl.layers.Sequential does so"
        )
