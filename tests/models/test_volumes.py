"""Networks of volumes: every symmetry of the cube, borders included, even and odd sizes; controls that fail; errors."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.groups import VOLUME, O, Oh, SpatialGroup, group
from geomdl.layers import Layer
from geomdl.models import MODELS, InexactSizeWarning
from geomdl.models.contract_table import VOLUMES


def changes(model: Layer, size: tuple[int, ...], points: SpatialGroup) -> np.ndarray:
    """max |f(gx) − g f(x)| / max |f(x)| of every element of a group that maps the grid to itself, in float32."""
    elements = points.grid_symmetries()
    x = np.random.default_rng(0).normal(size=(1, *size, model.in_type.size)).astype(np.float32)
    turned = np.concatenate([x, *(VOLUME.grid_symmetry(points, g)(x) for g in elements)])
    y = np.asarray(jax.jit(lambda x: model(x))(jnp.asarray(turned)))
    of_place = y.ndim > 2
    wanted = np.concatenate([VOLUME.grid_symmetry(points, g)(y[:1]) if of_place else y[:1] for g in elements])
    assert np.abs(y).max() > 1e-3
    return np.abs(y[1:] - wanted).reshape(len(elements), -1).max(1) / np.abs(y[0]).max()


def built(entry, name: str) -> Layer:
    """The network of a row, with batch statistics and biases as after training."""
    model, rng = entry.build(name), np.random.default_rng(1)

    def moved(a: jax.Array) -> jax.Array:
        constant = a.size and np.all(np.asarray(a) == np.asarray(a).flat[0])
        return a + jnp.asarray(0.2 * constant * np.abs(rng.normal(size=a.shape)), a.dtype)

    nnx.update(model, jax.tree.map(moved, nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat))))
    return model


def check(entry, name: str, size: tuple[int, ...]) -> None:
    """All elements are exact where the contract says so, and it says so where the row does."""
    model = built(entry, name)
    assert (model.contract.points.at(size) == "exact") == (entry.exact != "never")
    if entry.exact != "never":
        points = SpatialGroup("C1z") if name == "C1" else group(name)
        found = changes(model, size, points)
        assert len(found) == len(points.grid_symmetries())
        assert found.max() < 1e-5


QUICK = {"gcnn": "O", "irreps_network": "SO3", "group_unet": "Oh", "group_unet, irreps": "SO3"}


@pytest.mark.parametrize("entry", [e for e in VOLUMES if e.name in QUICK], ids=lambda e: e.name)
def test_every_turn_of_the_cube(entry):
    even = QUICK[entry.name] in ("O", "SO3")
    check(entry, QUICK[entry.name], entry.even if even else entry.odd)


@pytest.mark.long
@pytest.mark.parametrize(("entry", "name"), [(e, name) for e in VOLUMES for name in e.groups], ids=str)
def test_every_row_every_group_every_element(entry, name):
    for size in (entry.even, entry.odd):
        check(entry, name, size)


def test_plain_networks_and_those_of_one_axis_fail():
    shape = (6, 6, 6, 1)
    plain = MODELS["gcnn"](group="C1", width=2, kernel_size=3, depth=2).build(shape, 2, rngs=nnx.Rngs(0))
    found = changes(plain, shape[:3], O)
    assert found[0] < 1e-6
    assert found[1:].min() > 0.01
    about_z = MODELS["gcnn"](group="C4z", width=1, kernel_size=3, depth=2).build(shape, 2, rngs=nnx.Rngs(0))
    found = changes(about_z, shape[:3], O)
    kept = SpatialGroup("C4z").contains_matrix(O.matrix(O.elements()))
    assert kept.sum() == 4
    assert found[kept].max() < 1e-5
    assert found[~kept].min() > 0.01


def test_a_chiral_network_changes_under_every_mirror():
    model = MODELS["gcnn"](group="O", width=1, kernel_size=3, depth=1).build((4, 4, 4, 1), 2, rngs=nnx.Rngs(0))
    found = changes(model, (4, 4, 4), Oh)
    turns = O.contains_matrix(Oh.matrix(Oh.elements()))
    assert found[turns].max() < 1e-5
    assert found[~turns].min() > 1e-3


@pytest.mark.parametrize(
    ("message", "name", "options", "shape"),
    [
        (r"size for group O '6x6x4'; allowed: cubes .*, D4x, .*; try 6x6x6", "gcnn", {"group": "O"}, (6, 6, 4, 1)),
        (r"group C4z '6x6x4'; allowed: height = width.*, C2z, .*; try 6x4x4", "gcnn", {"group": "C4z"}, (6, 6, 4, 1)),
        (r"group D4h '5x7x8'; .*, D2h, its largest .*; try 5x7x7", "group_unet", {"group": "D4h"}, (5, 7, 8, 1)),
        (r"group Oh '6x7x8'; allowed: cubes .*, D2h, its largest .*; try 7x7x7", "gcnn", {"group": "Oh"}, (6, 7, 8, 1)),
        (r"'C4'; allowed: a group that moves volumes: .*; try 'C4z'", "gcnn", {"group": "C4"}, (6, 6, 6, 1)),
        (r"model.group 'O'; allowed: a group that moves images: .*; try 'C4'", "gcnn", {"group": "O"}, (6, 6, 1)),
        (r"'SO3'; allowed: a subgroup of Oh \(exact on the grid of volumes\)", "gcnn", {"group": "SO3"}, (6,) * 3),
        (r"VGGConfig \(64, 64, 64, 1\); allowed: \(height, width, channels\)", "vgg11", {}, (64, 64, 64, 1)),
        (r"image_shape for CNNConfig \(8, 8\); allowed: \(height, .*\) or \(depth, height", "cnn", {}, (8, 8)),
        (r"image_shape for GroupUNetConfig", "group_unet", {"group": "O"}, (6, 6, 6, 6, 1)),
        (r"irreps mix", "irreps_network", {"nonlinearity": "pointwise"}, (6, 6, 6, 1)),
    ],
)  # fmt: skip
def test_errors_name_the_nearest_valid_choice(message, name, options, shape):
    with pytest.raises(ValueError, match=message):
        MODELS[name](**options).build(shape, 2, rngs=nnx.Rngs(0))


IMAGES_ONLY = (
    "vgg11", "cifar_resnet20", "fcos", "steerable_example", "off_grid", "mnist_final", "harmonic", "resnet",
    "shift_unet",
)  # fmt: skip


@pytest.mark.parametrize("group", ["C4z", "Oh"])
@pytest.mark.parametrize("name", IMAGES_ONLY)
def test_networks_on_images_refuse_groups_that_move_volumes(name, group):
    with pytest.raises(ValueError, match=f"model.group '{group}'; allowed: a group that moves images: .*; try 'C4'"):
        MODELS[name](group=group)


def test_sizes_that_break_the_symmetry_are_named():
    config = MODELS["gcnn"](group="O", width=1, depth=2, kernel_size=3, downsampling="stride")
    with pytest.warns(InexactSizeWarning, match="volumes of 6x6x6 pixels .* nearest exact sizes: 5x5x5 and 7x7x7"):
        config.shapes((6, 6, 6, 1), 2)


def kept(name: str, points: str, size: tuple[int, ...], **options) -> None:
    """Every element is exact on a volume that is no cube, the contract says so, and the layers' sizes are right."""
    model = MODELS[name](width=1, depth=2 if name == "gcnn" else 1, group=points, **options).build(
        (*size, 1), 2, rngs=nnx.Rngs(0)
    )
    group_of = SpatialGroup(points)
    assert model.contract.points.at(size) == "exact"
    found = changes(model, size, group_of)
    assert len(found) == group_of.order
    assert found.max() < 1e-5
    assert model.contract.output_size(size) == (() if name == "gcnn" else size)


@pytest.mark.parametrize(("name", "points", "size"), [("gcnn", "D2h", (6, 7, 8)), ("group_unet", "C4h", (5, 8, 8))])
def test_volumes_that_are_no_cubes(name, points, size):
    kept(name, points, size, kernel_size=3)


@pytest.mark.long
@pytest.mark.parametrize("halving", ["max", "average", "blur"])
@pytest.mark.parametrize("name", ["gcnn", "group_unet"])
@pytest.mark.parametrize(
    ("points", "size"),
    [("D2h", (6, 7, 8)), ("Ci", (6, 7, 8)), ("C2h", (7, 6, 5)), ("D2z", (5, 6, 8)), ("C4h", (5, 8, 8)),
     ("C4h", (6, 7, 7)), ("D4hx", (8, 8, 5)), ("C4y", (7, 6, 7))],
)  # fmt: skip
def test_every_model_and_halving_on_volumes_that_are_no_cubes(name, points, size, halving):
    kept(name, points, size, **{"downsampling" if name == "gcnn" else "halving": halving})


def test_a_kept_size_of_a_larger_group_is_needed():
    model = MODELS["gcnn"](group="D2h", width=1, kernel_size=3, depth=2).build((6, 6, 6, 1), 2, rngs=nnx.Rngs(0))
    found = changes(model, (6, 6, 6), Oh)
    own = SpatialGroup("D2h").contains_matrix(Oh.matrix(Oh.elements()))
    assert found[own].max() < 1e-5
    assert found[~own].min() > 1e-3


def test_widths_are_matched_and_sizes_change_at_the_call():
    matched = MODELS["gcnn"](group="O", match_parameters=3000, kernel_size=3, depth=2).matched((6, 6, 6, 1), 2)
    assert 2000 < matched.parameter_count((6, 6, 6, 1), 2) < 4000
    unet = MODELS["unet"](width=1, depth=1).build((6, 6, 6, 1), 2, rngs=nnx.Rngs(0))
    assert jax.eval_shape(lambda x: unet(x), jax.ShapeDtypeStruct((1, 5, 6, 7, 1), jnp.float32)).shape == (
        1,
        5,
        6,
        7,
        2,
    )


def test_every_network_that_takes_volumes_has_a_row():
    takes = {
        name for name, config in MODELS.items() if "volume" in getattr(getattr(config, "func", config), "spaces", ())
    }
    own = {name for name in takes if MODELS[name].__module__.startswith("geomdl.")}
    assert own == {entry.name.split(",")[0] for entry in VOLUMES}
    assert all(dataclasses.is_dataclass(entry) for entry in VOLUMES)
