"""The methods of convolutions as a value of the config: where it acts, and old runs that do not have it."""

import json
from pathlib import Path

import pytest
from flax import nnx

from geomdl.layers.transforms.with_method import convolutions
from geomdl.training import RunConfig, build_model, load_trained, read_config, train

DATA = {"name": "digits", "size": 9, "train_size": 64, "test_size": 16, "validation_size": 16}
MODEL = {"name": "steerable_example", "group": "C8", "width": 1, "input_size": 13}


def _config(methods: str, model: dict = MODEL) -> RunConfig:
    training = {"batch_size": 32, "steps": 1, "convolutions": methods}
    return RunConfig.from_config_dict({"data": DATA, "model": model, "training": training})


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ("auto", ["auto"] * 6),
        ("factored", ["factored"] * 6),
        ("2=factored,layers.5=dense", ["factored", "dense", *["auto"] * 4]),
    ],
)
def test_the_model_of_a_run_is_computed_as_the_config_says(methods: str, expected: list[str]):
    config = _config(methods)
    dataset = config.data.load()
    model = nnx.eval_shape(lambda: build_model(config, dataset))
    assert [conv.method for conv in convolutions(model).values()] == expected
    assert RunConfig.from_config_dict(config.to_dict()) == config


def test_a_layer_that_is_not_there_is_an_error_with_the_name_of_the_value():
    config = _config("0=dense")
    dataset = config.data.load()
    with pytest.raises(ValueError, match=r"training\.convolutions '0=dense': unknown convolution '0'; allowed: 2, 5, "):
        nnx.eval_shape(lambda: build_model(config, dataset))


def test_a_run_from_before_goes_on_and_is_read(tmp_path: Path):
    config = _config("auto", {"name": "cnn", "width": 1, "depth": 1, "kernel_size": 3})
    dataset = config.data.load()
    train(config, tmp_path, dataset=dataset)
    written = json.loads((tmp_path / "config.json").read_text())
    del written["config"]["training"]["convolutions"]
    (tmp_path / "config.json").write_text(json.dumps(written))
    assert read_config(tmp_path) == config
    assert load_trained(tmp_path, dataset=dataset).config.training.convolutions == "auto"
    assert train(config, tmp_path, dataset=dataset).step == 1
