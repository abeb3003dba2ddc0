"""Networks with the weights of escnn's compute what those compute; the goldens are made by make_escnn_goldens.py."""

import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.layers import BatchNorm, Conv, Dense, GlobalPool, GroupPool, Pointwise, Sequential
from geomdl.models import WeightsMismatch, load_weights
from geomdl.representations import FieldType

SCRIPT = runpy.run_path(str(Path(__file__).parent / "make_escnn_goldens.py"))
GOLDENS = np.load(SCRIPT["FILE"])


def _state(name):
    return {key.split("|")[1]: GOLDENS[key] for key in GOLDENS.files if key.startswith(f"{name}|")}


def _network(group):
    """With every kernel on the grid where the group maps the grid to itself, with those of escnn elsewhere."""
    convolutions, classes = SCRIPT["CASES"][group]
    basis = "steerable" if group == "C8" else "pixel"
    before, layers = FieldType(group, "1 trivial"), []
    for fields, size, bias in convolutions:
        after = FieldType(group, f"{fields} regular")
        layers += [
            Conv(before, after, size, padding="same", use_bias=bias, basis=basis, rngs=0),
            BatchNorm(after),
            Pointwise(after, "relu"),
        ]
        before = after
    scalars = FieldType(group, f"{before.num_fields} trivial")
    scores = FieldType(group, f"{classes} trivial")
    return Sequential(
        [
            *layers,
            GroupPool(before),
            GlobalPool(scalars),
            Dense(scalars, scores, rngs=0),
        ]
    )


@pytest.mark.parametrize("name", SCRIPT["CASES"])
def test_scores_are_those_of_escnn(name):
    """At an even and an odd size; whatever the filters of the last evaluation there were."""
    state = _state(name)
    state["body.0.filter"] = np.zeros_like(state["body.0.filter"])
    model = _network(name)
    assert load_weights(model, state).scheme == "escnn"
    run = jax.jit(lambda x: model(x))
    for side in SCRIPT["SIDES"]:
        scores, wanted = np.asarray(run(jnp.asarray(SCRIPT["images"](side)))), GOLDENS[f"{name}_{side}"]
        assert np.abs(scores - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_what_does_not_fit_is_refused_by_name():
    """Other layers, fields and kernels, arrays of other modules."""
    state, model = _state("C4"), _network("C4")
    basis = next(name for name in state if name.startswith("body.3") and "basis" in name)
    before = np.asarray(model.layers[0].kernel[0][...])
    cases = {
        "convolution, batch norm, dense there, convolution, batch norm, convolution": {
            k: v for k, v in state.items() if not k.startswith(("body.3", "body.4"))
        },
        "'body.6.running' of the dict is an array of no R2Conv": {**state, "body.6.running": state["classify.bias"]},
        "'body.0' of the dict has no bias": {k: v for k, v in state.items() if "body.0.bias" not in k},
        "has a kernel that is not in the space": {
            **state, basis: np.random.default_rng(0).standard_normal(state[basis].shape),
        },
        "'classify' of the dict is a matrix of 2×3": {**state, "classify.weight": np.zeros((2, 3), np.float32)},
        "normalises 3 fields, and the layer here 2": {
            **state, **{k: np.zeros(3, np.float32) for k in state if k.startswith("body.1.batch_norm")},
        },
    }  # fmt: skip
    for said, other in cases.items():
        with pytest.raises(WeightsMismatch, match="Nothing was changed") as error:
            load_weights(model, other)
        assert said in str(error.value)
    assert np.array_equal(before, np.asarray(model.layers[0].kernel[0][...]))
