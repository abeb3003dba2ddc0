"""Networks with the weights of torchvision's and timm's compute what those compute, layer by layer.

The goldens are of narrow networks, made by make_goldens.py; the whole ones are built where the libraries are installed.
"""

import json
import runpy
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from geomdl.layers import BatchNorm, Conv, Dense
from geomdl.models import MODELS, load_weights, save_weights, weights_of
from geomdl.models.weights.families import FAMILIES

GOLDENS = runpy.run_path(str(Path(__file__).parent / "make_goldens.py"))
CASES = GOLDENS["CASES"]
TOLERANCE = 1e-5
ORDINARY = {
    "torchvision resnet18": 65, "torchvision resnext": 64, "torchvision alexnet": 255, "torchvision vgg11_bn": 97,
    "torchvision densenet": 65, "torchvision squeezenet1_1": 64, "timm vgg11_bn": 224,
}  # fmt: skip
"""The cases and sizes of the ordinary tests; every family is met, in the long ones at every size."""


def _golden(case):
    with np.load(GOLDENS["FOLDER"] / f"{case.replace(' ', '_')}.npz") as file:
        return dict(file)


def _state(case):
    return GOLDENS["by_rule"](json.loads(str(_golden(case)["shapes"])))


def _built(case, side, **more):
    name, options, divisor, _ = CASES[case]
    width = GOLDENS["WIDTH_OF_MOBILENET"] if divisor is None else 1 / divisor
    return MODELS[name](**{**options, **more, "width": width}).shapes((side, side, 3), GOLDENS["CLASSES"])


def _recorded(model, scheme, x):
    """The scores, and by the names there what each convolution, norm and dense layer gives, as there."""
    structure, state = nnx.split(model)
    family = next(f for f in FAMILIES if f.scheme == scheme and _names(f, model))

    @jax.jit
    def run(state, x):
        net, outputs = nnx.merge(structure, state), {}
        names = {id(layer): name for name, layer, _ in family.named(net)}

        def noting(call):
            def wrapped(self, x, **kwargs):
                outputs[names[id(self)]] = y = call(self, x, **kwargs)
                return y

            return wrapped

        with (
            mock.patch.object(Conv, "__call__", noting(Conv.__call__)),
            mock.patch.object(Dense, "__call__", noting(Dense.__call__)),
            mock.patch.object(BatchNorm, "__call__", noting(BatchNorm.__call__)),
        ):
            return net(x), outputs

    scores, outputs = run(state, x)
    return np.asarray(scores), {n: np.moveaxis(np.asarray(y), -1, 1) for n, y in outputs.items()}


def _names(family, model):
    try:
        return list(family.named(model))
    except ValueError:
        return []


def _sides():
    for case, (*_, sides) in CASES.items():
        for side in sides:
            marks = [] if ORDINARY.get(case) == side else [pytest.mark.long]
            yield pytest.param(case, side, marks=marks, id=f"{case.replace(' ', '-')}-{side}")


@pytest.mark.parametrize(("case", "side"), list(_sides()))
def test_every_layer_is_that_of_the_other_library(case, side, tmp_path):
    """With random weights and random running statistics, to a relative error of 1e-5, at even and odd sizes.

    And every array comes back bit by bit under its name.
    """
    golden, model, state = _golden(case), _built(case, side), _state(case)
    save_file(state, tmp_path / "there.safetensors")
    scheme = load_weights(model, tmp_path / "there.safetensors").scheme
    scores, outputs = _recorded(model, scheme, jnp.asarray(GOLDENS["images"](side)))
    names = golden[f"names_{side}"].tolist()
    assert len(names) == len(set(names))
    assert set(names) <= set(outputs)
    for name, wanted in zip(names, golden[f"layers_{side}"], strict=True):
        error = np.abs(GOLDENS["digest"](outputs[name]) - wanted).max() / wanted[0]
        assert error < TOLERANCE, (name, error)
    wanted = golden[f"scores_{side}"]
    assert np.abs(scores - wanted).max() < TOLERANCE * np.abs(wanted).max()
    back = load_file(save_weights(model, tmp_path / "back.safetensors", scheme))
    assert set(back) == set(state)
    assert all(np.array_equal(array, state[name]) or name.endswith("tracked") for name, array in back.items())


WHOLE = {
    "resnet18": {}, "resnet34": {}, "resnet50": {}, "resnet101": {}, "resnet152": {}, "resnext50_32x4d": {},
    "wide_resnet50_2": {}, "wide_resnet101_2": {}, "alexnet": {"variant": "torchvision"}, "vgg11": {}, "vgg13": {},
    "vgg16": {}, "vgg19": {}, "vgg11_bn": {}, "vgg13_bn": {}, "vgg16_bn": {}, "vgg19_bn": {}, "densenet121": {},
    "densenet161": {}, "densenet169": {}, "densenet201": {}, "squeezenet1_0": {}, "squeezenet1_1": {},
    "mobilenet_v2": {}, "googlenet": {"variant": "torchvision"}, "inception_v3": {},
}  # fmt: skip
"""Networks of torchvision, and what ours of that name needs."""

OF_TIMM = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2", "vgg11",
    "vgg16_bn", "densenet121", "densenet161", "mobilenetv2_100", "inception_v3",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", [f"torchvision {n}" for n in WHOLE] + [f"timm {n}" for n in OF_TIMM])
def test_whole_networks_where_they_are_installed(name):
    """Scores at an even and an odd size, and strict loading of what is given back."""
    library, name = name.split()
    torch, other = pytest.importorskip("torch"), pytest.importorskip(library)
    if library == "torchvision":
        some = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        net = other.models.get_model(name, weights=None, **some)
    else:
        net = other.create_model(name, **({"aux_logits": False} if name == "inception_v3" else {}))
    ours = {"mobilenetv2_100": "mobilenet_v2"}.get(name, name)
    shapes = {key: tuple(array.shape) for key, array in net.state_dict().items()}
    state = GOLDENS["by_rule"](shapes)
    net.load_state_dict({key: torch.from_numpy(array) for key, array in state.items()})
    net.eval()
    options = {**WHOLE[ours], **({"auxiliary": False} if library == "timm" and name == "inception_v3" else {})}
    for side in (299, 300) if name == "inception_v3" else (224, 225):
        model = MODELS[ours](**options).shapes((side, side, 3), 1000)
        load_weights(model, net.state_dict())
        x = GOLDENS["images"](side)[:1]
        with torch.no_grad():
            wanted = net(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
        scores = np.asarray(model(jnp.asarray(x)))
        assert np.abs(scores - wanted).max() < TOLERANCE * np.abs(wanted).max()
    back = weights_of(model, "timm" if library == "timm" else "torchvision")
    net.load_state_dict({key: torch.from_numpy(array) for key, array in back.items()}, strict=True)
    assert all(np.array_equal(array.numpy(), state[key]) or "tracked" in key for key, array in net.state_dict().items())
