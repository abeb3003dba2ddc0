"""Files of weights that do not fit, are damaged, or would run code: one clear error, and nothing is changed."""

import json
import pickle
import sys
import types
import zipfile

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save, save_file

from geomdl.cli.main import main
from geomdl.models import MODELS, ImageNetResNetConfig, WeightsMismatch, load_weights, save_weights, weights_of
from geomdl.models.weights.files import stored

NARROW = {"depth": 18, "blocks": (1, 1, 1, 1), "width": 0.05}


def _resnet(**options):
    return ImageNetResNetConfig(**{**NARROW, **options}).shapes((33, 33, 3), 10)


@pytest.fixture(scope="module")
def empty():
    """A network without weights, for what does not give it any."""
    return _resnet()


@pytest.fixture(scope="module")
def state():
    rng = np.random.default_rng(0)
    return {entry.name: rng.uniform(0.5, 1.5, entry.shape).astype(np.float32) for entry in _entries(_resnet())}


def _entries(model):
    from geomdl.models.weights.families import FAMILIES
    from geomdl.models.weights.layout import entries_of

    return [entry for name, layer, form in FAMILIES[0].named(model) for entry in entries_of(name, layer, form)]


def _unchanged(model):
    return not any(
        isinstance(leaf, jnp.ndarray) for leaf in (v.get_value() for _, v in nnx.to_flat_state(nnx.state(model)))
    )


def _changed(state, **arrays):
    return {**state, **arrays}


CAUSES = {
    "number of classes: 10 there, 7 here; build the network with 10": ({}, lambda s: s, 7),
    "another width or another variant": ({"width": 0.1}, lambda s: s, 10),
    "another depth or variant: the file has fewer layers": ({"blocks": (1, 2, 1, 1)}, lambda s: s, 10),
    "another depth or variant: the file has more layers": (
        {}, lambda s: _changed(s, **{"layer1.1.conv1.weight": np.zeros((3, 3, 3, 3), np.float32)}), 10,
    ),
    "prefix 'net.module.' (of a module around it)": (
        {}, lambda s: {f"net.module.{k}": v for k, v in s.items()}, 10,
    ),
    "prefix 'module.' (which torch.nn.DataParallel puts there)": (
        {}, lambda s: {k if k.startswith("fc") else f"module.{k}": v for k, v in s.items()}, 10,
    ),
    "parameters alone, without running statistics": (
        {}, lambda s: {k: v for k, v in s.items() if "running" not in k}, 10,
    ),
    "another kind of network than a ResNet": ({}, lambda s: {"features.0.weight": s["conv1.weight"]}, 10),
    "the file is empty": ({}, lambda s: {}, 10),
    "quantised": ({}, lambda s: _changed(s, **{"fc.bias": np.zeros(10, np.int8)}), 10),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_the_likely_cause_is_named(cause, state, empty):
    options, change, classes = CAUSES[cause]
    model = empty
    if options or classes != 10:
        model = ImageNetResNetConfig(**{**NARROW, **options}).shapes((33, 33, 3), classes)
    with pytest.raises(WeightsMismatch, match="Nothing was changed") as error:
        load_weights(model, change(dict(state)))
    assert cause in str(error.value)
    assert len(str(error.value)) < 1200
    assert _unchanged(model)


def test_all_missing_unexpected_and_misshapen_names_are_told(state, empty):
    """In one error; of many names the first five and how many more."""
    other = {k: v for k, v in state.items() if not k.startswith("layer1")}
    other["fc.weight"], other["head.weight"] = np.zeros((7, 3), np.float32), np.zeros(3, np.float32)
    with pytest.raises(WeightsMismatch) as error:
        load_weights(empty, other)
    said = str(error.value)
    assert "missing: layer1.0.conv1.weight, layer1.0.bn1.weight" in said
    assert "and 5 more; unexpected: head.weight; misshapen: fc.weight 7×3 there, 10×26 here" in said


def test_networks_without_counterpart(state, empty):
    """They are refused with the reason; so is a twin, and a bottleneck with its stride in the first convolution."""
    cases = {
        "PadFields": MODELS["cifar_resnet"](depth=8).shapes((32, 32, 3), 10),
        "allowed: C1": _resnet(group="C2"),
        "model.version='1.5'": _resnet(depth=50, version="1"),
        "model.variant='torchvision'": MODELS["alexnet"](width=0.05).shapes((227, 227, 3), 10),
        "a network of the zoo": {"conv1": 3},
    }
    for reason, model in cases.items():
        with pytest.raises(ValueError, match=r".") as error:
            load_weights(model, state)
        assert reason in str(error.value)
    with pytest.raises(ValueError, match=r"unknown scheme 'torch'; allowed: torchvision, timm; did you mean"):
        weights_of(empty, "torch")


def test_wrappers_and_other_precisions_are_understood(state):
    """``module.`` before every name, counters, float16 and bfloat16; what is odd is said."""
    wrapped = {f"module.{name}": array for name, array in state.items()}
    wrapped["module.bn1.num_batches_tracked"] = np.array(5)
    model = _resnet()
    assert "the prefix 'module.'" in load_weights(model, wrapped).notes[0]
    assert np.array_equal(np.asarray(model.layers[1].scale[...]), state["bn1.weight"])
    for dtype in (np.float16, ml_dtypes.bfloat16, np.float64):
        narrow = {name: array.astype(dtype) for name, array in state.items()}
        load_weights(model, narrow)
        assert model.layers[1].scale[...].dtype == np.float32
        assert np.array_equal(np.asarray(model.layers[1].scale[...]), narrow["bn1.weight"].astype(np.float32))
    notes = load_weights(
        _resnet(activation="tanh"), _changed(state, **{"fc.bias": np.full(10, np.nan, np.float32)})
    ).notes
    assert "'fc.bias' holds numbers that are not finite" in notes
    assert any("nonlinearity of the network is tanh" in note for note in notes)


def _truncated(state):
    return save(state)[:-100]


def _wrong_offsets(state):
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4)


DAMAGED = {
    "truncated or damaged": _truncated,
    "does not have the size of its shape": _wrong_offsets,
    "a header of": lambda state: (2**40).to_bytes(8, "little") + b"{" + bytes(64),
    "its header is no JSON": lambda state: (8).to_bytes(8, "little") + b"{{{{{{{{",
    "nested": lambda state: (200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995,
    "has no dtype": lambda state: (20).to_bytes(8, "little") + b'{"a": {"dtype":"Q"}}',
    "it is empty": lambda state: b"",
    "none of them": lambda state: b"<html>not found</html>",
}


@pytest.mark.parametrize("said", DAMAGED)
def test_damaged_files(said, state, empty, tmp_path):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(DAMAGED[said](state))
    with pytest.raises(ValueError, match=r".") as error:
        load_weights(empty, file)
    assert said in str(error.value) or said == "nested"
    assert str(file) in str(error.value)


class Evil:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("import sys; sys.modules['pwned'] = sys",)


def _malicious(folder):
    """Bare pickles of several protocols, and archives as PyTorch writes them."""
    for protocol in (2, 4, 5):
        (folder / f"{protocol}.pth").write_bytes(pickle.dumps({"fc.weight": Evil()}, protocol))
    for name in ("archive/data.pkl", "data.pkl"):
        with zipfile.ZipFile(folder / f"{name.replace('/', '_')}.bin", "w") as archive:
            archive.writestr(name, pickle.dumps({"fc.weight": Evil()}, 2))
            archive.writestr("archive/version", "3")
    (folder / "renamed.safetensors").write_bytes(pickle.dumps(Evil(), 4))
    return sorted(folder.iterdir())


def test_code_in_a_file_does_not_run(tmp_path):
    """Whether PyTorch is installed or not."""
    for file in _malicious(tmp_path):
        with pytest.raises(ValueError, match=r"PyTorch|nothing of it was read|damaged"):
            stored(file)
        assert "pwned" not in sys.modules
    np.savez(tmp_path / "objects.npz", a=np.array([Evil()], object))
    with pytest.raises(ValueError, match=r"."):
        stored(tmp_path / "objects.npz")
    assert "pwned" not in sys.modules


def test_pytorch_is_asked_for_weights_only(tmp_path, monkeypatch, state):
    """And what training scripts put around a state dict is taken off."""
    asked = []

    def load(path, **options):
        asked.append(options)
        return {"epoch": 3, "state_dict": {f"module.{name}": array for name, array in state.items()}}

    file = tmp_path / "checkpoint.pth"
    file.write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r"PyTorch, which is not installed.*save_file\(torch.load\(FILE, weights_only"):
        stored(file)
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))
    loaded = stored(file)
    assert loaded.format == "PyTorch"
    assert set(loaded.shapes) == set(state)
    assert loaded.notes[0] == "the state dict lies under 'state_dict'"
    assert all(options["weights_only"] is True for options in asked)


def test_the_command_writes_a_work_directory_that_predicts(state, tmp_path, capsys):
    save_file(state, tmp_path / "mine.safetensors")
    (tmp_path / "names.txt").write_text("\n".join(f"kind {i}" for i in range(10)))
    common = [
        "import", str(tmp_path / "mine.safetensors"), "--model=resnet18", "--image_shape=33x33x3",
        "--config.model.blocks=(1, 1, 1, 1)", "--config.model.width=0.05",
    ]  # fmt: skip
    assert main([*common, "--classes=7", f"--out={tmp_path / 'out'}"]) == 2
    assert "another number of classes: 10 there, 7 here" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    named = f"--classes={tmp_path / 'names.txt'}"
    assert main([*common, named, f"--out={tmp_path / 'out'}"]) == 0
    assert "arrays (" in capsys.readouterr().out
    assert main([*common, named, f"--out={tmp_path / 'out'}"]) == 2
    assert "has a run already" in capsys.readouterr().err
    assert main([*common, "--classes=none.txt", f"--out={tmp_path / 'other'}"]) == 2
    assert main([*common, "--classes=10", "--config.seed=3", f"--out={tmp_path / 'other'}"]) == 2
    assert not (tmp_path / "other").exists()
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 255, (2, 33, 33, 3), np.uint8))
    capsys.readouterr()
    assert main(["predict", f"--workdir={tmp_path / 'out'}", str(tmp_path / "images.npy")]) == 0
    assert "kind " in capsys.readouterr().out
    from geomdl.training import load_trained

    trained = load_trained(tmp_path / "out")
    assert trained.preprocessing.mean == (0.485, 0.456, 0.406)
    out = f"--out={tmp_path / 'x.safetensors'}"
    assert main(["export", f"--workdir={tmp_path / 'out'}", "--format=timm", out]) == 0
    assert np.array_equal(load_file(tmp_path / "x.safetensors")["fc.weight"], state["fc.weight"])
    back = weights_of(trained.model)
    assert all(np.array_equal(array, state[name]) for name, array in back.items() if name in state)


def test_only_safetensors_are_written(state, tmp_path):
    model = _resnet()
    load_weights(model, state)
    with pytest.raises(ValueError, match=r"ends in \.safetensors; try weights.safetensors"):
        save_weights(model, tmp_path / "weights.pth")
    with pytest.raises(OSError, match="No such file"):
        save_weights(model, tmp_path / "nowhere" / "weights.safetensors")
    assert list(tmp_path.iterdir()) == []
