"""Data sets by name: configs are values, and unknown names and keys are refused."""

import dataclasses

import pytest

from geomdl.data import DATASETS, config_fields, data_config


def test_every_config_is_frozen_equal_by_value_and_documented():
    for name, cls in DATASETS.items():
        config = data_config(name)
        assert config == cls()
        assert config.name == name
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.seed = 1
        for field in config_fields(name):
            assert any(f"{field}: " in (base.__doc__ or "") for base in cls.__mro__)


def test_a_config_can_be_made_again_from_its_name_and_fields():
    for config in (data_config("xo", size=21), data_config("tfds:eurosat/rgb", size=32)):
        fields = {key: getattr(config, key) for key in config_fields(config.name)}
        assert data_config(config.name, **fields) == config


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "digit",
            {},
            r"unknown data.name 'digit'; allowed: digits, xo, mnist_rot, .*tfds:<name>, package.*did you mean 'digits'",
        ),
        ("mnist", {}, r"did you mean 'tfds:mnist'\?"),
        ("mnist:3.0.1", {}, r"did you mean 'tfds:mnist:3.0.1'\?"),
        ("eurosat/rgb", {}, r"did you mean 'tfds:eurosat/rgb'\?"),
        ("mnist_rto", {}, r"did you mean 'mnist_rot'\?"),
        (7, {}, r"unknown data.name 7"),
        ("xo", {"rotations": 3}, r"unknown key 'rotations' of data set 'xo'.*did you mean 'rotation'"),
        ("tfds:mnist", {"datadir": "x"}, r"did you mean 'data_dir'"),
    ],
)
def test_unknown_names_and_keys(name, options, message):
    with pytest.raises(ValueError, match=message):
        data_config(name, **options)
