"""Models whose outputs are brought into the one layout in which measures move and compare them."""

import dataclasses
from typing import Any

from geomdl.actions.laws import OutputLaw
from geomdl.actions.outputs import Action
from geomdl.equivariance.adapters.functions import Model
from geomdl.equivariance.adapters.recording import Activations
from geomdl.errors import invalid


def in_plain_layout(model: Model, law: OutputLaw | Action) -> tuple[Model, OutputLaw | Action]:
    """A model whose outputs have the layout of `geomdl.actions.output_action`, and its law; both as they are where
    nothing has to be changed.

    Args:
      model: whose outputs follow the law.
      law: with any layout; or a function, which takes the outputs as they are.

    >>> import jax.numpy as jnp
    >>> from geomdl.equivariance.adapters.functions import as_function
    >>> f, law = in_plain_layout(as_function(lambda x: x.reshape(len(x), -1, 1)), OutputLaw("field", layout="tokens"))
    >>> f(jnp.zeros((2, 4, 4, 1))).shape, str(law)
    ((2, 4, 4, 1), 'field')
    """
    if not isinstance(law, OutputLaw) or not (law.layout or law.kind in ("field", "labels", "detections")):
        return model, law

    def convert(y: Any, x: Any) -> Any:
        if x.ndim == 4:
            return law.canonical(y, (int(x.shape[1]), int(x.shape[2])))
        if law.layout:
            raise invalid("output", str(law), "an output without layout where inputs are not images", law.kind)
        return y

    function, record = model.function, model.record

    def converted(variables: Any, x: Any) -> Any:
        return convert(function(variables, x), x)

    def recorded(variables: Any, x: Any) -> Activations:
        outputs = record(variables, x)
        outputs["output"] = convert(outputs["output"], x)
        return outputs

    return dataclasses.replace(model, function=converted, record=recorded), law.plain
