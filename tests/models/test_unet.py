"""Segmentation networks: published sizes, label maps that turn with the images, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.evaluators import sliding_window
from geomdl.groups import group as group_of
from geomdl.layers import Conv, Layer
from geomdl.models import (
    MODELS,
    FCNConfig,
    GroupUNetConfig,
    ShiftUNetConfig,
    UNet2015Config,
    UNetConfig,
    count_parameters,
    summarize,
)
from geomdl.representations import FieldType


def _x(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


def test_the_published_network_has_the_published_sizes():
    """572 → 388 pixels; parameters counted by hand, layer by layer."""
    config = UNet2015Config()
    model = nnx.eval_shape(lambda: config.build((572, 572, 1), 2, rngs=nnx.Rngs(0)))
    assert model.contract.output_size((572, 572)) == (388, 388)
    channels = [64, 128, 256, 512, 1024]

    def conv(size: int, i: int, o: int) -> int:
        return size**2 * i * o + o

    down = sum(conv(3, i, o) + conv(3, o, o) for i, o in zip([1, *channels], channels, strict=False))
    up = sum(conv(2, 2 * c, c) + conv(3, 2 * c, c) + conv(3, c, c) for c in channels[:-1])
    assert count_parameters(model) == down + up + conv(1, 64, 2) == 31_030_658


@pytest.mark.parametrize("depth", [1, 2])
def test_sizes_of_2015_are_those_that_fit(depth: int):
    config = UNet2015Config(width=1, depth=depth)
    model = nnx.eval_shape(lambda: config.build((572, 572, 1), 2, rngs=nnx.Rngs(0)))
    for n in range(16, 60):
        expected = config.output_side(n)
        if expected is None:
            with pytest.raises(ValueError, match=r"invalid|fit|larger"):
                model.contract.output_size((n, n))
        else:
            assert model.contract.output_size((n, n)) == (expected, expected)
            assert (n - expected) % 2 == 0


def test_other_sizes_of_2015_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"image size for unet_2015 '64x30'; allowed: .*halvings.*try 64x44"):
        UNet2015Config(width=1, depth=2).build((64, 30, 1), 2, rngs=nnx.Rngs(0))
    UNet2015Config(width=1, depth=2).build((64, 44, 1), 2, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(("group", "halving", "n"), [("C4", "max", 10), ("D4", "blur", 11)])
def test_turned_images_give_turned_label_maps_at_any_size(group: str, halving: str, n: int):
    """Also at sizes that the network was not built for, even and odd at each level."""
    config = GroupUNetConfig(group=group, width=2, depth=2, halving=halving)  # type: ignore[arg-type]
    assert _broken(config.build((8, 8, 1), 3, rngs=nnx.Rngs(0)), n) < 1e-5


def test_the_plain_network_does_not_turn_with_the_images():
    assert _broken(UNetConfig(width=4, depth=2).build((8, 8, 1), 3, rngs=nnx.Rngs(0)), 10, "C4") > 1e-2


def _broken(model: Layer, n: int, group: str = "") -> float:
    """The largest difference between f(g x) and g f(x), relative to f(x), for the last element of a group."""
    x, points = _x(1, n, n, 1), group_of(group) if group else model.contract.group
    g = points.elements()[-1]
    turned = act(g, x, FieldType(points, "1 trivial"))
    y, y_turned = jax.jit(model)(jnp.concatenate([x, turned]))
    expected = act(g, y[None], FieldType(points, "3 trivial"))[0]
    assert y.shape == (n, n, 3)
    assert float(y.std()) > 0.1, "it is not constant"
    return float(jnp.abs(y_turned - expected).max() / jnp.abs(y).max())


def test_every_whole_shift_of_the_image_shifts_the_label_map():
    """Two halvings, so that shifts by 1, 2 and 3 pixels are of every phase; the plain one, circular too, is broken."""
    shifts = [(1, 0), (2, 3), (3, 1), (5, 6)]
    fields = {"width": 4, "depth": 2, "padding_mode": "circular"}
    errors = []
    for config in (MODELS["shift_unet"](**fields), MODELS["unet"](**fields)):
        model, x = config.build((8, 12, 1), 2, rngs=nnx.Rngs(0)), _x(1, 8, 12, 1)
        y, *moved = jax.jit(model)(jnp.concatenate([x, *(jnp.roll(x, s, (1, 2)) for s in shifts)]))
        assert float(y.std()) > 0.1, "it is not constant"
        errors.append([float(jnp.abs(m - jnp.roll(y, s, (0, 1))).max()) for m, s in zip(moved, shifts, strict=True)])
    assert max(errors[0]) < 1e-5
    assert min(errors[1]) > 1e-2


def test_windows_of_a_large_image_give_what_the_whole_gives():
    """The side of the image is odd and that of the windows even: the networks halve them differently."""
    n = 35
    model = UNetConfig(width=3, depth=1, kernel_size=1, activation="elu").build((8, 8, 1), 2, rngs=nnx.Rngs(0))
    x, f = _x(1, n, n, 1), jax.jit(model)
    whole = f(x)
    assert np.allclose(sliding_window(f, x, model.contract, window=12), whole, atol=1e-5)
    assert float(jnp.abs(f(x[:, :, :12])[:, :, :10] - whole[:, :, :10]).max()) > 1e-3, "even and odd windows differ"


@pytest.mark.parametrize("name", ["unet_2015", "group_unet", "shift_unet"])
def test_parameters_are_matched_and_summaries_add_up(name: str):
    size = 20 if name == "unet_2015" else 16
    config = MODELS[name](match_parameters=20_000, depth=1)  # type: ignore[call-arg]
    model = nnx.eval_shape(lambda: config.build((size, size, 1), 3, rngs=nnx.Rngs(0)))
    assert abs(count_parameters(model) - 20_000) < 2_000
    summary = summarize(model, (size, size, 1))
    assert summary.parameters == count_parameters(model)
    assert summary.multiply_adds == model.multiply_adds((size, size))
    assert summary.rows[-1].output_shape[-1] == 3
    assert len(summary.rows) > 15, "the layers inside the skips are listed too"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UNetConfig(depth=0), "invalid model.depth 0"),
        (lambda: UNetConfig(halving="mx"), "unknown model.halving 'mx'.*did you mean 'max'"),  # type: ignore[arg-type]
        (lambda: UNetConfig(kernel_size=4), "invalid model.kernel_size 4"),
        (lambda: UNetConfig(padding_mode="zero"), "did you mean 'zeros'"),  # type: ignore[arg-type]
        (lambda: UNetConfig(normalization="layer"), "unknown model.normalization 'layer'"),
        (lambda: GroupUNetConfig(group="X4"), "unknown group 'X4'"),
        (lambda: GroupUNetConfig().build((8, 6, 1), 2, rngs=nnx.Rngs(0)), "group C4 '8x6'.*try 6x6"),
        (lambda: GroupUNetConfig(group="SO2", halving="max", width=1, depth=1).build((8, 8, 1), 2, rngs=nnx.Rngs(0)),
         "halving='average', 'blur'"),
        (lambda: FCNConfig().build((20, 24, 1), 2, rngs=nnx.Rngs(0)), "size for fcn '20x24'; .*stride 8; try 16x24"),
        (lambda: ShiftUNetConfig(padding_mode="zeros"), "padding_mode of shift_unet 'zeros'"),
        (lambda: ShiftUNetConfig(group="C8"), "invalid model.group 'C8'.*try 'C4'"),
        (lambda: ShiftUNetConfig().build((20, 20, 1), 2, rngs=nnx.Rngs(0)), "shift_unet '20x20'.*stride 8; try 16x16"),
        (lambda: ShiftUNetConfig(width=1, depth=1).build((8, 8, 1), 2, rngs=nnx.Rngs(0))(_x(1, 9, 9, 1)), "stride 2"),
        (lambda: FCNConfig(width=1, depth=1).build((8, 8, 1), 2, rngs=nnx.Rngs(0))(_x(1, 9, 9, 1)), "doesn't fit 9"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("scalars", "rank"), [(0, 1), (None, 4)])
def test_few_fields_give_several_scores(scalars, rank):
    """The invariant numbers of one field are one: four scores of it are multiples of one another."""
    config = GroupUNetConfig(group="C4", width=1, depth=1, scalars=scalars)
    model = config.build((8, 8, 1), 4, rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
    scores = np.asarray(jax.jit(lambda x: model(x))(x)).reshape(-1, 4)
    values = np.linalg.svd(scores - scores.mean(0), compute_uv=False)
    assert (values > 1e-4 * values[0]).sum() == rank


def test_scalars_are_where_there_are_fewer_fields_than_outputs():
    def given(**options) -> list[str]:
        layers = GroupUNetConfig(depth=1, **options).shapes((8, 8, 1), 4).layers
        return [str(layer.out_type.fields) for layer in layers if isinstance(layer, Conv)][-2:]

    assert given(group="C4", width=3) == ["12 trivial", "4 trivial"]
    assert given(group="SO2", width=1) == ["12 trivial", "4 trivial"]
    assert given(group="C4", width=4) == ["4 regular", "4 trivial"]
    assert given(group="C4", width=4, scalars=5) == ["5 trivial", "4 trivial"]
    assert given(group="C1", width=1) == ["1 trivial", "4 trivial"]
    with pytest.raises(ValueError, match=r"invalid model\.scalars -1; allowed: a number of channels"):
        GroupUNetConfig(scalars=-1)
