"""For which sizes a network is exact is told when it is built, and true."""

import warnings

import jax
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, Flatten, Pool
from geomdl.models import MODELS, InexactSizeWarning, exact_sizes_near, summarize
from geomdl.models.core.exactness import warn_if_inexact
from geomdl.representations import FieldType


def _build(name: str, size: int, **fields):
    return MODELS[name](**fields).build((size, size, 1), 3, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("name", "fields", "size", "nearest"),
    [
        ("steerable_example", {"group": "C4", "width": 0.1}, 30, "29x29 and 33x33"),
        ("mnist_benchmark", {"group": "C4", "width": 0.1}, 29, "28x28 and 32x32"),
        ("mnist_final", {"group": "D4", "width": 0.1}, 31, "28x28 and 32x32"),
        ("harmonic", {"width": 0.1, "max_frequency": 1, "nonlinearity": "norm"}, 27, "24x24 and 28x28"),
        ("e2_wrn", {"depth": 10, "width": 0.1, "groups": ("C4", "C4", "C4")}, 32, "29x29 and 33x33"),
    ],
)
def test_the_warning_names_the_nearest_exact_sizes(name: str, fields, size: int, nearest: str):
    with pytest.warns(InexactSizeWarning, match=f"{size}x{size} pixels.* nearest exact sizes: {nearest}"):
        model = _build(name, size, **fields)
    sizes = [n for n, _ in exact_sizes_near(model.contract, (size, size))]
    assert nearest.split(" and ")[0] in [f"{n}x{n}" for n in sizes]
    text = str(summarize(model, (size, size, 1)))
    assert "exact on the pixel grid at sizes such as: " + ", ".join(f"{n} × {n}" for n in sizes) in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _build(name, sizes[0], **fields)


def test_the_named_size_is_exact_and_the_other_is_not():
    with pytest.warns(InexactSizeWarning):
        wrong = _build("mnist_benchmark", 26, group="C4", width=0.1)
    model = _build("mnist_benchmark", 24, group="C4", width=0.1)
    assert check_contract(model, jax.random.key(0), size=(24, 24), max_shifts=2).worst("points") < 1e-5
    assert check_contract(wrong, jax.random.key(0), size=(26, 26), max_shifts=2).worst("points") > 1e-3


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="larger than the image"):
        _build("mnist_benchmark", 14, group="C4", width=0.1)


def test_networks_that_promise_nothing_are_silent():
    for name, fields in (("cnn", {"width": 1}), ("mlp", {"width": 2}), ("linear", {})):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = _build(name, 9, **fields)
        assert "at sizes such as" not in str(summarize(model, (9, 9, 1)))


def test_oblong_images_and_no_size_at_all():
    t = FieldType("C4", "1 regular")
    contract = Pool(t, 2, remainder="drop").contract
    with pytest.warns(InexactSizeWarning, match="a square input; nearest exact sizes: 6x6 and 8x8"):
        warn_if_inexact(contract, (6, 8))
    large = Conv(FieldType("C4", "1 trivial"), t, 60, rngs=nnx.Rngs(0)).contract
    with pytest.warns(InexactSizeWarning, match="none within 24 pixels"):
        warn_if_inexact(large, (8, 8))
    warn_if_inexact(Flatten(t, (4, 4)).contract, (4, 4))
