"""An exported network runs where geomdl cannot be imported, for any batch size."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx
from safetensors import safe_open
from safetensors.numpy import load_file

from geomdl.cli.main import main
from geomdl.layers import BatchNorm, Conv, freeze
from geomdl.models import MODELS, export
from geomdl.representations import FieldType

ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("geomdl", "flax"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
import numpy as np
from jax import export
from safetensors.numpy import load_file

folder = sys.argv[1]
program = export.deserialize(open(f"{folder}/network.stablehlo", "rb").read())
weights = load_file(f"{folder}/weights.safetensors")
inputs = np.load(f"{folder}/inputs.npz")
np.savez(f"{folder}/outputs.npz", **{name: program.call(weights, inputs[name]) for name in inputs})
assert not any(name.split(".")[0] == "geomdl" for name in sys.modules)
"""


def _run_alone(folder: Path, *inputs: np.ndarray) -> list[np.ndarray]:
    np.savez(folder / "inputs.npz", *inputs)
    done = subprocess.run([sys.executable, "-c", ALONE, str(folder)], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    outputs = np.load(folder / "outputs.npz")
    return [outputs[f"arr_{i}"] for i in range(len(inputs))]


def test_it_runs_without_geomdl_for_any_batch_size(tmp_path: Path):
    model = MODELS["mnist_benchmark"](group="D4", width=0.1).build((24, 24, 1), 3, rngs=nnx.Rngs(0))
    files = export(model, (24, 24, 1), tmp_path / "new")
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(n, 24, 24, 1)).astype(np.float32) for n in (1, 3)]
    call = jax.jit(model)
    for x, y in zip(batches, _run_alone(files.program.parent, *batches), strict=True):
        np.testing.assert_allclose(y, call(x), rtol=1e-5, atol=1e-5)
    with safe_open(files.weights, "numpy") as stored:
        assert set(stored.keys()) == set(freeze(model).weights)
        assert stored.metadata()["image_shape"] == "[24, 24, 1]"
        assert "exact" in stored.metadata()["contract"]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("harmonic", {"nonlinearity": "norm", "width": 0.1, "max_frequency": 1}),
        pytest.param(
            "harmonic",
            {"nonlinearity": "fourier", "group": "O2", "width": 0.1, "max_frequency": 1},
            marks=pytest.mark.long,
        ),
        pytest.param("e2_wrn", {"depth": 10, "width": 0.1, "downsampling": "centred"}, marks=pytest.mark.long),
        ("local", {"width": 1}),
        ("gcnn", {"width": 1, "normalization": "layer", "activation": "maxout"}),
    ],
)
def test_every_kind_of_network_lowers_for_every_platform(name: str, fields, tmp_path: Path):
    model = MODELS[name](**fields).build((24, 24, 1), 3, rngs=nnx.Rngs(0))
    files = export(model, (24, 24, 1), tmp_path)
    program = jax.export.deserialize(bytearray(files.program.read_bytes()))
    assert program.platforms == ("cpu", "cuda", "tpu")
    x = np.random.default_rng(0).normal(size=(2, 24, 24, 1)).astype(np.float32)
    np.testing.assert_allclose(program.call(freeze(model).weights, x), jax.jit(model)(x), rtol=1e-4, atol=1e-5)


def test_a_layer_is_exported_too(tmp_path: Path):
    t = FieldType("C4", "1 regular")
    with pytest.raises(ValueError, match=r"the image has 1 channels.*4"):
        export(Conv(t, t, 3, rngs=nnx.Rngs(0)), (5, 5, 1), tmp_path)
    export(BatchNorm(t), (5, 5, 4), tmp_path)


def test_the_command_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = tmp_path / "run"
    config = tmp_path / "config.py"
    config.write_text(
        "def get_config():\n"
        "    return {'data': {'name': 'digits'}, 'model': {'name': 'linear'}, 'training': {'steps': 2}}\n"
    )
    assert main(["train", f"--config={config}", f"--workdir={run}", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["export", f"--workdir={run}", f"--out={tmp_path / 'out'}"]) == 0
    printed = capsys.readouterr().out
    assert "network.stablehlo" in printed
    assert "images [batch, 28, 28, 1] to 10 scores" in printed
    (scores,) = _run_alone(tmp_path / "out", np.ones((2, 28, 28, 1), np.float32))
    assert scores.shape == (2, 10)
    assert main(["export", "--workdir=nowhere", f"--out={tmp_path}"]) == 2


def test_a_program_takes_every_size_that_the_network_takes(tmp_path: Path):
    model = MODELS["gcnn"](group="C4", width=1).build((16, 16, 1), 3, rngs=nnx.Rngs(0))
    files = export(model, (16, 16, 1), tmp_path, about={"classes": ["a", "b", "c"]})
    about = json.loads(files.about.read_text())
    assert about["image_sizes"] == {"multiples_of": 4}
    assert about["classes"] == ["a", "b", "c"]
    program, weights = jax.export.deserialize(bytearray(files.program.read_bytes())), load_file(files.weights)
    for height, width in ((16, 16), (20, 28)):
        x = np.random.default_rng(0).normal(size=(2, height, width, 1)).astype(np.float32)
        np.testing.assert_allclose(program.call(weights, x), jax.jit(model)(x), rtol=1e-4, atol=1e-5)
    dense = export(MODELS["mlp"](width=2).build((16, 16, 1), 3, rngs=nnx.Rngs(0)), (16, 16, 1), tmp_path / "dense")
    assert json.loads(dense.about.read_text())["image_sizes"] == "image_shape only"


def test_any_module_of_flax_is_exported(tmp_path: Path):
    class Net(nnx.Module):
        def __init__(self, rngs):
            self.norm, self.dense = nnx.BatchNorm(1, use_running_average=True, rngs=rngs), nnx.Linear(16, 2, rngs=rngs)

        def __call__(self, x):
            return self.dense(self.norm(x).reshape(len(x), -1))

    net = Net(nnx.Rngs(0))
    files = export(net, (4, 4, 1), tmp_path)
    program, weights = jax.export.deserialize(bytearray(files.program.read_bytes())), load_file(files.weights)
    assert set(weights) == {"dense.bias", "dense.kernel", "norm.bias", "norm.mean", "norm.scale", "norm.var"}
    for n in (1, 3):
        x = np.random.default_rng(n).normal(size=(n, 4, 4, 1)).astype(np.float32)
        np.testing.assert_allclose(program.call(weights, x), net(x), atol=1e-6)
    with pytest.raises(ValueError, match=r"invalid model 'function'; allowed: a flax\.nnx\.Module"):
        export(lambda x: x, (4, 4, 1), tmp_path)


def test_onnx_where_it_can_be_written(tmp_path: Path):
    model = MODELS["mlp"](width=2).build((8, 8, 1), 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="unknown format 'onxn'; allowed: stablehlo, onnx; did you mean 'onnx'"):
        export(model, (8, 8, 1), tmp_path, form="onxn")
    if importlib.util.find_spec("jax2onnx") is None:
        with pytest.raises(ValueError, match="invalid --format 'onnx'; allowed: a format whose converter is installed"):
            export(model, (8, 8, 1), tmp_path, form="onnx")
        return
    files = export(model, (8, 8, 1), tmp_path, form="onnx")
    assert json.loads(files.about.read_text())["relative_difference"] < 1e-5
