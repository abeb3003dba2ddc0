"""Models: sizes, matching, summaries, and what they refuse."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import Conv
from geomdl.models import MODELS, CNNConfig, GCNNConfig, MLPConfig, ScalableConfig, count_parameters, summarize
from geomdl.representations import FieldType

ISSUE_2 = ["linear", "perceptron", "mlp", "local", "cnn", "ti_cnn", "gcnn"]


@pytest.mark.parametrize("name", ISSUE_2)
def test_models_give_scores_and_summaries_that_add_up(name: str):
    model = MODELS[name]().build((12, 12, 2), 5, rngs=nnx.Rngs(0))
    logits = jax.jit(model)(jnp.ones((3, 12, 12, 2)))
    assert logits.shape == (3, 5)
    assert bool(jnp.isfinite(logits).all())
    summary = summarize(model, (12, 12, 2))
    assert summary.parameters == count_parameters(model) == sum(row.parameters for row in summary.rows)
    assert summary.rows[-1].output_shape == (5,)
    assert f"{summary.parameters:,}" in str(summary)


def test_multiply_adds_are_those_of_the_convolutions():
    model = CNNConfig(width=4, depth=2, kernel_size=3).build((8, 8, 1), 10, rngs=nnx.Rngs(0))
    by_hand = 8 * 8 * 9 * 1 * 4 + 4 * 4 * 9 * 4 * 8 + (4 * 4 * 8) * 10
    assert summarize(model, (8, 8, 1)).multiply_adds == model.multiply_adds((8, 8)) == by_hand


@pytest.mark.parametrize("downsampling", ["max", "average", "blur", "none"])
@pytest.mark.parametrize("size", [(15, 11), (10, 12), (12, 9)])
@pytest.mark.parametrize("config", [CNNConfig, functools.partial(GCNNConfig, group="C1")])
def test_networks_without_symmetry_take_rectangles(config, size, downsampling: str):
    model = config(width=1, downsampling=downsampling).build((*size, 1), 3, rngs=nnx.Rngs(0))
    assert jax.eval_shape(model, jnp.ones((2, *size, 1))).shape == (2, 3)


@pytest.mark.parametrize("downsampling", ["max", "blur"])
@pytest.mark.parametrize("group", ["C2", "D1", "D2"])
def test_the_rectangle_that_an_error_names_is_exact(group: str, downsampling: str):
    config = GCNNConfig(group=group, width=1, kernel_size=3, downsampling=downsampling)
    for height, width in [(7, 6), (9, 6), (10, 12), (6, 13), (7, 11)]:
        try:
            size = (height, width)
            model = config.build((*size, 1), 3, rngs=nnx.Rngs(0))
        except ValueError as error:
            assert (height - width) % 4
            size = tuple(map(int, str(error).split("; try ")[1].split("x")))
            model = config.build((*size, 1), 3, rngs=nnx.Rngs(0))
        assert model.contract.points.at(size) == "exact"


def test_a_reflection_deeper_than_the_image_is_refused_when_built():
    layer = Conv(
        FieldType("C1", "1 trivial"),
        FieldType("C1", "1 trivial"),
        9,
        padding="same",
        padding_mode="reflect",
        rngs=nnx.Rngs(0),
    )
    assert layer.contract.output_size((5, 6)) == (5, 6)
    with pytest.raises(
        ValueError, match="padding_mode='reflect' 4; allowed: at most 3 pixels, to mirror an image of 6x4"
    ):
        layer.contract.output_size((6, 4))


@pytest.mark.parametrize("name", ["mlp", "local", "cnn", "ti_cnn", "gcnn"])
@pytest.mark.parametrize("target", [4_000, 30_000])
def test_parameters_are_matched(name: str, target: int):
    options = {"hidden": 8} if name == "local" else {}
    target *= 3 if name == "local" else 1
    config = MODELS[name](match_parameters=target, **options)
    model = nnx.eval_shape(lambda: config.build((16, 16, 1), 10, rngs=nnx.Rngs(0)))
    # An eighth: a locally connected layer's width is a small integer, the others come much closer.
    assert abs(count_parameters(model) - target) < target * (0.5 if name == "local" else 0.125)


def test_matching_is_the_nearest_width():
    config = MLPConfig(depth=1, match_parameters=5_000)
    found = config.matched((8, 8, 1), 10)
    counts = {w: MLPConfig(depth=1, width=w).parameter_count((8, 8, 1), 10) for w in range(50, 90)}
    assert abs(found.parameter_count((8, 8, 1), 10) - 5_000) == min(abs(c - 5_000) for c in counts.values())


def test_same_seed_same_weights_and_other_seed_others():
    first, again, other = (GCNNConfig(width=2).build((12, 12, 1), 3, rngs=nnx.Rngs(seed)) for seed in (1, 1, 2))
    weights = [jax.tree.leaves(nnx.state(m, nnx.Param)) for m in (first, again, other)]
    assert all(np.array_equal(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not np.array_equal(weights[0][0], weights[2][0])


def test_the_tree_of_variables_does_not_depend_on_the_mode():
    model = GCNNConfig(width=2, dropout=0.5).build((12, 12, 1), 3, rngs=nnx.Rngs(0))
    before = jax.tree.structure(nnx.state(model))
    nnx.jit(lambda m: m(jnp.ones((2, 12, 12, 1)), train=True, key=jax.random.key(0)))(model)
    assert jax.tree.structure(nnx.state(model)) == before


def test_the_perceptron_starts_from_zero():
    model = MODELS["perceptron"]().build((5, 5, 1), 3, rngs=nnx.Rngs(0))
    assert not np.any(model(jnp.ones((1, 5, 5, 1))))


def test_dropout_needs_a_key_in_training_only():
    model = MLPConfig(width=4, dropout=0.5).build((4, 4, 1), 3, rngs=nnx.Rngs(0))
    model(jnp.ones((1, 4, 4, 1)))
    with pytest.raises(ValueError, match="pass key="):
        model(jnp.ones((1, 4, 4, 1)), train=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GCNNConfig(group="D4").build((8, 6, 1), 3, rngs=nnx.Rngs(0)), r"group D4 '8x6'.*try 6x6"),
        (lambda: GCNNConfig(group="C8"), "invalid model.group 'C8'.*C4"),
        (lambda: GCNNConfig(group="X4"), "unknown group 'X4'"),
        (lambda: CNNConfig(kernel_size=4), "invalid model.kernel_size 4; allowed: an odd number of pixels; try 5"),
        (lambda: CNNConfig(kernel_size=9).build((8, 8, 1), 3, rngs=nnx.Rngs(0)), "at most the image, 8x8"),
        (lambda: CNNConfig(activation="rellu"), "did you mean 'relu'"),
        (lambda: CNNConfig(downsampling="strid"), "unknown model.downsampling 'strid'.*did you mean 'stride'"),
        (lambda: CNNConfig(padding_mode="zero"), "did you mean 'zeros'"),  # type: ignore[arg-type]
        (lambda: CNNConfig(normalization="bach"), "did you mean 'batch'"),
        (lambda: CNNConfig(dropout=1.0), "invalid model.dropout 1.0"),
        (lambda: CNNConfig(width=0), "invalid model.width 0"),
        (lambda: CNNConfig(depth=0), "invalid model.depth 0"),
        (lambda: MLPConfig(match_parameters=10).build((8, 8, 1), 10, rngs=nnx.Rngs(0)), "the narrowest such network"),
        (lambda: MLPConfig().build((8, 8), 10, rngs=nnx.Rngs(0)), "invalid image_shape"),  # type: ignore[arg-type]
        (lambda: MLPConfig().build((8, 8, 1), 0, rngs=nnx.Rngs(0)), "invalid num_classes 0"),
        (
            lambda: GCNNConfig(group="D4", width=1).build((60, 50, 1), 3, rngs=nnx.Rngs(0)),
            r"image size for group D4 '60x50'; allowed: square images .*; or, for this size, D2, .*; try 50x50",
        ),
        (lambda: CNNConfig(width=1, depth=4).build((5, 8, 1), 3, rngs=nnx.Rngs(0)), "model.depth 4.* 5x8 .*try 3"),
        (
            lambda: GCNNConfig(padding_mode="reflect", width=1).build((8, 8, 1), 3, rngs=nnx.Rngs(0)),
            "model.padding_mode 'reflect'.*8x8 images: .* 2x2 pixels .* 2 pixels deep",
        ),
        (
            lambda: CNNConfig(padding_mode="reflect", width=1, kernel_size=1, depth=5, downsampling="blur").build(
                (8, 8, 1), 3, rngs=nnx.Rngs(0)
            ),
            "model.padding_mode 'reflect'.*8x8 images: .* 1x1 pixels",
        ),
    ],
)
def test_bad_models_are_refused(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()


def test_every_scalable_model_names_its_options():
    for name, found in MODELS.items():
        config = getattr(found, "func", found)  # some names have other defaults
        assert config.__doc__
        if issubclass(config, ScalableConfig):
            assert {"width", "match_parameters"} <= set(config.__dataclass_fields__), name
