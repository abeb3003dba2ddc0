"""Networks by their downsampling: which shifts they keep, which sizes they take, what they refuse."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import BandLimited, BlurPool, Polyphase, Pool
from geomdl.models import CNNConfig, GCNNConfig, ResNetConfig
from geomdl.models.core.blocks import DOWNSAMPLINGS, downsample
from geomdl.representations import FieldType

CNN = functools.partial(CNNConfig, width=3, kernel_size=3, padding_mode="circular", head="mean")
GCNN = functools.partial(GCNNConfig, width=2, kernel_size=3, padding_mode="circular")
RESNET = functools.partial(ResNetConfig, width=2, padding_mode="circular")


@functools.lru_cache
def scores(config, size=8, images=5):
    """An untrained network as a compiled function, and images."""
    model = config.build((size, size, 2), 4, rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).normal(size=(images, size, size, 2)).astype(np.float32)
    return jax.jit(lambda x: model(x)), x


def under_every_shift(config):
    """The scores of all images under all circular shifts ``[shifts, images, classes]``, in one batch."""
    f, x = scores(config)
    moved = np.stack([np.roll(x, (i, j), (1, 2)) for i in range(8) for j in range(8)])
    return np.asarray(f(moved.reshape(-1, 8, 8, 2))).reshape(64, len(x), -1)


@pytest.mark.parametrize(
    "config",
    [
        CNN(downsampling="aps"),
        CNN(downsampling="lps"),
        GCNN(group="D4", downsampling="aps"),
        RESNET(group="C4", downsampling="aps"),
        RESNET(group="C1", downsampling="lps"),
    ],
    ids=lambda c: f"{type(c).__name__}-{getattr(c, 'group', 'C1')}-{c.downsampling}",
)
def test_untrained_polyphase_networks_keep_every_class_under_every_circular_shift(config):
    y = under_every_shift(config)
    assert (y.argmax(-1) == y[0].argmax(-1)).all()
    np.testing.assert_allclose(y, np.broadcast_to(y[0], y.shape), atol=1e-5 * np.abs(y).max())
    assert np.std(y[0], 0).min() > 0.01, "and they tell images apart"


@pytest.mark.parametrize("downsampling", ["stride", "max", "blur-3"])
def test_others_keep_multiples_of_the_total_stride_only(downsampling):
    y = under_every_shift(CNN(downsampling=downsampling)).reshape(8, 8, 5, 4)
    changes = np.abs(y - y[0, 0]).max((2, 3)) / np.abs(y).max()
    kept = np.zeros((8, 8), bool)
    kept[::4, ::4] = True
    np.testing.assert_array_equal(changes < 1e-5, kept)
    assert changes[~kept].min() > 1e-3


def fractionally(x, down, right):
    """The circular shift of the trigonometric polynomial, Nyquist frequency removed."""
    n = x.shape[1]
    k = np.fft.fftfreq(n, 1 / n)
    factors = [np.exp(-2j * np.pi * k * s / n) * (np.abs(k) < n / 2) for s in (down, right)]
    spectrum = np.fft.fft2(x.astype(float), axes=(1, 2))
    spectrum *= factors[0][None, :, None, None] * factors[1][None, None, :, None]
    return np.fft.ifft2(spectrum, axes=(1, 2)).real.astype(np.float32)


@pytest.mark.parametrize("make", [CNN, functools.partial(RESNET, group="C4")], ids=["cnn", "resnet"])
def test_alias_free_networks_keep_fractional_shifts_to_rounding_and_others_do_not(make):
    shifts = [(0.5, 0), (0, 0.25), (1.3, -2.7), (1, 0), (3, 2)]
    errors = {}
    for downsampling in ("alias_free", "aps"):
        f, x = scores(make(downsampling=downsampling))
        y = np.stack([f(fractionally(x, *s)) for s in [(0, 0), *shifts]])
        errors[downsampling] = np.abs(y[1:] - y[0]).max((1, 2)) / np.std(y[0], 0).max()
    assert errors["alias_free"].max() < 1e-4, "measured: 1e-6 to 1e-5"
    assert errors["aps"][:3].min() > 1e-2
    assert errors["aps"][3:].max() < 1e-4


def test_every_name_halves_and_says_how():
    t = FieldType("C1", "2 trivial")
    for name in DOWNSAMPLINGS:
        layer = downsample(name, t, (12, 12), "circular", nnx.Rngs(0))
        assert name == "none" if layer is None else layer.contract.output_size((12, 12)) == (6, 6)
    for taps in range(2, 8):
        layer = downsample(f"blur-{taps}", FieldType("D4", "1 regular"), (12, 12))
        assert isinstance(layer, BlurPool)
        assert layer.window.size == taps
        assert layer.contract.points.at((12, 12)) == ("exact" if taps % 2 == 0 else "none")
        assert layer.contract.points.at((13, 13)) == ("none" if taps % 2 == 0 else "exact")
    assert isinstance(downsample("stride", t, (8, 8)), Pool)
    assert isinstance(downsample("aps", t, (8, 8)), Polyphase)


def test_a_strided_convolution_is_the_convolution_with_every_second_pixel():
    strided = CNN(downsampling="stride", depth=2, normalization="none").build((8, 8, 1), 3, rngs=nnx.Rngs(0))
    dense = CNN(downsampling="none", depth=2, normalization="none").build((8, 8, 1), 3, rngs=nnx.Rngs(0))
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 1)), jnp.float32)
    np.testing.assert_allclose(strided.layers[0](x), dense.layers[0](x)[:, ::2, ::2], atol=1e-5)


@pytest.mark.parametrize(("padding", "side"), [("valid", 5), ("same", 8), ("full", 12)])
def test_paddings_change_the_sizes(padding, side):
    config = CNNConfig(width=1, depth=3, kernel_size=3, padding=padding, downsampling="average")
    model = config.build((32, 32, 1), 3, rngs=nnx.Rngs(0))
    features = [layer for layer in model.layers if type(layer).__name__ == "Flatten"]
    assert features[0].size == (side, side)


def test_alias_free_networks_have_band_limited_nonlinearities_only():
    for config in (CNN(downsampling="alias_free"), RESNET(downsampling="alias_free")):
        model = nnx.eval_shape(lambda c=config: c.build((8, 8, 1), 3, rngs=nnx.Rngs(0)))
        parts = [part for _, part in nnx.iter_graph(model)]
        assert any(isinstance(part, BandLimited) for part in parts)
        assert "Pointwise" not in {type(part).__name__ for part in parts}


@pytest.mark.parametrize("downsampling", ["aps", "lps", "alias_free"])
@pytest.mark.parametrize("make", [CNN, functools.partial(GCNN, group="C4"), functools.partial(RESNET, group="D2")])
@pytest.mark.parametrize("size", [(10, 10), (9, 8), (30, 27)])
def test_sizes_that_do_not_divide_are_refused_and_the_nearest_one_is_named(make, downsampling, size):
    config = make(downsampling=downsampling)
    size = (size[0],) * 2 if getattr(config, "group", "C1") == "C4" else size
    by = "x".join(map(str, size))
    with pytest.raises(ValueError, match=rf"image size for downsampling '{downsampling}' '{by}'.*a multiple of 4") as e:
        config.build((*size, 1), 3, rngs=nnx.Rngs(0))
    height, width = map(int, str(e.value).split("; try ")[1].split("x"))
    assert abs(height - size[0]) <= 2 >= abs(width - size[1])
    nnx.eval_shape(lambda: config.build((height, width, 1), 3, rngs=nnx.Rngs(0)))


def test_with_valid_convolutions_the_named_size_is_even_at_each_halving():
    config = CNN(padding="valid", downsampling="aps")
    with pytest.raises(ValueError, match="even at each of 2 halvings; try 22x22"):
        config.build((24, 24, 1), 3, rngs=nnx.Rngs(0))
    nnx.eval_shape(lambda: config.build((22, 22, 1), 3, rngs=nnx.Rngs(0)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CNNConfig(downsampling="blur-8"), "unknown model.downsampling 'blur-8'.*did you mean 'blur"),
        (lambda: ResNetConfig(downsampling="asp"), "unknown model.downsampling 'asp'.*did you mean 'aps'"),
        (lambda: CNNConfig(head="means"), "unknown model.head 'means'.*did you mean 'mean'"),
        (lambda: CNNConfig(padding="ful"), "unknown model.padding 'ful'.*did you mean 'full'"),
        (lambda: CNNConfig(downsampling="alias_free", activation="elu"), "invalid model.activation 'elu'.*polynomials"),
        (lambda: ResNetConfig(group="C8"), "invalid model.group 'C8'.*C4"),
        (lambda: ResNetConfig(stages=0), "invalid model.stages 0"),
        (lambda: ResNetConfig(normalization="bach"), "unknown model.normalization 'bach'.*did you mean 'batch'"),
        (lambda: ResNetConfig(activation="maxout"), "invalid model.activation 'maxout'"),
        (lambda: RESNET(group="C4").build((8, 6, 1), 3, rngs=nnx.Rngs(0)), "group C4 '8x6'.*square.*try 6x6"),
        (
            lambda: CNNConfig(padding="valid", width=1).build((12, 12, 1), 3, rngs=nnx.Rngs(0)),
            "invalid model.padding 'valid'.*'same' for 12x12 images.* 4x4 pixels.*window of 5",
        ),
    ],
)
def test_bad_configs(make, message):
    with pytest.raises(ValueError, match=message):
        make()
