"""Sliding-window inference gives what the whole image gives, and refuses networks of unknown reach."""

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.evaluators import sliding_window
from geomdl.layers import Conv, InstanceNorm, Layer, Sequential
from geomdl.models import FCNConfig, UNet2015Config, UNetConfig
from geomdl.representations import FieldType

IMAGE, HIDDEN = FieldType("C1", "1 trivial"), FieldType("C1", "2 trivial")
RNGS = nnx.Rngs(0)


def images(height: int, width: int) -> jax.Array:
    return jax.random.normal(jax.random.key(0), (2, height, width, 1))


def local(padding="same", padding_mode="zeros") -> Layer:
    """Sees three pixels in every direction."""
    options = {"padding": padding, "padding_mode": padding_mode, "rngs": RNGS}
    return Sequential([Conv(IMAGE, HIDDEN, 5, **options), Conv(HIDDEN, HIDDEN, 3, **options)])


@pytest.mark.parametrize("window", [8, 9, 13, 19, 20, 23, 30])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_local_models_give_the_whole_image_at_any_window(padding, window) -> None:
    model, x = local(padding), images(20, 23)
    got = sliding_window(model, x, model.contract, window=window)
    np.testing.assert_allclose(got, model(x), atol=1e-5)


def test_circular_padding_differs_at_the_borders_only() -> None:
    model, x = local(padding_mode="circular"), images(20, 23)
    difference = np.abs(sliding_window(model, x, model.contract, window=10) - model(x)).max(axis=(0, 3))
    assert difference[3:-3, 3:-3].max() <= 1e-5
    assert difference[0].max() > 0.1


@pytest.mark.parametrize(
    ("config", "size", "window"),
    [
        (FCNConfig(width=2, depth=2), (40, 52), 32),
        (UNetConfig(width=2, depth=1), (40, 38), 28),
        (UNet2015Config(width=2, depth=1), (44, 30), 24),
    ],
    ids=["fcn", "unet", "unet_2015"],
)
def test_networks_that_go_down_and_up_again(config, size, window) -> None:
    model = config.build((20, 20, 1) if isinstance(config, UNet2015Config) else (16, 16, 1), 2, rngs=RNGS)
    x = images(*size)
    whole = model(x)
    got = sliding_window(model, x, model.contract, window=window)
    assert got.shape == whole.shape
    np.testing.assert_allclose(got, whole, atol=1e-5)
    shifted = model.contract.step // 2
    if shifted:  # windows at other places give other numbers: the step matters
        cut = model(x[:, shifted : shifted + window, :window])
        assert np.abs(np.asarray(cut)[:, :2] - np.asarray(whole)[:, shifted : shifted + 2, : cut.shape[2]]).max() > 1e-3


def test_a_step_and_a_reach_are_enough_and_too_small_a_reach_is_seen() -> None:
    model, x = local(), images(20, 23)
    np.testing.assert_allclose(sliding_window(model, x, (1, 3), window=10), model(x), atol=1e-5)
    assert np.abs(sliding_window(model, x, (1, 2), window=10) - model(x)).max() > 1e-3


def test_what_sees_the_whole_image_is_refused_by_reason() -> None:
    model = Sequential([Conv(IMAGE, HIDDEN, 3, padding="same", rngs=RNGS), InstanceNorm(HIDDEN)])
    with pytest.raises(ValueError, match=r"invalid contract.*depends on the whole image.*spatial statistics"):
        sliding_window(model, images(20, 20), model.contract, window=10)
    small = local()
    with pytest.raises(
        ValueError, match=r"invalid window 6; allowed: more pixels than the field of view of ±3 .*; try 8"
    ):
        sliding_window(small, images(20, 20), small.contract, window=6)
