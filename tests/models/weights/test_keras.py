"""Networks with the weights of Keras's compute what those compute; the goldens are made by make_keras_goldens.py."""

import json
import runpy
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.models import MODELS, WeightsMismatch, load_weights

h5py = pytest.importorskip("h5py")
HERE = Path(__file__).parent
SCRIPT = runpy.run_path(str(HERE / "make_keras_goldens.py"))
RECORDED = runpy.run_path(str(HERE / "test_foreign.py"))["_recorded"]
GOLDENS = np.load(SCRIPT["FILE"])


def _write(case, file, *, of_keras_2=False):
    """A file of weights as Keras 3 writes it, or as Keras 2 did."""
    kinds = {2: ("kernel:0", "bias:0"), 4: ("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0")}
    state = SCRIPT["by_rule"](json.loads(str(GOLDENS[f"{case}_shapes"])))
    layers = {}
    for name, array in state.items():
        layers.setdefault(name.rpartition(".")[0], []).append(array)
    with h5py.File(file, "w") as made:
        for number, (name, arrays) in enumerate(layers.items()):
            path = f"{name}/{name}" if of_keras_2 else f"layers/layer_{number}/vars"
            group = made.create_group(path)
            if not of_keras_2:
                group.attrs["name"] = name
            for i, array in enumerate(arrays):
                group[kinds[4 if len(arrays) == 4 else 2][i] if of_keras_2 else str(i)] = array
    return file


CASES = [
    pytest.param(case, side, marks=[] if side % 2 and case == "resnet" else [pytest.mark.long])
    for case, (_, _, sides) in SCRIPT["CASES"].items()
    for side in sides
]


@pytest.mark.parametrize(("case", "side"), CASES)
def test_every_layer_is_that_of_keras(case, side, tmp_path):
    """To a relative error of 1e-5; behind convolutions whose bias went into batch norm from batch norm on."""
    name, options, _ = SCRIPT["CASES"][case]
    model = MODELS[name](**options).shapes((side, side, 3), SCRIPT["CLASSES"])
    loaded = load_weights(model, _write(case, tmp_path / "net.weights.h5"))
    assert loaded.scheme == "Keras"
    scores, outputs = RECORDED(model, "Keras", jnp.asarray(SCRIPT["images"](side)))
    for layer, wanted in zip(GOLDENS[f"{case}_names_{side}"].tolist(), GOLDENS[f"{case}_layers_{side}"], strict=True):
        if case == "resnet" and layer.endswith("_conv"):
            continue
        output = np.moveaxis(outputs[layer], 1, -1)
        if case == "vgg" and layer != "predictions":  # its layers there have their nonlinearity inside
            output = np.maximum(output, 0)
        error = np.abs(SCRIPT["digest"](output) - wanted).max() / wanted[0]
        assert error < 1e-5, (layer, error)
    wanted = GOLDENS[f"{case}_scores_{side}"]
    assert np.abs(scores - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_files_of_keras_2_and_what_does_not_fit(tmp_path):
    """The same arrays under the names of Keras 2; other networks and versions are refused."""
    name, options, _ = SCRIPT["CASES"]["resnet"]
    new, old = (MODELS[name](**options).shapes((33, 33, 3), SCRIPT["CLASSES"]) for _ in range(2))
    load_weights(new, _write("resnet", tmp_path / "new.weights.h5"))
    load_weights(old, _write("resnet", tmp_path / "old.h5", of_keras_2=True))
    assert np.array_equal(np.asarray(new.layers[1].mean[...]), np.asarray(old.layers[1].mean[...]))
    late = MODELS[name](**{**options, "version": "1.5"}).shapes((33, 33, 3), SCRIPT["CLASSES"])
    with pytest.raises(ValueError, match=r"in the first 1 × 1 convolution: model.version='1'"):
        load_weights(late, tmp_path / "new.weights.h5")
    with pytest.raises(WeightsMismatch, match="another number of classes"):
        load_weights(MODELS[name](**options).shapes((33, 33, 3), 7), tmp_path / "new.weights.h5")
    (tmp_path / "cut.weights.h5").write_bytes((tmp_path / "new.weights.h5").read_bytes()[:5000])
    with pytest.raises(ValueError, match="truncated or damaged"):
        load_weights(new, tmp_path / "cut.weights.h5")
